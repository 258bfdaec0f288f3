"""Requests that end in every way, and what the proxies on their way write of them. Nothing here
judges."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import suppress

from clusters.errors import NotReadyError
from clusters.waiting import wait_for
from fixtures.checks import nonces
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import convergence
from fixtures.lab.convergence import PROXY
from fixtures.lab.origins import origins
from fixtures.lab.sampling import MARGIN
from suites.service_mesh.access_log import Expected, Line, Lines, Told, parse
from suites.service_mesh.subject import FEW, NOBODY, ONCE, ORIGIN, TIMED, Practised

LOGGED = {
    "logged.served": Expected(),
    "logged.not-found": Expected(),
    "logged.failed": Expected(),
    "logged.late": Expected(flags="UT"),
    "logged.left": Expected(flags="DC"),
    "logged.nowhere": Expected(flags="UH", arrives=False),
}
"""The streams whose lines are looked for, and what the proxies tell of them."""
LEAVES_AFTER = 0.5
"""Seconds after which the client that does not wait for its answer hangs up."""
LOG_WAIT = 15.0
"""Seconds in which a line comes into a log: Envoy writes them every second or ten."""


def log(practised: Practised) -> tuple[History, Told]:
    """Make requests that end in every way, and read what the proxies wrote of them.

    Raises:
        CommandError: the prober could not be started.
    """
    mark, began = convergence.generation(), time.monotonic()
    history = practised.insider.probe(*_streams(practised, mark))
    wanted = {n for e in history for n in nonces(e.url)}
    far = {n for e in history if LOGGED[e.stream].arrives for n in nonces(e.url)}
    backends = [each.pod for each in origins(practised.space, ORIGIN)]
    by_client = by_proxies(practised, [practised.insider.pod], began, wanted)
    return history, Told(by_client, by_proxies(practised, backends, began, far))


def by_proxies(
    practised: Practised, pods: Collection[str], began: float, wanted: Collection[str]
) -> Lines:
    """What the proxies of these pods wrote since then, once there is a line for each of the wanted
    nonces, or none came in time: what is not there is for others to judge.

    Args:
        began: by `time.monotonic()`.
    """
    lines: dict[str, list[Line]] = {}

    def missing() -> str:
        lines.clear()
        for pod in pods:
            for nonce, some in _read(practised, pod, time.monotonic() - began + MARGIN).items():
                lines.setdefault(nonce, []).extend(some)
        return ", ".join(sorted(set(wanted) - lines.keys())[:9])

    with suppress(NotReadyError):
        wait_for("lines in the proxies' logs", missing, LOG_WAIT)
    return lines


def _read(practised: Practised, pod: str, since: float) -> dict[str, list[Line]]:
    return parse(practised.space.kube.logs(practised.space.namespace, pod, PROXY, since=since))


def _streams(practised: Practised, mark: str) -> Iterator[Stream]:
    stream = practised.stream
    yield stream("logged.served", ONCE, mark, "", FEW)
    yield stream("logged.not-found", ONCE, mark, "status=404", FEW)
    yield stream("logged.failed", ONCE, mark, "status=503", FEW)
    yield stream("logged.late", TIMED, mark, "delay=1", FEW)
    left = stream("logged.left", ONCE, mark, "delay=6", FEW)
    yield left.model_copy(update={"timeout": LEAVES_AFTER})
    yield stream("logged.nowhere", NOBODY, mark, "", FEW)
