"""An upgrade in the terminal: what was done, what each stream saw, and at last the verdict.

It prints and never writes a file. Texts are printed as they are: none of them can act as
markup or move the cursor.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.terminal import RUN_STYLES, STYLES
from reports.upgrade_schema import Stream, Upgrade
from reports.upgrade_wording import (
    SHUT,
    WRONG,
    by_cluster,
    change,
    findings,
    headline,
    matters,
    spent,
    spoilt,
    titled,
    worst_first,
)
from reports.wording import VERDICT_WORDS, duration, number, one_line

PAGE = "upgrade.html"


def show_upgrade(upgrade: Upgrade, directory: Path, console: Console | None = None) -> None:
    """Print the upgrade; `directory` is only named, as the place of its page."""
    out = console or Console()
    out.print(Text(one_line(change(upgrade)), "bold"))
    if upgrade.phases:
        out.print(_phases(upgrade))
    if upgrade.streams:
        out.print(_streams(upgrade))
    for found in findings(upgrade):
        line = f"{found.sort} {found.key}: {found.reason}"
        out.print(Text(one_line(line), STYLES[found.verdict]))
    for note in upgrade.notes:
        out.print(Text(f"note: {one_line(note)}", "dim"))
    out.print(Text(one_line(matters(upgrade)), RUN_STYLES[upgrade.status]))
    # Last, where a terminal stays and a CI's log ends.
    out.print(Text(one_line(headline(upgrade)), RUN_STYLES[upgrade.status]), soft_wrap=True)
    out.print(Text(f"page: {directory / PAGE}", "dim"), soft_wrap=True)


def _phases(upgrade: Upgrade) -> Table:
    table = _table("Phase", "Began after", "Took", "Outcome")
    for phase in upgrade.phases:
        style = "dim" if phase.outcome == "done" else "bold red"
        note = f" {one_line(phase.note)}" if phase.note else ""
        times = (Text(duration(each), "dim") for each in (phase.started, phase.seconds))
        table.add_row(Text(one_line(titled(phase))), *times, Text(f"{phase.outcome}{note}", style))
    return table


def _streams(upgrade: Upgrade) -> Table:
    table = _table("Verdict", "Stream", "Requests", "Not good", "For")
    for cluster, streams in by_cluster(upgrade.streams).items():
        table.add_row("", Text(one_line(cluster), "bold"))
        for stream in worst_first(streams):
            table.add_row(*_row(stream))
    return table


def _row(stream: Stream) -> tuple[Text, ...]:
    return (
        Text(VERDICT_WORDS[stream.verdict], STYLES[stream.verdict]),
        Text(one_line(stream.name)),
        Text(number(stream.n), "dim"),
        Text(spoilt(stream)),
        Text("\n".join(_lasted(stream))),
    )


def _lasted(stream: Stream) -> Iterator[str]:
    for word, kinds in (("shut", SHUT), ("wrong", WRONG)):
        if told := spent(stream, kinds):
            yield f"{word} {told}"


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in names:
        right = name in {"Began after", "Took", "Requests"}
        folds = name in {"Not good", "Outcome"}
        justify: Literal["right", "left"] = "right" if right else "left"
        table.add_column(
            name, justify=justify, no_wrap=not folds, min_width=12 * folds, overflow="fold"
        )
    return table
