"""What must be true of new connections while nobody signs certificates: they fail, and stay sealed.

Sources: Istio, "Security" (a proxy's agent asks istiod for its certificates, and again before they
expire); RFC 5280, 4.1.2.5: a certificate is valid through notAfter, to the second. Pure.

Times are seconds since 1970, by the clocks of the nodes and of whoever runs the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from fixtures.checks.expectations import GOOD, Served
from fixtures.checks.outages import Kinds, kinds_of
from fixtures.history.certificates import Chain, Shown
from fixtures.history.traces import Answer, Trace
from fixtures.history.verdict import Number, Verdict, combine, failed, inconclusive, passed

LIFETIME = 30.0
"""Seconds that a certificate lives."""
SECOND = 1.0
"""What a certificate's end is told to."""
SOME = 10
"""Answers in a time of which something is said."""
MOST_STARVED = 0.5
"""Share of its requests that a pressed machine may keep from a stream that is judged."""
UNAVAILABLE = 503
CAUSES = ("CERTIFICATE_VERIFY_FAILED", "CERTIFICATE_EXPIRED")
"""BoringSSL's words for it, as an Envoy logs them (UPSTREAM_TRANSPORT_FAILURE_REASON): the first
for what it does not believe itself, the other for what its peer says of it."""
_LINE = re.compile(r'^\[(?P<at>[^]]+)\] "GET (?P<path>\S+) [^"]*" (?P<status>\d+) ')


class Refusal(NamedTuple):
    """A line in the log of the client's proxy of a request that got a 503, and when it began."""

    at: float
    line: str


def refusals(log: str, nonce: str) -> list[Refusal]:
    """Out of a proxy's log, the requests with a nonce that got a 503."""
    matches = ((line, _LINE.match(line)) for line in log.splitlines())
    return [
        Refusal(datetime.fromisoformat(match["at"]).timestamp(), line)
        for line, match in matches
        if match and nonce in match["path"] and match["status"] == str(UNAVAILABLE)
    ]


@dataclass(frozen=True)
class Away:
    """What was answered, and which certificates were shown, while the authority was away.

    Attributes:
        new: requests over a new connection each.
        standing: requests over one connection that stood before, between the same two.
        refused: what the log of the client's proxy says of the former that it refused itself.
        shown: handshakes with either end, by its name.
        gone: when the authority had gone.
        again: when it began to come back.
        back: when it was back.
    """

    new: Trace
    standing: Trace
    refused: Sequence[Refusal]
    shown: Mapping[str, Sequence[Shown]]
    gone: float
    again: float
    back: float


def fails_closed(away: Away, service: str, within: float) -> Verdict:
    """No request fails before a certificate has expired; once all have, each over a new connection
    fails for that, while a connection that stands is served; and all are served again in time.

    Args:
        service: who serves.
        within: seconds from when the authority is back.
    """
    ends = {name: _end(shown, away.again) for name, shown in away.shown.items()}
    return combine(
        (
            _are_short(ends, away.gone),
            _until(away, service, [end for end in ends.values() if end]),
            _closed(away),
            _stands(away, service),
            _well_again(away, service, within),
        )
    )


def _end(shown: Iterable[Shown], before: float) -> float:
    """When the last certificate that was shown until then ends; 0 if none was shown."""
    chains = (Chain.parse(each.chain) for each in shown if each.chain and each.at < before)
    return max((chain.ends.timestamp() for chain in chains), default=0.0)


def _are_short(ends: Mapping[str, float], gone: float) -> Verdict:
    """Whether none outlives the authority by more than a certificate lives."""
    if silent := [name for name, end in ends.items() if not end]:
        return inconclusive(f"nothing is known of the certificate of {', '.join(silent)}")
    left = {name: round(end - gone, 1) for name, end in ends.items()}
    said = ", ".join(f"{name} after {seconds:g} s" for name, seconds in left.items())
    numbers: dict[str, Number] = {f"{name}.ends": seconds for name, seconds in left.items()}
    if any(end > gone + LIFETIME + SECOND for end in ends.values()):
        said = f"certificates last longer without the authority than they live: {said}"
        return failed(said, **numbers)
    return passed(f"without the authority certificates end: {said}", **numbers)


