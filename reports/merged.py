"""The merged report of a matrix: every cell beside the others, and beside an earlier night.

What all of its forms tell, made from matrix.json and from what the cells left. It judges nothing
that the cells have not judged; only a cell that says it passed while its results do not, or
cannot be read, has failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import ascii_uppercase
from typing import Literal

from reports import cells, gathering, wording
from reports.cells import Cell, CellStatus, Matrix, State
from reports.compare import Comparison, Row, compare
from reports.gathering import Report
from reports.schema import Requirement, Status
from reports.upgrade_schema import KINDS, Kind

PAGES = ("upgrade.html", "report.html", "upgrade.json", "results.json")  # a cell's, best first

Shown = CellStatus | Literal["inconclusive"]

STATUS_WORDS: dict[Shown, str] = {
    "passed": "passed",
    "failed": "failed",
    "inconclusive": "inconclusive",
    "interrupted": "interrupted",
    "running": "running",
    "waiting": "not run yet",
}


@dataclass(frozen=True)
class Seen:
    """One cell: its state, what it left, and what differs from the earlier night's."""

    state: State
    letter: str
    report: Report
    page: str
    change: Comparison | None

    @property
    def cell(self) -> Cell:
        return self.state.cell

    @property
    def status(self) -> Shown:
        """What became of it: a cell that is red for the environment's sake alone did not fail."""
        failed = self.state.status == "failed"
        return "inconclusive" if failed and self.report.undecided else self.state.status

    @property
    def counts(self) -> dict[Status, int]:
        return wording.tally((*self.report.requirements, *self.report.streams))

    def red(self, asked: Requirement) -> bool:
        """Whether it is one of the reasons why this cell is; a profile may allow a skip."""
        if asked.verdict == "skip":
            return self.state.status != "passed"
        return asked.verdict != "pass"

    @property
    def red_streams(self) -> list[Requirement]:
        return [each for each in wording.worst_first(self.report.streams) if self.red(each)]

    @property
    def kinds(self) -> dict[Kind, int]:
        """Requests of an upgrade's streams that were not good, worst kind first."""
        streams = self.report.upgrade.streams if self.report.upgrade else ()
        counts = {kind: sum(s.counts.get(kind, 0) for s in streams) for kind in KINDS}
        return {kind: n for kind, n in counts.items() if n}


@dataclass(frozen=True)
class Line:
    """One requirement, and what it came to in each cell, by the cell's name."""

    key: str
    sentence: str
    asked: dict[str, Requirement]
    red: tuple[str, ...]


