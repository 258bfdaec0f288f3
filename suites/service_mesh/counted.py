"""What proxies count of requests that are sent: the client's, and those of the pods. Nothing here
judges."""

from __future__ import annotations

from collections import Counter

from fixtures.history import History
from fixtures.lab import convergence
from fixtures.lab.origins import origins
from suites.service_mesh.counters import FILTER, Rise, parse
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
    client, backend, quiet = (
        Counter({kind: n - old[kind] for kind, n in new.items()})
        for old, new in zip(before, after, strict=True)
    )
    return history, Rise(client, backend, quiet)


def _read(practised: Practised) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """The counters of the service at the client, of its pods, and of the service nobody asks."""
    space = practised.space
    own = convergence.proxy(space.kube, space.namespace, practised.insider.pod, FILTER)
    backends: Counter[str] = Counter()
    for origin in origins(space, ORIGIN):
        backends += parse(
            convergence.proxy(space.kube, space.namespace, origin.pod, FILTER), INBOUND
        )
    return parse(own, space.host(COUNTED)), backends, parse(own, space.host(NOBODY))