def _until(away: Away, service: str, ends: Sequence[float]) -> Verdict:
    """Whether all were served until the first certificate ended. Between its end and the last one's
    both may be: who resumes a session shows no certificate (RFC 8446, 2.2)."""
    first, last = min(ends, default=away.gone), max(ends, default=away.gone)
    before = away.new.between(0.0, first - SECOND)
    since = away.new.between(away.gone, away.again)
    refused = since.sent[_kinds(since, service) == "refused"]
    numbers: dict[str, Number] = {"before": len(before)}
    if len(refused):
        numbers["refused.after"] = round(float(refused.min()) - first, 1)
    numbers["served.between"] = int((_kinds(away.new.between(first, last), service) == GOOD).sum())
    return _all(before, service, "until a certificate had expired", numbers)


def _closed(away: Away) -> Verdict:
    """Whether the client's proxy refused each once no certificate can be valid any more, and says
    that this is why."""
    start, end = away.gone + LIFETIME + 2 * SECOND, away.again
    closed = away.new.between(start, end)
    sent = [
        closed.answers[int(place)]
        for place, kind in zip(closed.answer, _kinds(closed, ""), strict=True)
        if kind != "starved"
    ]
    lines = [each.line for each in away.refused if start <= each.at < end]
    causes = [line for line in lines if any(cause in line for cause in CAUSES)]
    numbers = {"closed": len(sent), "closed.causes": len(causes)}
    when = "once no certificate was valid"
    if wrong := [answer for answer in sent if not _is_refusal(answer)]:
        said = f"{len(wrong)} of {len(sent)} were not refused {when}; the first: {_said(wrong[0])}"
        return failed(said, **numbers)
    if len(causes) < len(lines):
        other = next(line for line in lines if line not in causes)
        return failed(f"{when} a request was refused for something else: {other[:200]}", **numbers)
    if len(sent) < SOME or len(causes) < SOME:
        said = f"only {len(sent)} were sent {when}, and {len(causes)} were logged"
        return inconclusive(said, **numbers)
    return passed(f"{when} all {len(sent)} were refused for that", **numbers)


def _is_refusal(answer: Answer) -> bool:
    """Whether the client's own proxy says that it got no connection."""
    return answer.status == UNAVAILABLE and not answer.service


def _said(answer: Answer) -> str:
    return f"{answer.seen} {answer.body[:60]}".strip()


def _stands(away: Away, service: str) -> Verdict:
    """Whether a connection that stood was served throughout: who refuses new ones is there."""
    meanwhile = away.standing.between(0.0, away.again)
    return _all(meanwhile, service, "over the connection that stood", {"standing": len(meanwhile)})


def _well_again(away: Away, service: str, within: float) -> Verdict:
    """Whether all were served again so soon, and from then on."""
    after = away.new.between(away.again, float("inf"))
    bad = after.received[~np.isin(_kinds(after, service), (GOOD, "starved"))]
    seconds = max(0.0, float(bad.max()) - away.back) if len(bad) else 0.0
    numbers: dict[str, Number] = {"well.seconds": round(seconds, 2)}
    if seconds > within:
        said = f"{seconds:.1f} s after the authority was back a request failed"
        return failed(f"{said}, {within:g} s are allowed", **numbers)
    rest = after.between(float(bad.max()) if len(bad) else away.again, float("inf"))
    return _all(rest, service, "since all was well again", numbers)


def _all(trace: Trace, service: str, when: str, numbers: Mapping[str, Number]) -> Verdict:
    """Whether all of some requests were served."""
    kinds = _kinds(trace, service)
    wrong = np.flatnonzero(~np.isin(kinds, (GOOD, "starved")))
    name = trace.stream.name
    if len(wrong):
        what = _said(trace.answers[int(trace.answer[wrong[0]])])
        said = f"{name}: {len(wrong)} of {len(trace)} were not served {when}; the first: {what}"
        return failed(said, **numbers)
    served = int((kinds == GOOD).sum())
    if served < SOME or served < MOST_STARVED * len(trace):
        return inconclusive(f"{name}: only {served} of {len(trace)} were sent {when}", **numbers)
    return passed(f"{name}: all {served} were served {when}", **numbers)


def _kinds(trace: Trace, service: str) -> Kinds:
    return kinds_of(trace, Served(frozenset({service}), late=0.0))
