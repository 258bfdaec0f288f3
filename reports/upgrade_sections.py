"""The sections of an upgrade's report: its timeline, and a table for each kind of what it holds.

Rows as they stand in the results, under heads for people. It judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from reports import upgrade_wording as words
from reports import wording
from reports.compare import Change, Comparison, Row
from reports.model import Cell, Columns, Figure, Table, Value, make_table
from reports.of_run import stages
from reports.upgrade_charts import colours_of, timeline
from reports.upgrade_schema import KINDS, Budget, Fault, Outage, Phase, Share, Stream, Upgrade
from reports.wording import duration, interval, number, percent, span

MOST_OUTAGES = 20
"""A summary is read at a glance; all of them stand on the page."""
_CHANGES: dict[Change, str] = {
    "regression": "fail", "gone": "fail", "fix": "pass", "new": "inconclusive",
    "still red": "skip", "still green": "",
}  # fmt: skip
_LATENCIES = {"p50": "p50_ms", "p99": "p99_ms", "p99.9": "p999_ms", "Most": "max_ms"}


def sections(upgrade: Upgrade) -> Iterator[Table | Figure]:
    """Every section that there is something for, in the order of the page."""
    if upgrade.phases or upgrade.streams:
        yield _timeline(upgrade)
    yield from _summary_of_outages(upgrade)
    if upgrade.phases:
        yield _phases(upgrade.phases)
    if upgrade.faults:
        yield _faults(upgrade.faults)
    if upgrade.budgets:
        yield _budgets(upgrade)
    if any(stream.latencies for stream in upgrade.streams):
        yield _times(upgrade.streams)
    if upgrade.shares:
        yield _shares(upgrade.shares)
    yield from _before_after(upgrade)
    if upgrade.stages:
        yield stages(upgrade.stages)


def _timeline(upgrade: Upgrade) -> Figure:
    legend = [(name or "no one cluster", c, "") for name, c in colours_of(upgrade).items()]
    legend += [(kind, f"var(--kind-{kind})", meaning) for kind, meaning in words.KIND_WORDS.items()]
    return Figure(
        "What happened when",
        "Phases, and the outages of each stream, over the time of the watch",
        lambda narrow: timeline(upgrade, narrow=narrow),
        "A line is a stream while it was watched, a mark on it an outage, as wide as it surely "
        "lasted and never too narrow to see.",
        tuple(legend),
        place="first",
    )


def outage_table(outages: Iterable[Outage]) -> Table:
    """One row for each, in the given order."""
    columns: Columns[Outage] = {
        "Kind": lambda e: _kind(e.kind),
        "Phase": lambda e: e.phase,
        "Began at": lambda e: f"{e.started:.2f} s",
        "Lasted": lambda e: span(e.low, e.high),
        "Requests": lambda e: f"{number(e.n)} of {number(e.of)}",
        "The first got": lambda e: e.seen,
    }
    return make_table("", outages, columns, ("Began at", "Lasted", "Requests"))


def _kind(name: str) -> Value:
    return Cell(name, f"kind-{name}") if name else "nothing"


def _summary_of_outages(upgrade: Upgrade) -> Iterator[Table]:
    """The worst of all streams, for the summary; on the page each stream has its own."""
    pairs = [(stream, outage) for stream in upgrade.streams for outage in stream.episodes]
    pairs.sort(key=lambda each: (KINDS.index(each[1].kind), -each[1].high))
    rest = len(pairs) - MOST_OUTAGES
    worst = outage_table(outage for _, outage in pairs[:MOST_OUTAGES])
    keys = [stream.key for stream, _ in pairs[:MOST_OUTAGES]]
    if pairs:
        yield replace(
            worst,
            title="Outages",
            head=("Stream", *worst.head),
            rows=tuple((key, *row) for key, row in zip(keys, worst.rows, strict=True)),
            aside=f"And {number(rest)} more, on the page." if rest > 0 else "",
            page="none",
            summary="open",
        )


def _phases(phases: Iterable[Phase]) -> Table:
    columns: Columns[tuple[int, Phase]] = {
        "No.": lambda p: str(p[0]),
        "Phase": lambda p: words.phase_title(p[1]),
        "Began after": lambda p: duration(p[1].started),
        "Took": lambda p: duration(p[1].seconds),
        "Component": lambda p: p[1].component,
        "Outcome": lambda p: _outcome(p[1]),
    }
    right = ("No.", "Began after", "Took")
    return make_table("Phases", enumerate(phases, 1), columns, right, summary="folded", main=True)


def _outcome(phase: Phase) -> Cell:
    text = f"{phase.outcome}: {phase.note}" if phase.note else phase.outcome
    return Cell(text, "" if phase.outcome == "done" else "fail")


def _verdict(judged: Fault | Share) -> Cell:
    return Cell(wording.VERDICT_WORDS[judged.verdict], judged.verdict)


def _faults(faults: Iterable[Fault]) -> Table:
    columns: Columns[Fault] = {
        "Verdict": _verdict,
        "Fault": lambda f: f"{f.name}: {f.sentence}",
        "Stream": lambda f: f.stream or "none must see it",
        "Made": lambda f: f"{f.kind or 'nothing'} {span(f.least, f.most)}",
        "Found": lambda f: f"{f.found or 'nothing'} {span(f.found_low, f.found_high)}",
        "Reason": lambda f: f.reason,
    }
    return make_table("Faults made on purpose", faults, columns, summary="open")


def _budgets(upgrade: Upgrade) -> Table:
    columns: Columns[Budget] = {
        "Component": lambda b: b.component,
        "May be shut": lambda b: duration(b.closed),
        "Shut, at most": lambda b: words.cost(upgrade, b.component, words.SHUT),
        "May be wrong": lambda b: duration(b.misrouted),
        "Wrong, at most": lambda b: words.cost(upgrade, b.component, words.WRONG),
    }
    right = ("May be shut", "May be wrong")
    return make_table("Budgets", upgrade.budgets, columns, right, aside="of any one stream")


def _times(streams: Iterable[Stream]) -> Table:
    columns: Columns[Stream] = {
        "Stream": lambda s: Cell(s.name, entry=s.key),
        "Cluster": lambda s: s.cluster,
        **{name: partial(words.latencies, percentile=field) for name, field in _LATENCIES.items()},
    }
    measured = [stream for stream in streams if stream.latencies]
    return make_table("Latency", measured, columns, _LATENCIES, aside="ms, before · during · after")


def _shares(shares: Iterable[Share]) -> Table:
    columns: Columns[Share] = {
        "Verdict": _verdict,
        "Share": lambda s: f"{s.cluster}/{s.service}",
        "Phase": lambda s: s.phase,
        "Declared": lambda s: percent(s.declared),
        "Measured": lambda s: percent(s.hits / s.n if s.n else 0.0, 2),
        "99 % interval": lambda s: interval(s.low, s.high),
        "Requests": lambda s: number(s.n),
        "Reason": lambda s: s.reason,
    }
    right = ("Declared", "Measured", "99 % interval", "Requests")
    return make_table("Shares, phase by phase", shares, columns, right, summary="open")


def _before_after(upgrade: Upgrade) -> Iterator[Table]:
    folders = {"before": upgrade.before, "after": upgrade.after}
    links = tuple(
        (Cell(name, path=f"{folder}/report.html"),) for name, folder in folders.items() if folder
    )
    if links:
        yield Table("The suites' own pages", ("",), links)
    if upgrade.comparison:
        yield changes("The suites before and after", upgrade.comparison)
        if lines := (*upgrade.comparison.warnings, *map(str, upgrade.comparison.shifts)):
            yield Table("What differs beside the verdicts", ("",), tuple((line,) for line in lines))


def changes(title: str, comparison: Comparison) -> Table:
    """Every requirement of two runs: what was lost first, what is still green last."""
    rows = [row for change in _CHANGES for row in comparison.of(change)]
    columns: Columns[Row] = {
        "Change": lambda row: Cell(row.change, _CHANGES[row.change]),
        "Requirement": lambda row: row.key,
        "Before": lambda row: row.base or "not asked",
        "After": lambda row: row.new or "not asked",
        "Sentence": lambda row: row.sentence,
        "Reason": lambda row: row.reason,
    }
    lost, mended = comparison.of("regression", "gone"), comparison.of("fix")
    green = len(comparison.of("still green"))
    aside = f"{len(lost)} regressed, {len(mended)} mended, {green} still green"
    return make_table(title, rows, columns, aside=aside, page="folded", summary="folded")
