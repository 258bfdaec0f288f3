"""The words and the sums of an upgrade: what was done, what it cost, what matters most.

It judges nothing: the verdicts are taken as they stand. What it adds up are the bounds of
outages, and it never turns two bounds into one figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reports.upgrade_schema import KINDS, Kind, Outage, Phase, Stream, Upgrade
from reports.wording import number, plural, span

SHUT: tuple[Kind, ...] = ("dropped", "refused")
WRONG: tuple[Kind, ...] = ("leak", "misrouted")
KIND_WORDS: dict[Kind, str] = {
    "leak": "somebody was served who must not be",
    "misrouted": "the wrong backend answered",
    "dropped": "no answer in time",
    "refused": "a connection refused or reset, or a proxy's own error",
    "late": "the right answer, but beyond the stream's limit",
    "unproven": "not served, but not denied by its cause either",
    "starved": "the generator or its machine did not send when due",
}
_VERBS: dict[Kind, str] = {
    "leak": "leaked",
    "misrouted": "was misrouted",
    "dropped": "got no answer",
    "refused": "was refused",
    "late": "was late",
    "unproven": "was not denied by its cause",
    "starved": "was not asked in time",
}


class Worst(NamedTuple):
    """The outage that matters most, and the stream that saw it."""

    stream: Stream
    outage: Outage

    @property
    def serious(self) -> bool:
        """Whether anybody was shut out, or answered wrongly."""
        return self.outage.kind in (*WRONG, *SHUT)

    def __str__(self) -> str:
        stream, outage = self
        within = f" during {outage.phase}" if outage.phase else ""
        happened = f"{stream.key} {_VERBS[outage.kind]} for {span(outage.low, outage.high)}"
        return f"Worst: {happened}{within} ({plural(outage.n, 'request')}: {outage.seen})."


def change(upgrade: Upgrade) -> str:
    """What was done while the watch ran: `2026-08 to 2026-11`."""
    if not upgrade.to:
        manner = "with faults made on purpose" if upgrade.faults else "while nothing was upgraded"
        return f"{upgrade.base}, {manner}"
    only = f"{upgrade.only} alone, " if upgrade.only else ""
    return f"{only}{upgrade.base} to {upgrade.to}"


def worst_outage(upgrade: Upgrade) -> Worst | None:
    """By kind, worst first; within a kind the one that may have lasted longest."""
    candidates = [Worst(stream, outage) for stream in upgrade.streams for outage in stream.episodes]
    return min(candidates, key=_badness, default=None)


def _badness(worst: Worst) -> tuple[int, float]:
    kind = worst.outage.kind
    # How long a stream was shut matters, not whether it was shut by silence or by refusal.
    rank = KINDS.index(SHUT[0] if kind in SHUT else kind)
    return rank, -worst.outage.high


def phase_title(phase: Phase) -> str:
    """A phase by its name, and its cluster's unless that is in it already."""
    within = phase.cluster and phase.cluster not in phase.name
    return f"{phase.name} {phase.cluster}" if within else phase.name


def by_cluster(streams: Iterable[Stream]) -> dict[str, list[Stream]]:
    """The streams of each cluster, clusters and streams in the order they are met."""
    clusters: dict[str, list[Stream]] = {}
    for stream in streams:
        clusters.setdefault(stream.cluster, []).append(stream)
    return clusters


def time_in(stream: Stream, kinds: Iterable[Kind]) -> str:
    """For how long the stream was in any of these states; empty if it never was."""
    chosen = tuple(kinds)
    outages = [outage for outage in stream.episodes if outage.kind in chosen]
    return span(sum(e.low for e in outages), sum(e.high for e in outages)) if outages else ""


def bad_requests(stream: Stream) -> str:
    """What was not good, worst kind first: `3 leak, 12 dropped`."""
    counts = ((kind, stream.counts.get(kind, 0)) for kind in KINDS)
    return ", ".join(f"{number(n)} {kind}" for kind, n in counts if n)


def cost(upgrade: Upgrade, component: str, kinds: Iterable[Kind]) -> str:
    """What a component's upgrade in one cluster cost a stream, at most: it stands by the budget."""
    chosen = tuple(kinds)
    seconds_in: dict[tuple[str, str], tuple[float, float]] = {}
    for stream in upgrade.streams:
        for outage in stream.episodes:
            phase = phase_of(upgrade.phases, outage)
            if outage.kind in chosen and phase and phase.component == component:
                low, high = seconds_in.get((stream.key, phase.cluster), (0.0, 0.0))
                seconds_in[stream.key, phase.cluster] = low + outage.low, high + outage.high
    if not seconds_in:
        return "none"
    (key, _), (low, high) = max(seconds_in.items(), key=lambda each: each[1][::-1])
    return f"{span(low, high)} in {key}"


def phase_of(phases: Iterable[Phase], outage: Outage) -> Phase | None:
    """The phase in which it began: of several with its name, the last to start before it."""
    named = sorted((p for p in phases if p.name == outage.phase), key=lambda p: p.started)
    before = [phase for phase in named if phase.started <= outage.started]
    return before[-1] if before else next(iter(named), None)


def version_changes(upgrade: Upgrade) -> dict[str, str]:
    """Every version, and what it became where it became another."""
    versions = {}
    for name in {**upgrade.versions, **upgrade.versions_to}:
        old = upgrade.versions.get(name, "none")
        new = upgrade.versions_to.get(name, "none") if upgrade.versions_to else old
        versions[name] = old if old == new else f"{old} → {new}"
    return versions


def latencies(stream: Stream, percentile: str) -> str:
    """Before, during and after in milliseconds, a dash where nothing was measured."""
    by_period = {one.period: getattr(one, percentile) for one in stream.latencies}
    periods = ("before", "during", "after")
    return " · ".join(number(float(by_period[p])) if p in by_period else "-" for p in periods)