@dataclass(frozen=True)
class Merged:
    """Everything that the forms tell."""

    matrix: Matrix
    cells: tuple[Seen, ...]
    base: str = ""

    @property
    def passed(self) -> bool:
        return self.matrix.passed

    @property
    def regressed(self) -> bool:
        return any(seen.change and seen.change.regressed for seen in self.cells)

    @property
    def exit_status(self) -> int:
        """0 only if every cell passed and nothing that passed is no longer asked."""
        return 0 if self.passed and not self.regressed else 1

    @property
    def word(self) -> str:
        failed = "failed" in self.statuses
        if self.matrix.of("waiting", "running", "interrupted"):
            return "Failed so far" if failed else "Unfinished"
        if self.passed:
            return "Passed"
        return "Failed" if failed else wording.UNDECIDED

    @property
    def statuses(self) -> list[Shown]:
        return [seen.status for seen in self.cells]

    @property
    def headline(self) -> str:
        told = self.statuses
        words = [f"{n} {STATUS_WORDS[s]}" for s in STATUS_WORDS if (n := told.count(s))]
        return ", ".join(words) or "no cell"

    @property
    def about(self) -> dict[str, str]:
        seconds = sum(state.seconds for state in self.matrix.cells)
        facts = {
            "Matrix": self.matrix.run,
            "Began": f"{self.matrix.began:%Y-%m-%d %H:%M %Z}".strip(),
            "Took, in all": wording.duration(seconds),
        }
        return facts | ({"Beside": self.base} if self.base else {})

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Every requirement of any cell, in the order in which it was first met."""
        found: dict[str, dict[str, Requirement]] = {}
        for seen in self.cells:
            for asked in seen.report.requirements:
                found.setdefault(asked.key, {})[seen.cell.name] = asked
        return tuple(self._line(key, asked) for key, asked in found.items())

    def _line(self, key: str, asked: dict[str, Requirement]) -> Line:
        red = [s.cell.name for s in self.cells if (a := asked.get(s.cell.name)) and s.red(a)]
        return Line(key, next(iter(asked.values())).sentence, asked, tuple(red))

    @property
    def red(self) -> list[Line]:
        return [line for line in self.lines if line.red]

    @property
    def upgrades(self) -> list[Seen]:
        return [seen for seen in self.cells if seen.report.upgrade]

    @property
    def changed(self) -> list[Seen]:
        """The cells in which anything differs from the earlier night."""
        return [s for s in self.cells if s.change and (counted(s.change) or s.change.shifts)]


def merged(matrix: Matrix, folder: Path, base: Path | None = None) -> Merged:
    """The report of a matrix whose cells' folders are relative to `folder`.

    Args:
        base: the folder of an earlier merged report.

    Raises:
        ResultsError: `base` holds no merged report.
    """
    earlier = Matrix.load(base / cells.FILE) if base else None
    former = _reports(earlier, base) if earlier and base else {}
    reports = _reports(matrix, folder)
    for state in matrix.cells:
        if state.status == "passed" and not _bears_out(reports[state.cell.name]):
            matrix = matrix.having(state.model_copy(update={"status": "failed"}))
    seen = tuple(
        Seen(
            state=state,
            letter=_letter(place),
            report=reports[state.cell.name],
            page=_page(state, folder),
            change=_change(former.get(state.cell.name), reports[state.cell.name]),
        )
        for place, state in enumerate(matrix.cells)
    )
    return Merged(matrix=matrix, cells=seen, base=earlier.run if earlier else "")


def _reports(matrix: Matrix, folder: Path) -> Mapping[str, Report]:
    return {state.cell.name: _report(state, folder) for state in matrix.cells}


def _report(state: State, folder: Path) -> Report:
    if state.folder and state.status != "running":
        return gathering.read(folder / state.folder)
    return Report(problem=gathering.MISSING if state.finished else "")


def _bears_out(report: Report) -> bool:
    return report.whole is not None and report.whole.status == "passed"


def _change(base: Report | None, new: Report) -> Comparison | None:
    before, after = base.whole if base else None, new.whole
    return compare(before, after) if before and after else None


def _letter(place: int) -> str:
    """A, B, … Z, AA: what a column is headed with."""
    more, last = divmod(place, len(ascii_uppercase))
    return (_letter(more - 1) if more else "") + ascii_uppercase[last]


def _page(state: State, folder: Path) -> str:
    paths = [Path(state.folder) / name for name in PAGES] if state.folder else []
    return next((path.as_posix() for path in paths if (folder / path).is_file()), "")


def counted(changes: Comparison) -> str:
    """`1 regression, 2 fixes`; empty if nothing differs."""
    counts: Sequence[tuple[int, str, str]] = (
        (len(changes.of("regression")), "regression", "regressions"),
        (len(changes.of("gone")), "gone", "gone"),
        (len(changes.of("fix")), "fix", "fixes"),
        (len(changes.of("new")), "new", "new"),
    )
    return ", ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n)


def told(changes: Comparison) -> list[Row]:
    """What is worth a line of its own: what is newly asked and passes is only counted."""
    rows = changes.of("regression", "gone", "fix", "new")
    return [row for row in rows if row.change != "new" or row.new != "pass"]
