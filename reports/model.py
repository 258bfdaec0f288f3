"""One report: what is told of a run, an upgrade, a matrix or the mutants, whatever its form.

`of_run`, `of_upgrade`, `of_matrix` and `of_mutants` make it from their results; `render` turns
it into a page, Markdown, JUnit, annotations and lines of a terminal. So each rule stands once:
what is red, in which order, in which words. It holds values and judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from reports import practices, reasons
from reports.reasons import Part
from reports.schema import RunStatus, Status
from reports.wording import VERDICTS, Number, duration, not_green, worst_first

Fold = Literal["open", "folded", "none"]


class Cell(NamedTuple):
    """A table's cell: its text, how it looks (a verdict or a kind), and where it leads: to an
    entry of the report by its key, or to a file beside it."""

    text: str
    style: str = ""
    entry: str = ""
    path: str = ""


Value = str | Cell
T = TypeVar("T")
Columns = Mapping[str, Callable[[T], Value]]


@dataclass(frozen=True)
class Table:
    """Rows under a head; whether the page and the summary show, fold or leave it out."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    right: frozenset[str] = frozenset()
    aside: str = ""
    page: Fold = "open"
    summary: Fold = "none"
    main: bool = False  # it comes first on the page, and in the terminal too


def make_table(
    title: str,
    items: Iterable[T],
    columns: Columns[T],
    right: Iterable[str] = (),
    **more: Any,
) -> Table:
    """A table of things of one kind: each column by its name, and what it tells of one."""
    rows = tuple(tuple(tell(item) for tell in columns.values()) for item in items)
    return Table(title, tuple(columns), rows, frozenset(right), **more)


@dataclass(frozen=True)
class Figure:
    """A picture, drawn only by a form that shows it: `draw(narrow)` gives SVG, or nothing.

    One of half a line is only drawn narrow.
    """

    title: str
    label: str
    draw: Callable[[bool], str]
    caption: str = ""
    legend: tuple[tuple[str, str, str], ...] = ()  # what it means, its colour, more of it
    aside: str = ""
    table: Table | None = None
    place: Literal["first", "half", "last"] = "last"  # before what was asked, or two in a line


@dataclass(frozen=True)
class Entry:
    """One thing that was asked, and what came of it.

    `excused`: red, but none of the reasons why the whole is; JUnit has it as skipped.
    """

    key: str
    verdict: Status
    reason: str
    sentence: str = ""
    sort: str = ""  # empty for a requirement
    suite: str = ""
    group: str = ""  # what it stands under, if that is not its suite
    variant: str = ""  # the cluster or cell it was asked of
    name: str = ""  # the same for every variant
    note: str = ""
    brief: str = ""
    took: str = ""
    seconds: float = 0.0
    measured: float = 0.0  # for how long its requests were sent
    excused: bool = False
    must_fail: bool = False  # of a mutant: that it fails
    listed: bool = True
    numbers: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    parts: tuple[Part, ...] = ()  # its reason, stream by stream
    again: str = ""  # the command that asks it again
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What it is: `CS1[aws-cluster]`, `stream aws-cluster/canary-new`."""
        return f"{self.sort} {self.key}".lstrip()

    @property
    def row(self) -> str:
        return self.name or self.key

    @property
    def has_parts(self) -> bool:
        """Whether its reason is better read as a table."""
        return any(part.expected or part.first for part in self.parts)

    @property
    def short(self) -> str:
        """Its reason's first sentence."""
        error = reasons.triple(self.reason)
        return error.seen if error else self.reason.partition("; ")[0]


