"""Requests while all of them are traced, while some are, and while none is, and what proxies tell
of them. Nothing here judges.

The practice is in force for so long and no longer: a proxy that traces adds headers of its own to
each request.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product

from clusters.errors import NotReadyError
from clusters.waiting import wait_for
from fixtures.checks import nonces
from fixtures.history import History
from fixtures.history.streams import Stream, marked
from fixtures.lab import Lab, convergence
from fixtures.lab.sampling import MARGIN
from fixtures.manifests import Given
from fixtures.traffic.client import side_by_side
from suites.service_mesh.spans import BY_GATEWAY, INSIDE, Span, Spans, Way, parse
from suites.service_mesh.subject import DOOR, FEW, TOLD, Practised

STEM = "telemetry-tracing"
RECORDER = "recorder"
ALL_INSIDE, ALL_BY_GATEWAY, TENTH, NONE, BEGUN = (
    "all.inside",
    "all.gateway",
    "tenth",
    "none",
    "begun",
)
"""What a stream's name begins with."""
PERCENT = 10
"""Of the practice."""
MANY = 2_000
"""Requests of which a tenth is traced: 700 decide on average, but 1,000 left it open one time of
eight, and these one of some 700 (of 1,500 drawn with a tenth)."""
AT_ONCE = 4
METHODS, STATUSES = ("GET", "POST", "DELETE"), (200, 404, 501)
"""What is traced whatever it is, and whatever came of it; none of these is tried again."""
TRACE, PARENT = "80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1"
SAMPLED = {"x-b3-traceid": TRACE, "x-b3-spanid": PARENT, "x-b3-sampled": "1"}
"""A trace that its client has sampled (OpenZipkin, B3, several headers: of the single one Envoy
tells the next proxy the client's span, and not its own)."""
WAIT = 20.0
"""Seconds in which spans come: Envoy tells five of them together, or what there is every 5 s."""
WAYS: Mapping[str, Way] = {
    ALL_INSIDE: INSIDE,
    ALL_BY_GATEWAY: BY_GATEWAY,
    BEGUN: replace(INSIDE, trace=TRACE, parent=PARENT),
}
"""The ways whose requests are all traced."""


@dataclass(frozen=True)
class Tracing:
    """What was asked, and by nonce what proxies told of it."""

    history: History
    spans: Spans


def trace(lab: Lab, practised: Practised) -> Tracing:
    """Ask while all is traced, while the practice's share is, and while nothing is but what a
    client has sampled; then wait for the last spans, and take the practice away.

    Raises:
        CommandError: a prober could not be started.
        NotReadyError: a proxy did not go by a share in time.
        WrongManifestError: the practice is refused, or is never in force.
    """
    practice, mark, began = lab.manifests.given(STEM), convergence.generation(), time.monotonic()
    try:
        _apply(practised, _with_share(practice, 100))
        history = side_by_side(
            lambda: practised.insider.probe(*_every_kind(practised, mark), at_once=AT_ONCE),
            lambda: practised.outsider.probe(_stream(practised, ALL_BY_GATEWAY, DOOR, mark)),
        )
        _apply(practised, practice)
        tenth = _stream(practised, TENTH, TOLD, mark, count=MANY)
        history += practised.insider.probe(tenth.model_copy(update={"concurrency": AT_ONCE}))
        _apply(practised, _with_share(practice, 0))
        begun = _stream(practised, BEGUN, TOLD, mark).model_copy(update={"headers": SAMPLED})
        none = _stream(practised, NONE, TOLD, mark)
        history += practised.insider.probe(none, begun, in_turn=True)
        return Tracing(history, _told(practised, history, began))
    finally:
        _apply(practised, replace(practice, absent=True))


def _every_kind(practised: Practised, mark: str) -> Iterator[Stream]:
    """Requests of all methods that get all statuses."""
    for method, status in product(METHODS, STATUSES):
        name = f"{ALL_INSIDE}.{method}.{status}"
        yield practised.stream(name, TOLD, mark, f"status={status}", FEW, method=method)


def _stream(
    practised: Practised, name: str, service: str, mark: str, count: int = 4 * FEW
) -> Stream:
    return marked(name, practised.space.host(service), mark, count=count)


def _apply(practised: Practised, practice: Given) -> None:
    convergence.documents(practised.space, [practice], practised.deadline, [practised.insider])


def _with_share(practice: Given, percent: int) -> Given:
    """The practice with another share of requests that are traced."""
    document = copy.deepcopy(dict(practice.document))
    for each in document["spec"].get("tracing", ()):
        each["randomSamplingPercentage"] = percent
    return replace(practice, document=document)


def _told(practised: Practised, history: History, began: float) -> dict[str, list[Span]]:
    """What the recorder wrote down, once all is there that must be, or time is up. What a proxy
    tells last it tells after all others: so then nothing of what it told before is missing."""
    space = practised.space
    pod = space.kube.pod(space.namespace, f"app={RECORDER}")["metadata"]["name"]
    wanted = {
        nonce: len(way.kinds)
        for exchange in history
        for name, way in WAYS.items()
        if exchange.stream.startswith(name)
        for nonce in nonces(exchange.url)
    }
    spans = dict[str, list[Span]]()

    def missing() -> str:
        since = time.monotonic() - began + MARGIN
        spans.clear()
        spans.update(parse(space.kube.logs(space.namespace, pod, RECORDER, since=since)))
        lacking = (nonce for nonce, n in wanted.items() if len(spans.get(nonce, ())) < n)
        return ", ".join(sorted(lacking)[:9])

    with suppress(NotReadyError):  # what is not there is what is asked
        wait_for("spans of all that is traced", missing, WAIT)
    return spans
