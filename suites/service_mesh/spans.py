"""What must be true of the spans that proxies tell of requests. Pure.

Sources: Zipkin API, version 2 (spans); OpenZipkin, "B3 propagation"; Istio, "Telemetry"
(randomSamplingPercentage); Envoy, "Tracing".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pydantic import BaseModel, ConfigDict, Field

from fixtures.checks import Check, every, nonces, split
from fixtures.checks.guard import guarded
from fixtures.checks.sequential import SplitTest
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, failed, passed

CLIENT, SERVER = "CLIENT", "SERVER"
URL = "http.url"
TRACED, UNTRACED = "traced", "untraced"


class Span(BaseModel):
    """One proxy's part in a request.

    Attributes:
        at: when it began, in microseconds since 1970, by its node's clock.
        tags: what the proxy tells of the request; `URL` has its nonce.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    trace: str = Field(alias="traceId")
    id: str
    parent: str = Field(default="", alias="parentId")
    kind: str = ""
    at: int = Field(default=0, alias="timestamp")
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def nonce(self) -> str:
        """The nonce of the request; empty if it has none."""
        return next(iter(nonces(self.tags.get(URL, ""))), "")


Spans = Mapping[str, Sequence[Span]]
"""By nonce, in the order in which they were told."""


def parse(log: str) -> dict[str, list[Span]]:
    """The spans of requests with a nonce, by it, out of a recorder's log. One that tells no URL, as
    a Gateway's of what it asked, is of the request that its parent is of."""
    lines = (line for line in log.splitlines() if line.startswith("{"))
    every = [Span.model_validate_json(line) for line in lines]
    by_id = {(span.trace, span.id): span for span in every}
    spans: dict[str, list[Span]] = {}
    for span in every:
        parent = by_id.get((span.trace, span.parent))
        nonce = span.nonce or (parent.nonce if parent else "")
        if nonce:
            spans.setdefault(nonce, []).append(span)
    return spans


@dataclass(frozen=True)
class Way:
    """What a request passes, and within which trace.

    Attributes:
        kinds: of its spans, from the client on, each the parent of the next.
        trace: that the client began; each request has one of its own without it.
        parent: the client's own span in it.
    """

    kinds: Sequence[str]
    trace: str = ""
    parent: str = ""


INSIDE = Way((CLIENT, SERVER))
"""From sidecar to sidecar."""
BY_GATEWAY = Way((SERVER, CLIENT, SERVER))
"""From a Gateway to a sidecar: a Gateway tells what it was asked, and what it asked."""


def are_traced(spans: Spans, way: Way) -> Check:
    """Each request was answered by a backend, and is a trace of the spans of its way: each begins
    no sooner than its parent, which is the span before it."""
    return guarded(lambda history: _are_whole(history, spans, way))


def are_sampled(spans: Spans, way: Way, percent: int, test: SplitTest) -> Check:
    """So many percent of the requests, by chance, are traces of the spans of their way; nothing is
    told of any other."""
    weights = {TRACED: percent, UNTRACED: 100 - percent}

    def of(exchange: Exchange) -> str:
        if not exchange.service:
            return ""
        return TRACED if spans.get(nonce_of(exchange)) else UNTRACED

    def judge(history: History) -> Verdict:
        return _are_whole(history.where(lambda e: of(e) == TRACED), spans, way)

    return every(split(weights, test, of), guarded(judge, 0))


def none_traced(spans: Spans) -> Check:
    """Each request was answered by a backend, and nothing is told of any."""

    def judge(history: History) -> Verdict:
        lost = history.where(lambda e: not e.service)
        if len(lost):
            return failed(f"{len(lost)} of {len(history)} were answered by no backend")
        some = history.where(lambda e: bool(spans.get(nonce_of(e))))
        if len(some):
            return failed(f"{len(some)} of {len(history)} were traced", traced=len(some))
        return passed(f"none of {len(history)} was traced")

    return guarded(judge)


def nonce_of(exchange: Exchange) -> str:
    """The nonce of a request; empty if it has none."""
    return next(iter(nonces(exchange.url)), "")


def _are_whole(some: History, spans: Spans, way: Way) -> Verdict:
    """Whether these requests are whole traces, and each another one."""
    traces, problems = list[str](), list[str]()
    for exchange in some:
        own = spans.get(nonce_of(exchange), ())
        answered = bool(exchange.service)
        problem = _problem(own, way) if answered else "answered by no backend"
        problems += [problem] if problem else []
        traces += {span.trace for span in own}
    numbers = {"n": len(some), "traces": len(set(traces))}
    if problems:
        what = f"{len(problems)} of {len(some)} are no whole traces: {problems[0]}"
        return failed(what, **numbers)
    if way.trace and set(traces) - {way.trace}:
        return failed(f"some are of another trace than {way.trace}", **numbers)
    if not way.trace and len(set(traces)) != len(traces):
        return failed(f"{len(traces)} requests have {len(set(traces))} traces", **numbers)
    return passed(f"all {len(some)} are whole traces of {len(way.kinds)} spans", **numbers)


def _problem(own: Sequence[Span], way: Way) -> str:
    """What is wrong with the spans of a request; empty if nothing is."""
    if len(own) != len(way.kinds):
        return f"{len(own)} spans, not {len(way.kinds)}"
    chain = _chain(own, way.parent)
    if len(chain) != len(own):
        return f"{len(chain)} of {len(own)} spans hang together from the client on"
    kinds = [span.kind for span in chain]
    if kinds != list(way.kinds):
        return f"spans of {', '.join(kind or 'no kind' for kind in kinds)}"
    if any(child.at < parent.at for parent, child in pairwise(chain)):
        return "a span began before its parent"
    return "" if len({span.trace for span in chain}) == 1 else "spans of several traces"


def _chain(own: Sequence[Span], parent: str) -> list[Span]:
    """The spans from a client's own on, each the parent of the next."""
    by_parent = {span.parent: span for span in own}
    chain = list[Span]()
    while span := by_parent.pop(parent, None):
        chain.append(span)
        parent = span.id
    return chain
