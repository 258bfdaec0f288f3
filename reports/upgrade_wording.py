"""The words and the sums that all forms of an upgrade share: what is red, and what it cost.

It judges nothing: the verdicts are taken as they stand. What it adds up are the bounds of
episodes, and it never turns two bounds into one figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from reports.upgrade_schema import KINDS, Episode, Kind, Outcome, Phase, Share, Stream, Upgrade
from reports.wording import VERDICT_WORDS, duration, number, run_word

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
OUTCOMES: tuple[Outcome, ...] = ("fail", "inconclusive", "pass")

Sort = Literal["phase", "stream", "share", "fault", "requirement"]


class Finding(NamedTuple):
    """One thing that is not as it should be: what it is of, and why, in words."""

    sort: Sort
    key: str
    verdict: Outcome
    reason: str


class Worst(NamedTuple):
    """The episode that matters most, and the stream that saw it."""

    stream: Stream
    episode: Episode


def change(upgrade: Upgrade) -> str:
    """What was done while the watch ran: `2026-08 to 2026-11`."""
    if not upgrade.to:
        made = "with faults made on purpose" if upgrade.faults else "while nothing was upgraded"
        return f"{upgrade.base}, {made}"
    only = f"{upgrade.only} alone, " if upgrade.only else ""
    return f"{only}{upgrade.base} to {upgrade.to}"


def counts(upgrade: Upgrade) -> str:
    """A sentence's worth of counts: `1 failed, 21 passed of 22 streams`."""
    verdicts = [stream.verdict for stream in upgrade.streams]
    told = [f"{verdicts.count(v)} {VERDICT_WORDS[v]}" for v in OUTCOMES if v in verdicts]
    if not told:
        return "no stream was watched"
    return f"{', '.join(told)} of {len(verdicts)} stream{'s' * (len(verdicts) != 1)}"


def headline(upgrade: Upgrade) -> str:
    """The upgrade in one glance: `Failed: 2026-08 to 2026-11: 1 failed of 1 stream`."""
    return f"{word(upgrade)}: {change(upgrade)}: {counts(upgrade)}"


def word(upgrade: Upgrade) -> str:
    """The upgrade in one word."""
    return run_word(upgrade.status, (finding.verdict for finding in findings(upgrade)))


def matters(upgrade: Upgrade) -> str:
    """The one sentence that matters most: the worst episode, what else is red, or that all held."""
    worst = worst_episode(upgrade)
    if worst and worst.episode.kind in (*WRONG, *SHUT):
        return _told(worst)
    red = findings(upgrade)
    if red:
        return f"{red[0].key}: {red[0].reason}"
    if worst:
        return _told(worst)
    if not upgrade.streams:
        return "Nothing was watched."
    blind = max(stream.blind for stream in upgrade.streams)
    return (
        f"Every request was answered as it must be; no stream was blind for over {duration(blind)}."
    )


def worst_episode(upgrade: Upgrade) -> Worst | None:
    """By kind, worst first; within a kind the one that may have lasted longest."""
    found = [Worst(stream, episode) for stream in upgrade.streams for episode in stream.episodes]
    return min(found, key=_badness, default=None)


def _badness(worst: Worst) -> tuple[int, float]:
    kind = worst.episode.kind
    # How long a stream was shut matters, not whether it was shut by silence or by refusal.
    rank = KINDS.index(SHUT[0] if kind in SHUT else kind)
    return rank, -worst.episode.high


def _told(worst: Worst) -> str:
    stream, episode = worst
    within = f" during {episode.phase}" if episode.phase else ""
    requests = f"{number(episode.n)} request{'s' * (episode.n != 1)}"
    lasted = span(episode.low, episode.high)
    happened = f"{stream.key} {_VERBS[episode.kind]} for {lasted}{within}"
    return f"Worst: {happened} ({requests}: {episode.seen})."


def findings(upgrade: Upgrade) -> list[Finding]:
    """Everything that is red, failures first: phases, streams, shares, faults, requirements."""
    return sorted(_findings(upgrade), key=lambda finding: OUTCOMES.index(finding.verdict))


def _findings(upgrade: Upgrade) -> Iterator[Finding]:
    for phase in upgrade.phases:
        if phase.outcome != "done":
            reason = f"{phase.outcome} after {duration(phase.seconds)}"
            told = f"{reason}: {phase.note}" if phase.note else reason
            yield Finding("phase", titled(phase), "fail", told)
    for stream in upgrade.streams:
        if stream.verdict != "pass":
            yield Finding("stream", stream.key, stream.verdict, stream.reason)
    for share in upgrade.shares:
        if share.verdict != "pass":
            key = f"{share.cluster}/{share.service} during {share.phase}"
            yield Finding("share", key, share.verdict, share.reason)
    for fault in upgrade.faults:
        if fault.verdict != "pass":
            yield Finding("fault", fault.name, fault.verdict, fault.reason)
    for row in upgrade.comparison.of("regression", "gone") if upgrade.comparison else ():
        yield Finding("requirement", row.key, "fail", f"{row.change}: {row.reason}")


