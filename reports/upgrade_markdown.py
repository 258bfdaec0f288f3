"""An upgrade as a short Markdown summary: the verdict, what is red, episodes, phases, the split.

It never lets a text of the upgrade act as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reports.compare import Comparison
from reports.markdown import MARKS, RUN_MARKS, folded, noted, pairs, plain, table
from reports.upgrade_schema import KINDS, Phase, Stream, Upgrade
from reports.upgrade_wording import (
    about,
    findings,
    headline,
    matters,
    measured,
    moved,
    span,
    titled,
)
from reports.wording import VERDICT_WORDS, duration, machine, number

MOST_EPISODES = 20
"""A summary is read at a glance; all of them stand on the page."""


def markdown(upgrade: Upgrade) -> str:
    """The summary, as GitHub's flavour of Markdown, ending with a newline."""
    lines = [f"## {RUN_MARKS[upgrade.status]} Plumbline {plain(headline(upgrade))}", ""]
    lines += [plain(matters(upgrade)), ""]
    lines += [" · ".join(f"{name} {plain(value)}" for name, value in about(upgrade).items()), ""]
    for found in findings(upgrade):
        told = f"{VERDICT_WORDS[found.verdict]}: {plain(found.reason)}"
        lines.append(f"- {MARKS[found.verdict]} {found.sort} **{plain(found.key)}** {told}")
    lines.append("")
    lines += _episodes(upgrade.streams)
    lines += _shares(upgrade)
    lines += _faults(upgrade)
    lines += _compared(upgrade.comparison) if upgrade.comparison else []
    lines += folded("Phases", _phases(upgrade.phases))
    lines += folded("Versions", pairs(moved(upgrade)))
    lines += folded("Machine", pairs(machine(upgrade.machine)))
    lines += noted(upgrade.notes)
    return "\n".join(lines).rstrip("\n") + "\n"


def _episodes(streams: Iterable[Stream]) -> Iterator[str]:
    found = [(stream, episode) for stream in streams for episode in stream.episodes]
    found.sort(key=lambda each: (KINDS.index(each[1].kind), -each[1].high))
    if not found:
        return
    yield "### Episodes"
    yield ""
    rows = (
        (
            e.kind,
            plain(stream.key),
            plain(e.phase),
            f"{e.started:.2f} s",
            span(e.low, e.high),
            number(e.n),
            plain(e.seen),
        )
        for stream, e in found[:MOST_EPISODES]
    )
    head = ("Kind", "Stream", "Phase", "Began at", "Lasted", "Requests", "The first got")
    yield from table(head, rows)
    if len(found) > MOST_EPISODES:
        yield f"And {number(len(found) - MOST_EPISODES)} more, on the page."
        yield ""


def _shares(upgrade: Upgrade) -> list[str]:
    rows = [
        (
            MARKS[share.verdict],
            plain(f"{share.cluster}/{share.service}"),
            plain(share.phase),
            f"{100 * share.declared:.1f} %",
            f"{100 * measured(share):.2f} %",
            f"{100 * share.low:.2f} to {100 * share.high:.2f} %",
            number(share.n),
        )
        for share in upgrade.shares
    ]
    head = ("", "Share", "Phase", "Declared", "Measured", "99 % interval", "Requests")
    return ["### Shares", "", *table(head, rows)] if rows else []


def _faults(upgrade: Upgrade) -> list[str]:
    rows = [
        (
            MARKS[fault.verdict],
            plain(fault.name),
            f"{fault.kind or 'nothing'} {span(fault.least, fault.most)}",
            f"{fault.found} {span(fault.found_low, fault.found_high)}"
            if fault.found
            else "nothing",
            plain(fault.reason),
        )
        for fault in upgrade.faults
    ]
    head = ("", "Fault", "Made", "Found", "Reason")
    return ["### Faults made on purpose", "", *table(head, rows)] if rows else []


def _compared(found: Comparison) -> Iterator[str]:
    lost, mended = found.of("regression", "gone"), found.of("fix")
    green = len(found.of("still green"))
    yield "### The suites before and after"
    yield ""
    yield f"{len(lost)} regressed, {len(mended)} mended, {green} still green."
    yield ""
    rows = [
        (row.change, plain(row.key), plain(row.sentence), plain(row.reason))
        for row in (*lost, *mended)
    ]
    if rows:
        yield from table(("Change", "Id", "Requirement", "Reason"), rows)


def _phases(phases: Iterable[Phase]) -> Iterator[str]:
    rows = (
        (
            str(index),
            plain(titled(phase)),
            plain(phase.component),
            duration(phase.started),
            duration(phase.seconds),
            phase.outcome,
            plain(phase.note),
        )
        for index, phase in enumerate(phases, 1)
    )
    head = ("", "Phase", "Component", "Began after", "Took", "Outcome", "Note")
    yield from table(head, rows)
