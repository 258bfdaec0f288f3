"""A report as a short Markdown summary, for a step summary or a comment.

The first line tells the verdict, the next ones what is not green and why. It never lets a
text of the report act as markup.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping

from reports.causes import Finding, findings
from reports.model import Entry, Figure, Grid, Report, Row, Table, Value
from reports.schema import RunStatus, Status
from reports.wording import VERDICT_WORDS, counts, one_line

STATUS_MARKS: dict[RunStatus, str] = {"passed": "✅", "failed": "❌", "interrupted": "⚠️"}
MARKS: dict[Status, str] = {"pass": "✅", "fail": "❌", "inconclusive": "⚠️", "skip": "⏭️"}

# What acts inside a line. Nothing of the run ever stands at the start of one.
_MARKUP = re.compile(r"([\\`*_\[\]|~$@]|:(?=[\w+-]+:))")


def markdown(report: Report) -> str:
    """The summary, as GitHub's flavour of Markdown, ending with a newline."""
    lines = [f"## {STATUS_MARKS[report.status]} {report.name} {plain(report.headline)}", ""]
    lines += [plain(report.lead), ""] if report.lead else []
    lines += [" · ".join(f"{name} {plain(value)}" for name, value in report.facts.items()), ""]
    lines += [*map(_finding, findings(report.red)), ""]
    for section in report.sections:
        lines += _section(section.table if isinstance(section, Figure) else section)
    for grid in report.grids:
        lines += _grid(grid)
    for title, values in report.ran.items():
        lines += _fold(title, _pairs(values))
    if report.notes:
        lines += _table(("Notes",), ((plain(note),) for note in report.notes))
    return "\n".join(lines).rstrip("\n") + "\n"


def plain(value: str) -> str:
    """`value` as plain text: it can neither start markup nor leave its table cell."""
    return _MARKUP.sub(r"\\\1", html.escape(one_line(value), quote=False))


def _finding(finding: Finding) -> str:
    sort, _, key = finding.name.partition(" ") if finding.first.sort else ("", "", finding.name)
    head = f"{plain(sort)} **{plain(key)}** {plain(finding.first.sentence)}".strip()
    why = f"{VERDICT_WORDS[finding.verdict]}{plain(finding.where)}: {plain(finding.first.reason)}"
    return f"- {MARKS[finding.verdict]} {head}  \n  {why}"


def _section(table: Table | None) -> Iterator[str]:
    if table is None or table.summary == "none":
        return
    lines = [*_table(table.head, (tuple(map(_text, row)) for row in table.rows))]
    lines += [plain(table.aside), ""] if table.aside else []
    if table.summary == "folded":
        yield from _fold(plain(table.title), lines)
    else:
        yield from (f"### {plain(table.title)}", "", *lines)


def _text(value: Value) -> str:
    """A cell's text; a verdict has its mark before it."""
    if isinstance(value, str):
        return plain(value)
    mark = {VERDICT_WORDS[verdict]: sign for verdict, sign in MARKS.items()}.get(value.text)
    return f"{mark} {value.text}" if mark else plain(value.text)


def _grid(grid: Grid) -> Iterator[str]:
    named = [plain(column) for column in grid.columns] if any(grid.columns) else [""]
    remarks = any(row.brief for row in grid.rows)
    head = ("Id", "Requirement", *named, *(["Numbers"] if remarks else []))
    rows = (_row(row, remarks) for row in grid.rows)
    title = f"{plain(grid.title)}: {counts(grid.entries)}" if grid.title else counts(grid.entries)
    if grid.fold:
        yield from _fold(title, _table(head, rows))
    else:
        yield from (f"### {title}", "", *_table(head, rows))


def _row(row: Row, remarks: bool) -> tuple[str, ...]:
    marks = (_mark(each) for each in row.marks)
    numbers = [plain(row.brief)] if remarks else []
    return plain(row.name), plain(row.sentence), *marks, *numbers


def _mark(entry: Entry | None) -> str:
    mark = MARKS[entry.verdict] if entry else ""
    return f"**{mark}**" if entry and entry.must_fail else mark


def _pairs(values: Mapping[str, str]) -> Iterator[str]:
    yield from _table(("", ""), ((plain(name), plain(value)) for name, value in values.items()))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _cells(head)
    yield _cells(("---",) * len(head))
    yield from map(_cells, rows)
    yield ""


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fold(title: str, lines: Iterable[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", "", *lines, "</details>", ""]
