"""Lines that a pod's proxy wrote of certain requests. A proxy writes its log every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Collection

from clusters.kube import Kube
from clusters.remote import Container
from clusters.waiting import wait_for
from fixtures.lab.sampling import MARGIN


def lines_of(
    kube: Kube, proxy: Container, nonces: Collection[str], began: float, deadline: float
) -> dict[str, str]:
    """By nonce, the line of each of these requests in a proxy's log.

    Args:
        began: when the first was sent, by `time.monotonic()`.

    Raises:
        NotReadyError: one had none in time.
    """
    lines: dict[str, str] = {}

    def missing() -> str:
        since = time.monotonic() - began + MARGIN
        log = kube.logs(*proxy, since=since).splitlines()
        for nonce in nonces:
            lines.update((nonce, line) for line in log if nonce in line)
        return ", ".join(sorted(set(nonces) - lines.keys()))

    look = kube.kubectl(f"-n {proxy.namespace} logs {proxy.pod} -c {proxy.name} --tail 20")
    wait_for(f"requests in the log of {proxy.pod}'s proxy", missing, deadline, look)
    return lines
