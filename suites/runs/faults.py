"""Faults injected while the clusters are watched: which, in what order, and whether each was seen.

What is injected stands with the behaviours. The monitor knows nothing of it. Whether it was
seen is decided by pure functions, from the monitor's entries and the times of the injection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from clusters.errors import FaultsError
from fixtures.behaviour import Behaviour
from fixtures.checks.watched import LEAST_WATCHED
from fixtures.lab.faults import SETTLE, Effect, Injection, Site
from fixtures.lab.probes import SPACING
from reports.upgrade_schema import Fault, Kind, Outage, Phase, Stream

NONE, SHORT, ALL = "none", "short", "all"
IGNORED = ("late", "starved", "unproven")  # kinds of an outage that no control plane is blamed for


@dataclass(frozen=True)
class InjectedFault:
    """A fault as it was injected: epoch times, and the bounds of its length in seconds."""

    name: str
    sentence: str
    stream: str
    kind: Kind | Literal[""]
    began: float
    ended: float
    least: float
    most: float

    @classmethod
    def of(cls, injection: Injection[Any], effect: Effect) -> InjectedFault:
        """From what its injection says that it did."""
        began, in_force, ending, over = effect.times
        return cls(
            injection.name,
            injection.sentence,
            effect.stream,
            effect.kind,
            began,
            over,
            least=max(0.0, ending - in_force),
            most=over - began,
        )


Chosen = tuple[Behaviour[Any], Injection[Any]]


@dataclass(frozen=True)
class Choice:
    """Faults to inject, in order, and the behaviours that are watched meanwhile."""

    faults: tuple[Chosen, ...]
    behaviours: tuple[Behaviour[Any], ...]


def choose(behaviours: Sequence[Behaviour[Any]], which: str) -> Choice:
    """The faults of a set, or one by its name.

    For the short ones only the behaviours that they show in are watched, so that a slow machine
    can send it.

    Raises:
        FaultsError: there are none of that name.
    """
    every = [(behaviour, fault) for behaviour in behaviours for fault in behaviour.faults]
    every.sort(key=lambda chosen: chosen[1].last)
    named = tuple(chosen for chosen in every if chosen[1].id == which)
    of_set = tuple(chosen for chosen in every if which in chosen[1].sets)
    if which == SHORT:
        shown_in = dict.fromkeys(behaviour for behaviour, _ in of_set)
        return Choice(of_set, tuple(shown_in))
    if which not in (NONE, ALL) and not named:
        names = ", ".join((NONE, SHORT, ALL, *(fault.id for _, fault in every)))
        raise FaultsError(f"FAULTS to be one of {names}", seen=which, look="make help")
    return Choice(named or of_set, tuple(behaviours))


def inject(
    faults: Iterable[Chosen],
    subjects: Mapping[str, Any],
    site: Site,
    phase: Callable[[str], AbstractContextManager[None]],
) -> list[InjectedFault]:
    """Inject faults one after another, each as a phase of the watch.

    Args:
        subjects: by their behaviour's name.

    Raises:
        FaultsError: a fault's behaviour is not watched: its cluster does not offer it.
    """
    injected = []
    for behaviour, fault in faults:
        if behaviour.name not in subjects:
            expected = f"{behaviour.name} to be watched for the fault {fault.id}"
            raise FaultsError(expected, seen=", ".join(subjects), look="make status")
        with phase(fault.name):
            effect = fault.inject(subjects[behaviour.name], site)
            injected.append(InjectedFault.of(fault, effect))
            time.sleep(SETTLE)
    return injected


def judge(injected: InjectedFault, streams: Sequence[Stream], phases: Sequence[Phase]) -> Fault:
    """Whether the monitor saw a fault for what it was: pure.

    It did if the stream has an outage of its kind in its phase whose bounds agree with those of
    the fault. One that must change nothing passes if no stream has an outage and each was sent
    throughout. What a generator that fell behind may have missed is inconclusive.
    """
    if not injected.kind:
        verdict, reason = _unchanged(injected.name, streams, phases)
        return _entry(injected, verdict, reason)
    stream = next((s for s in streams if s.key == injected.stream), None)
    outages = [e for e in (stream.episodes if stream else ()) if e.phase == injected.name]
    fitting = [e for e in outages if e.kind == injected.kind]
    if fitting and stream:
        return _measured(injected, fitting, stream)
    if stream is None or stream.blind >= max(injected.least, SPACING * 1.5):
        reason = "its stream did not send for as long as the fault lasted"
        return _entry(injected, "inconclusive", reason)
    others = ", ".join(sorted({e.kind for e in outages})) or "nothing"
    return _entry(injected, "fail", f"found: {others}")


def _measured(injected: InjectedFault, outages: Sequence[Outage], stream: Stream) -> Fault:
    """The entry of a fault that was seen as what it was: whether for as long as it lasted.

    A machine that cannot even send in time drops by itself too.
    """
    low, high = sum(e.low for e in outages), sum(e.high for e in outages)
    agrees = low <= injected.most and high >= injected.least
    reason = f"{sum(e.n for e in outages)} requests, the first {outages[0].seen}"
    disagrees = "inconclusive" if stream.watched < LEAST_WATCHED else "fail"
    entry = _entry(injected, "pass" if agrees else disagrees, reason)
    measured = {"found": injected.kind, "found_low": low, "found_high": high}
    return entry.model_copy(update=measured)


def _entry(injected: InjectedFault, verdict: str, reason: str) -> Fault:
    return Fault.model_validate(
        {
            "name": injected.name,
            "sentence": injected.sentence,
            "stream": injected.stream,
            "kind": injected.kind,
            "least": injected.least,
            "most": injected.most,
            "verdict": verdict,
            "reason": reason,
        }
    )


def _unchanged(phase: str, streams: Sequence[Stream], phases: Sequence[Phase]) -> tuple[str, str]:
    """Verdict and reason: whether nothing opened, closed or was led astray, and all were sent."""
    outages = [(s.key, e) for s in streams for e in s.episodes if e.phase == phase]
    bad = [(key, e) for key, e in outages if e.kind not in IGNORED]
    if bad:
        return "fail", "; ".join(f"{key}: {e.kind} for {e.high:.3f} s" for key, e in bad)
    spans = [(p.started, p.started + p.seconds) for p in phases if p.name == phase]
    unseen = [s.key for s in streams if s.watched < LEAST_WATCHED or _away(s, spans)]
    if unseen or not streams or not spans:
        return "inconclusive", f"not watched throughout: {', '.join(unseen) or 'no stream'}"
    return "pass", "nothing"


def _away(stream: Stream, spans: Iterable[tuple[float, float]]) -> bool:
    """Whether nobody sent a stream for some of these times."""
    return any(
        since < end and until > start for since, until in stream.gaps for start, end in spans
    )
