"""The figures of a run that its histories are drawn from: the lab, splits, loads, pressure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Literal, NamedTuple

from reports import lab, practices, traffic_charts
from reports.model import Entry, Figure
from reports.schema import PAIR, Results
from reports.traffic import Stream, Traffic
from reports.wording import duration, number, worst_first

_DECLARED = re.compile(
    r"(?:^|; |: )(?P<who>[\w.-]+) answered (?P<k>\d+) of (?P<n>\d+) "
    r"\([\d.]+%, declared (?P<declared>[\d.]+)%\)"
)
MOST_SPLITS = 4
MOST_LOADS = 4


class Split(NamedTuple):
    """A share that was decided: of which stream and backend, after how many answers."""

    entry: Entry
    stream: Stream
    backend: str
    n: int
    declared: float


def of_traffic(results: Results, entries: Iterable[Entry], traffic: Traffic) -> Iterator[Figure]:
    """The figures; none where there is nothing to draw."""
    entries = worst_first(entries)
    first, rest = _first_looked_at(results)
    yield from _lab("The lab", first, entries, traffic, "first")
    for split in splits(entries, traffic)[:MOST_SPLITS]:
        yield _split(split)
    if worst := traffic_charts.worst(traffic.loads):
        yield _half(
            "Latency of loads",
            "From sending to the answer, by percentile, of the loads with the longest tails.",
            partial(traffic_charts.latency, worst),
            traffic_charts.legend(worst),
        )
    for stream in sorted(traffic.loads, key=lambda s: -len(s.requests))[:MOST_LOADS]:
        yield _load(stream)
    shares = [
        (r.key, share) for r in results.requirements if (share := highest_pressure(r.numbers))
    ]
    if shares:
        yield _half(
            "Pressure on the machine",
            "Share of each requirement's time in which some task of the clients' machine waited "
            "for a core (PSI); where it was 80 % and more, silence is inconclusive.",
            partial(traffic_charts.pressure, shares),
        )
    for suite in rest:
        yield from _lab(f"The lab: {suite}", {suite}, entries, traffic, "last")


def _first_looked_at(results: Results) -> tuple[set[str], list[str]]:
    """The suites whose calls the first picture has, and all others: those with something that
    failed, or else the reference's own, as the calls of all in one picture cannot be told apart."""
    every = {each.suite for each in results.requirements}
    red = {each.suite for each in results.requirements if each.verdict == "fail"}
    practised = {r.suite for r in results.requirements if practices.title(r.source)}
    first = red or every - practised or every
    return first, sorted(every - first)


def splits(entries: Iterable[Entry], traffic: Traffic) -> list[Split]:
    """The declared shares that reasons tell of, each with the requests that decided."""
    decided: dict[tuple[str, str], Split] = {}
    for entry in entries:
        own = [stream for stream in traffic.streams if stream.key == entry.key]
        for match in _DECLARED.finditer(entry.reason):
            backend, declared = match["who"], float(match["declared"]) / 100
            before = entry.reason[: match.start() + 2]
            fits = [
                (f"{each.name}: " in before, each)
                for each in own
                if sum(r.service == backend for r in each.requests) >= int(match["k"])
            ]
            # Of two backends the smaller share tells both.
            if fits and declared <= 0.5:
                _, stream = max(fits, key=lambda fit: fit[0])
                one = Split(entry, stream, backend, int(match["n"]), declared)
                decided.setdefault((entry.key, stream.name), one)
    return list(decided.values())


def highest_pressure(numbers: dict[str, int | float | str | bool]) -> float:
    """The highest pressure among a requirement's numbers; 0 if there is none."""
    pressures = (v for name, v in numbers.items() if name.rpartition(".")[2] == "pressure")
    return max((float(v) for v in pressures if isinstance(v, int | float)), default=0.0)


def _lab(
    title: str,
    suites: Collection[str],
    entries: Iterable[Entry],
    traffic: Traffic,
    place: Literal["first", "last"],
) -> Iterator[Figure]:
    """The picture of some suites' calls, with what broke in these; none where there are none."""
    own = traffic.of(suites)
    if not own.calls:
        return
    firsts = [
        ("" if PAIR in each.variant else each.variant, part.first)
        for each in entries
        if each.verdict == "fail" and each.suite in suites
        for part in each.parts
        if part.first
    ]
    yield Figure(
        title,
        "Clusters with the clients in them, and whom they asked",
        lambda narrow: "" if narrow else lab.picture(own, firsts),
        "Left: who sent requests, by cluster. Right: whom they asked, and who answered where that "
        "is another name. A line tells how many when pointed at.",
        (
            ("answered", "var(--pass)", ""),
            ("never served: denied, refused or dropped", "var(--quiet)", ""),
            ("a first request that went wrong", "var(--fail)", ""),
        ),
        place=place,
    )


def _split(split: Split) -> Figure:
    stream = f" in stream {split.stream.name}" if split.stream.name else ""
    return _half(
        f"{split.entry.key}: the walk to a decision",
        f"Share of {split.backend} among the answers{stream}; dashed: declared "
        f"{100 * split.declared:.0f} %. Decided after {number(split.n)} answers.",
        partial(traffic_charts.walk, split.stream, split.backend, split.n, split.declared),
    )


def _load(stream: Stream) -> Figure:
    outcomes = dict.fromkeys(request.outcome for request in stream.requests)
    lasted = duration(stream.requests[-1].sent - stream.requests[0].sent)
    return _half(
        f"{stream.label}: requests a second",
        f"{number(len(stream.requests))} requests in {lasted}, by status.",
        partial(traffic_charts.over_time, stream),
        tuple((outcome, traffic_charts.colour(outcome), "") for outcome in outcomes),
    )


def _half(
    title: str,
    caption: str,
    draw: Callable[[], str],
    legend: tuple[tuple[str, str, str], ...] = (),
) -> Figure:
    """A figure that is never wider than half a line."""
    only = lambda narrow: draw() if narrow else ""  # noqa: E731
    return Figure(title, caption, only, caption, legend, place="half")
