"""Waiting for a condition with a deadline: the one way in which anything here waits.

Knows nothing of what it waits for, and never sleeps for luck.
"""

from __future__ import annotations

from collections.abc import Callable

import tenacity
from kubernetes.dynamic.exceptions import DynamicApiError

from clusters.errors import NotReadyError, PlumblineError


def wait_for(what: str, pending: Callable[[], str], deadline: float, look: str = "") -> None:
    """Wait until `pending` returns an empty string; until then it returns what it saw.

    An error of ours inside `pending` counts as something seen, not as the end: a pod that
    restarts while it is asked is not ready yet.

    Raises:
        NotReadyError: `deadline` seconds passed first.
    """

    def seen() -> str:
        try:
            return pending()
        except (PlumblineError, DynamicApiError) as error:
            return str(error)

    try:
        tenacity.Retrying(
            retry=tenacity.retry_if_result(bool),
            stop=tenacity.stop_after_delay(deadline),
            wait=tenacity.wait_exponential(multiplier=0.1, max=1.0),
        )(seen)
    except tenacity.RetryError as error:
        raise NotReadyError(
            f"{what} within {deadline:g} s", seen=error.last_attempt.result(), look=look
        ) from None
