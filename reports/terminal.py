"""Results in the terminal: the verdict first, then the requirements, what is red on top.

It prints and never writes a file. Texts of the run are printed as they are: none of them
can act as markup or move the cursor.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.compare import Change, Comparison
from reports.matrix import Matrix
from reports.schema import Requirement, Results, RunStatus, Status
from reports.wording import (
    VERDICT_WORDS,
    about,
    by_suite,
    duration,
    headline,
    one_line,
    worst_first,
)

RUN_STYLES: dict[RunStatus, str] = {
    "passed": "bold green",
    "failed": "bold red",
    "interrupted": "bold yellow",
}
STYLES: dict[Status, str] = {
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


def unfailing() -> None:
    """Have the terminal told by `?` what its encoding has no sign for."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def show(results: Results, directory: Path, console: Console | None = None) -> None:
    """Print the run; `directory` is only named, as the place of its page."""
    out = console or Console()
    out.print(Text(headline(results), RUN_STYLES[results.status]))
    facts = (f"{name.lower()} {one_line(value)}" for name, value in about(results).items())
    out.print(Text(", ".join(facts), "dim"))
    out.print(_table(results))
    for note in results.notes:
        out.print(Text(f"note: {one_line(note)}", "dim"))
    out.print(Text(f"page: {directory / 'report.html'}", "dim"), soft_wrap=True)
    # Last, where a terminal stays and a CI's log ends: in the form that every tool counts.
    out.print(Text(_closing(results), RUN_STYLES[results.status]))


def _closing(results: Results) -> str:
    red = results.count("fail") + results.count("inconclusive")
    skipped = results.count("skip")
    counted = f"{results.count('pass')} passed, {red} failed"
    return f"{counted}, {skipped} skipped" if skipped else counted


def show_matrix(matrix: Matrix, directory: Path, console: Console | None = None) -> None:
    """Print a kill matrix: its count, then whatever is not as it should be."""
    out = console or Console()
    out.print(Text(matrix.headline, "bold green" if matrix.proven else "bold red"))
    for entry in matrix.entries:
        if entry.outcome == "survived":
            out.print(Text(f"survived: {entry.suite}/{entry.name} ({entry.what}): {entry.reason}"))
    for cell in matrix.reference_red:
        out.print(Text(f"reference: {cell.requirement} {cell.verdict}: {one_line(cell.reason)}"))
    out.print(Text(f"page: {directory / 'mutants.html'}", "dim"), soft_wrap=True)


def show_comparison(found: Comparison, console: Console | None = None) -> None:
    """Print what differs between two runs: the counts, then each change, losses on top."""
    out = console or Console()
    counts = {change: len(found.of(change)) for change in _CHANGES}
    told = ", ".join(f"{n} {change}" for change, n in counts.items() if n) or "nothing was asked"
    style = "bold red" if found.regressed else "bold green"
    out.print(Text(f"{found.new} beside {found.base}: {told}", style))
    for warning in found.warnings:
        out.print(Text(f"note: {one_line(warning)}", "dim"))
    for change, colour in _CHANGES.items():
        for row in found.of(change) if colour else ():
            line = f"{change} {row.key} {row.base or '-'} -> {row.new or '-'}: {row.sentence}"
            out.print(Text(one_line(line), colour))
            out.print(Text(f"  {one_line(row.reason)}", "dim"))
    for shift in found.shifts:
        moved = f"{shift.name} {shift.base:.1f} -> {shift.new:.1f} ms"
        out.print(Text(one_line(f"slower or faster: {shift.key} {moved}")))


def _table(results: Results) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("Verdict", "Id", "Requirement"):
        table.add_column(name, no_wrap=name != "Requirement", overflow="fold")
    table.add_column("Took", justify="right", no_wrap=True)
    for suite, requirements in by_suite(results).items():
        table.add_row("", "", Text(one_line(suite), "bold"))
        for requirement in worst_first(requirements):
            table.add_row(*_row(requirement))
    return table


def _row(r: Requirement) -> tuple[Text, Text, Text, Text]:
    told = Text(one_line(r.sentence))
    if r.verdict != "pass":
        told.append(f"\n{one_line(r.reason)}", STYLES[r.verdict])
    verdict = Text(VERDICT_WORDS[r.verdict], STYLES[r.verdict])
    return verdict, Text(one_line(r.key)), told, Text(duration(r.seconds), "dim")