@dataclass(frozen=True)
class Row:
    """What was asked of several: a mark per column, and what more is to be told of each."""

    name: str
    sentence: str
    marks: tuple[Entry | None, ...]
    entries: tuple[Entry, ...] = ()
    remark: str = ""
    verdict: Status | Literal[""] = ""

    @property
    def worst(self) -> Status:
        return self.verdict or worst_first(self.asked_entries)[0].verdict

    @property
    def asked_entries(self) -> list[Entry]:
        return [each for each in self.marks if each]

    @property
    def took(self) -> str:
        """The time of all together, or what the worst was spoilt for."""
        if seconds := sum(max(each.seconds, each.measured) for each in self.asked_entries):
            return duration(seconds)
        return next((each.took for each in worst_first(self.asked_entries) if each.took), "")

    @property
    def brief(self) -> str:
        """The numbers that matter, of the worst if there are several."""
        red = [each for each in worst_first(self.asked_entries) if each.brief or each.note]
        return self.remark or next((each.note or each.brief for each in red), "")


@dataclass(frozen=True)
class Grid:
    """A requirement-by-cluster table, or a mutant-by-requirement one. Without columns' names it
    has one column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    fold: bool = False

    @property
    def entries(self) -> list[Entry]:
        return [entry for row in self.rows for entry in row.asked_entries]

    @property
    def detailed(self) -> bool:
        """Whether its rows can be opened."""
        return any(row.entries for row in self.rows)


@dataclass(frozen=True)
class Files:
    """The names of a report's files in its folder, and of the link beside that."""

    data: str
    summary: str
    page: str
    junit: str = ""
    latest: str = ""

    @property
    def all(self) -> list[str]:
        return [name for name in (self.data, self.junit, self.summary) if name]


@dataclass(frozen=True)
class Report:
    """Everything that any form tells."""

    name: str  # Plumbline, Plumbline matrix, Plumbline mutants
    kind: Literal["run", "upgrade", "matrix", "mutants"]
    files: Files
    run: str
    status: RunStatus
    word: str
    counts: str
    facts: Mapping[str, str]
    entries: tuple[Entry, ...]
    subject: str = ""
    lead: str = ""
    closing: str = ""
    remarks: tuple[str, ...] = ()
    bar: Mapping[Status, int] = field(default_factory=dict)
    grids: tuple[Grid, ...] = ()
    sections: tuple[Table | Figure, ...] = ()
    notes: tuple[str, ...] = ()
    ran: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    promise: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    began: str = ""  # ISO 8601

    @property
    def headline(self) -> str:
        """The whole in one glance: `Failed: 1 failed, 16 passed`."""
        return ": ".join(filter(None, (self.word, self.subject, self.counts)))

    @property
    def exit_status(self) -> int:
        return 0 if self.status == "passed" else 1

    @property
    def red(self) -> list[Entry]:
        """Everything that is a reason for not being green, failures first."""
        return [each for each in not_green(self.entries) if not each.excused]

    @property
    def detailed(self) -> bool:
        return any(grid.detailed for grid in self.grids)

    @property
    def tally(self) -> Mapping[Status, int]:
        """How many rows of the page are worst of which verdict."""
        worst = [row.worst for grid in self.grids for row in grid.rows]
        return {verdict: worst.count(verdict) for verdict in VERDICTS if verdict in worst}

    @property
    def variants(self) -> list[str]:
        """The clusters, or the cells, that anything was asked of."""
        return list(dict.fromkeys(each.variant for each in self.entries if each.variant))


def grids(entries: Iterable[Entry]) -> tuple[Grid, ...]:
    """A grid per suite, in the order they are met, and then one per practice, in the order of the
    reference; within it the reddest rows first."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.listed:
            groups.setdefault(entry.group or entry.suite, []).append(entry)
    ordered = sorted(groups, key=practices.order)
    return tuple(grid(name, groups[name]) for name in ordered)


def grid(title: str, entries: Iterable[Entry], *, fold: bool = False) -> Grid:
    rows: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        rows.setdefault(entry.row, {})[entry.variant] = entry
    columns = tuple(dict.fromkeys(variant for row in rows.values() for variant in row))
    lines = [
        Row(
            name=name,
            sentence=next(iter(row.values())).sentence,
            marks=tuple(row.get(column) for column in columns),
            entries=() if fold else tuple(row.values()),
        )
        for name, row in rows.items()
    ]
    return Grid(title, columns, tuple(sorted(lines, key=lambda r: VERDICTS.index(r.worst))), fold)
