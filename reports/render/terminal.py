"""A report in the terminal: the verdict first, then what was asked, what is red on top.

It prints and never writes a file. Texts are printed as they are: none of them can act as
markup or move the cursor.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich import table as rich
from rich.console import Console
from rich.text import Text

from reports.causes import findings
from reports.compare import Change, Comparison
from reports.model import Cell, Entry, Figure, Grid, Report, Table, Value
from reports.schema import RunStatus
from reports.wording import VERDICT_WORDS, one_line, worst_first

ID_WIDTH = 30
"""Signs in a line of an id: it leaves an 80 column terminal's sentences half of it."""
STATUS_STYLES: dict[RunStatus, str] = {
    "passed": "bold green",
    "failed": "bold red",
    "interrupted": "bold yellow",
}
STYLES: Mapping[str, str] = {
    "pass": "green",
    "fail": "bold red",
    "inconclusive": "bold yellow",
    "skip": "dim",
}
# What is told of each change line by line, and in which colour; the rest is only counted.
_CHANGES: dict[Change, str] = {
    "regression": "bold red",
    "gone": "bold red",
    "fix": "green",
    "new": "yellow",
    "still red": "red",
    "still green": "",
}


def replace_unencodable() -> None:
    """Have the terminal told by `?` what its encoding has no sign for."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def show(report: Report, directory: Path, console: Console | None = None) -> None:
    """Print the report; `directory` is only named, as the place of its page."""
    out = console or Console()
    style = STATUS_STYLES[report.status]
    out.print(Text(one_line(report.headline), style), soft_wrap=True)
    facts = (f"{name.lower()} {one_line(value)}" for name, value in report.facts.items())
    out.print(Text(", ".join(facts), "dim"))
    for section in report.sections:
        if not isinstance(section, Figure) and section.main:
            out.print(_section(section))
    listed = [g for g in report.grids if not g.fold and any(row.entries for row in g.rows)]
    if report.entries and listed:
        out.print(_listing(listed))
    for finding in findings(report.red):
        if not listed or not finding.first.listed:
            out.print(Text(one_line(f"{finding.title}: {finding.why}"), STYLES[finding.verdict]))
    for note in report.notes:
        out.print(Text(f"note: {one_line(note)}", "dim"))
    if report.lead:
        out.print(Text(one_line(report.lead), style))
    out.print(Text(f"page: {directory / report.files.page}", "dim"), soft_wrap=True)
    # Last, where a terminal stays and a CI's log ends: in the form that every tool counts.
    out.print(Text(one_line(report.closing or report.headline), style), soft_wrap=True)


def show_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print what differs between two runs: the counts, then each change, losses on top."""
    out = console or Console()
    counts = {change: len(comparison.of(change)) for change in _CHANGES}
    text = ", ".join(f"{n} {change}" for change, n in counts.items() if n) or "nothing was asked"
    style = "bold red" if comparison.regressed else "bold green"
    out.print(Text(f"{comparison.new} beside {comparison.base}: {text}", style))
    for warning in comparison.warnings:
        out.print(Text(f"note: {one_line(warning)}", "dim"))
    for change, colour in _CHANGES.items():
        for row in comparison.of(change) if colour else ():
            line = f"{change} {row.key} {row.base or '-'} -> {row.new or '-'}: {row.sentence}"
            out.print(Text(one_line(line), colour))
            out.print(Text(f"  {one_line(row.reason)}", "dim"))
    for shift in comparison.shifts:
        out.print(Text(one_line(str(shift))))


def _section(section: Table) -> rich.Table:
    table = _table(section.head, section.right)
    for row in section.rows:
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: Value) -> Text:
    text, style = (value.text, value.style) if isinstance(value, Cell) else (value, "")
    return Text(one_line(text), STYLES.get(style, ""))


def _listing(grids: list[Grid]) -> rich.Table:
    table = _table(("Verdict", "Id", "Requirement", "Took"), frozenset({"Took"}))
    for grid in grids:
        table.add_row("", "", Text(one_line(grid.title), "bold"))
        for entry in worst_first(entry for row in grid.rows for entry in row.entries):
            table.add_row(*_row(entry))
    return table


def _row(entry: Entry) -> Iterator[Text]:
    text = Text(one_line(f"{entry.sentence} {entry.note}"))
    if entry.verdict != "pass":
        text.append(f"\n{one_line(entry.reason)}", STYLES[entry.verdict])
    yield Text(VERDICT_WORDS[entry.verdict], STYLES[entry.verdict])
    yield Text(one_line(entry.key))
    yield text
    yield Text(entry.took, "dim")


def _table(head: tuple[str, ...], right: frozenset[str]) -> rich.Table:
    table = rich.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in head:
        folds = name in ("Id", "Requirement", "Outcome", "Reason")
        table.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=not folds,
            overflow="fold",
            max_width=ID_WIDTH if name == "Id" else None,
        )
    return table