def titled(phase: Phase) -> str:
    """A phase by its name, and its cluster's unless that is in it already."""
    within = phase.cluster and phase.cluster not in phase.name
    return f"{phase.name} {phase.cluster}" if within else phase.name


def by_cluster(streams: Iterable[Stream]) -> dict[str, list[Stream]]:
    """The streams of each cluster, clusters and streams in the order they are met."""
    found: dict[str, list[Stream]] = {}
    for stream in streams:
        found.setdefault(stream.cluster, []).append(stream)
    return found


def worst_first(streams: Iterable[Stream]) -> list[Stream]:
    return sorted(streams, key=lambda stream: OUTCOMES.index(stream.verdict))


def bounds(stream: Stream, kinds: Iterable[Kind]) -> tuple[float, float]:
    """For how long the stream was in any of these states, in seconds: at least, at most."""
    told = [episode for episode in stream.episodes if episode.kind in kinds]
    return sum(episode.low for episode in told), sum(episode.high for episode in told)


def spent(stream: Stream, kinds: Iterable[Kind]) -> str:
    """The same in words; empty if it never was."""
    asked = tuple(kinds)
    if not any(episode.kind in asked for episode in stream.episodes):
        return ""
    return span(*bounds(stream, asked))


def spoilt(stream: Stream) -> str:
    """What was not good, worst kind first: `3 leak, 12 dropped`."""
    counted = ((kind, stream.counts.get(kind, 0)) for kind in KINDS)
    return ", ".join(f"{number(n)} {kind}" for kind, n in counted if n)


def span(low: float, high: float) -> str:
    """Two bounds in words, their unit once where both have it: `10 to 20 ms`."""
    least, most = _precise(low), _precise(high)
    if least == most:
        return least
    figure, unit = least.split(" ", 1)
    return f"{figure} to {most}" if most.split(" ", 1)[1] == unit else f"{least} to {most}"


def _precise(seconds: float) -> str:
    """Finer than `duration` below ten seconds, where a budget is decided."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else duration(seconds)


def cost(upgrade: Upgrade, component: str, kinds: Iterable[Kind]) -> str:
    """What a component's upgrade in one cluster cost a stream, at most: it stands by the budget."""
    asked = tuple(kinds)
    spent_in: dict[tuple[str, str], tuple[float, float]] = {}
    for stream in upgrade.streams:
        for episode in stream.episodes:
            phase = phase_of(upgrade.phases, episode)
            if episode.kind in asked and phase and phase.component == component:
                low, high = spent_in.get((stream.key, phase.cluster), (0.0, 0.0))
                spent_in[stream.key, phase.cluster] = low + episode.low, high + episode.high
    if not spent_in:
        return "none"
    (key, _), (low, high) = max(spent_in.items(), key=lambda each: each[1][::-1])
    return f"{span(low, high)} in {key}"


def phase_of(phases: Iterable[Phase], episode: Episode) -> Phase | None:
    """The phase in which it began: of several with its name, the last to start before it."""
    named = sorted((p for p in phases if p.name == episode.phase), key=lambda p: p.started)
    before = [phase for phase in named if phase.started <= episode.started]
    return before[-1] if before else next(iter(named), None)


def about(upgrade: Upgrade) -> dict[str, str]:
    """What it was, by name: the facts that head every form."""
    only = {"Only": upgrade.only} if upgrade.only else {}
    return {
        "Run": upgrade.run,
        "From": upgrade.base,
        **({"To": upgrade.to} if upgrade.to else {}),
        **only,
        "Began": f"{upgrade.began:%Y-%m-%d %H:%M %Z}".strip(),
        "Took": duration((upgrade.ended - upgrade.began).total_seconds()),
        "Watched": f"{number(sum(stream.n for stream in upgrade.streams))} requests",
    }


def moved(upgrade: Upgrade) -> dict[str, str]:
    """Every version, and what it became where it became another."""
    found = {}
    for name in {**upgrade.versions, **upgrade.versions_to}:
        old = upgrade.versions.get(name, "none")
        new = upgrade.versions_to.get(name, "none") if upgrade.versions_to else old
        found[name] = old if old == new else f"{old} → {new}"
    return found


def latencies(stream: Stream, percentile: str) -> str:
    """Before, during and after in milliseconds, a dash where nothing was measured."""
    found = {one.period: getattr(one, percentile) for one in stream.latencies}
    periods = ("before", "during", "after")
    return " · ".join(number(float(found[p])) if p in found else "-" for p in periods)


def measured(share: Share) -> float:
    return share.hits / share.n if share.n else 0.0
