"""What proxies count of requests that are sent: the client's, and those of the pods. Nothing here
judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fixtures.history import History
from fixtures.lab import convergence
from fixtures.lab.origins import origins
from fixtures.traffic.client import ClientPod
from fixtures.traffic.raw import Bytes, exchange
from suites.service_mesh.counters import (
    FILTER,
    SCRAPED_PATH,
    SCRAPED_PORT,
    Rise,
    parse,
    parse_scraped,
)
from suites.service_mesh.subject import COUNTED, NOBODY, ORIGIN, Practised

SENT = {
    "counted.served": ("", 20),
    "counted.not-found": ("status=404", 9),
    "counted.failed": ("status=503", 6),
}
"""By stream: the mood that is asked for, and how often."""
INBOUND = "inbound|"


def count(practised: Practised) -> tuple[History, Rise]:
    """Ask for answers of all classes, and see what the proxies' counters rise by.

    Raises:
        CommandError: the prober could not be started, or a proxy does not answer.
    """
    mark, before = convergence.generation(), _read(practised)
    history = practised.insider.probe(
        *(
            practised.stream(name, COUNTED, mark, mood, times)
            for name, (mood, times) in SENT.items()
        )
    )
    after = _read(practised)
    rises = (
        Counter({kind: n - old[kind] for kind, n in new.items()})
        for old, new in zip(before, after, strict=True)
    )
    return history, Rise(*rises)


def _read(practised: Practised) -> tuple[Counter[str], ...]:
    """The counters that a `Rise` is of, as they are."""
    space, asked = practised.space, practised.space.host(COUNTED)
    pods = origins(space, ORIGIN)
    own, *others = (
        convergence.proxy(space.kube, space.namespace, pod, FILTER)
        for pod in (practised.insider.pod, *(origin.pod for origin in pods))
    )
    addresses = (practised.insider.address, *(origin.address for origin in pods))
    own_told, *others_told = _scrape(practised.outsider, addresses)
    return (
        parse(own, asked),
        _sum(parse(text, INBOUND) for text in others),
        parse_scraped(own_told, asked),
        _sum(parse_scraped(text, INBOUND) for text in others_told),
        parse(own, space.host(NOBODY)),
    )


def _scrape(outsider: ClientPod, addresses: Iterable[str]) -> list[str]:
    """What Prometheus would be told by proxies: it has no sidecar either."""
    wanted = f"GET {SCRAPED_PATH} HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n"
    every = [Bytes(address, SCRAPED_PORT, wanted) for address in addresses]
    return [reply.answer for reply in exchange(outsider, every)]


def _sum(every: Iterable[Counter[str]]) -> Counter[str]:
    return sum(every, Counter[str]())
