"""What must be true of the requests that a new pod gets while it warms up. Pure.

Sources: Istio, "Destination Rule" (WarmupConfiguration); Envoy, "Slow start mode": the weight of a
new pod rises from a tenth to all of it. Times are seconds since 1970, by the clock of the client.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fixtures.history.traces import Trace
from fixtures.history.verdict import Number, Verdict, failed, inconclusive, passed

SOME = 80
"""Requests in a time of which something is said: by turns, each of five pods has 16 of them."""
MOST = 0.75
"""Of its fair share, what a pod does not have before more than half of its warm-up has passed."""
LEAST = 0.85
"""Of its fair share, what a pod has once it is warm: pods are asked in turn, and not by chance."""
ODD = 0.05
"""By how much a pod's share of `SOME` may be off by who began the turns."""


class Span(NamedTuple):
    """A time, in seconds since a pod was new: `start` belongs to it, `end` does not."""

    start: float
    end: float


class Share(NamedTuple):
    """How many requests were answered, and how many of them by one pod."""

    n: int
    hits: int

    @property
    def value(self) -> float:
        """Between 0 and 1; 0 of none."""
        return self.hits / self.n if self.n else 0.0


def first_answer(trace: Trace, pod: str) -> float:
    """When the first request was sent that a pod answered; infinite if it answered none."""
    sent = (trace.sent[n] for n, name in enumerate(_pods(trace)) if name == pod)
    return float(min(sent, default=float("inf")))


def share(trace: Trace, pod: str, since: float, span: Span) -> Share:
    """A pod's share of what was answered in a time."""
    names = _sent_in(trace, since, span)
    return Share(len(names), names.count(pod))


def warms_up(
    warming: Trace, at_once: Trace, pod: str, fair: float, spans: tuple[Span, Span, Span]
) -> Verdict:
    """A new pod gets less than half of its fair share in the first of three times, more and not yet
    all in the second, and all in the third; where nothing warms up it has all in the first.

    Args:
        warming: requests to a service whose new pods warm up.
        at_once: requests to one of the same pods that do not, in turn: the control.
        fair: its share among all pods.
    """
    since = first_answer(at_once, pod)
    shares = [share(warming, pod, since, span) for span in spans]
    control = share(at_once, pod, since, spans[0])
    numbers: dict[str, Number] = {
        f"share.{name}": round(each.value, 3)
        for name, each in zip(("first", "second", "third"), shares, strict=True)
    }
    numbers |= {"share.control": round(control.value, 3), "n": sum(each.n for each in shares)}
    least = min(each.n for each in (control, *shares))
    if least < SOME:
        return inconclusive(f"only {least} were answered in a time", **numbers)
    if abs(control.value - fair) > ODD:
        what = f"where nothing warms up a new pod got {control.value:.1%} at first, not {fair:.0%}"
        return inconclusive(what, **numbers)
    return _rises(shares, fair)._replace(numbers=numbers)


def _rises(shares: Sequence[Share], fair: float) -> Verdict:
    first, second, third = shares
    what = f"the new pod got {first.value:.1%}, {second.value:.1%} and then {third.value:.1%}"
    if first.value >= fair / 2:
        return failed(f"{what}: at first not less than {fair / 2:.0%}")
    if second.value >= MOST * fair:
        return failed(f"{what}: it was whole before its time")
    if first.value >= second.value:
        return failed(f"{what}: it did not rise")
    if not LEAST * fair <= third.value <= fair + ODD:
        return failed(f"{what}: in the end not {fair:.0%}")
    return passed(what)


def _sent_in(trace: Trace, since: float, span: Span) -> list[str]:
    """The pods that answered what was sent in a time: one that was late was sent later than due."""
    begin, end = since + span.start, since + span.end
    return [
        name
        for name, sent in zip(_pods(trace), trace.sent, strict=True)
        if name and begin <= sent < end
    ]


def _pods(trace: Trace) -> list[str]:
    """The pod that answered each request, in their order; empty if none did."""
    return [trace.answers[int(place)].pod for place in trace.answer]
