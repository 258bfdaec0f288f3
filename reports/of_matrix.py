"""The report of a nightly matrix: every cell beside the others, and beside an earlier night.

Made from matrix.json and from what the cells left. It judges nothing that the cells have not
judged; only a cell that says it passed while its results do not, or cannot be read, has failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from reports import cells, gathering, of_run, of_upgrade, wording
from reports.cells import Cell, CellStatus, Matrix, State
from reports.compare import Comparison, compare
from reports.gathering import Left
from reports.model import Cell as TableCell
from reports.model import Columns, Entry, Files, Grid, Report, Table, grid, tabled
from reports.schema import Requirement, RunStatus, Status
from reports.upgrade_schema import KINDS, Upgrade
from reports.wording import duration, number

FILES = Files(cells.FILE, "merged.md", "index.html")
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
STATUS_VERDICTS: dict[Shown, Status] = {
    "passed": "pass",
    "failed": "fail",
    "inconclusive": "inconclusive",
    "interrupted": "inconclusive",
    "running": "skip",
    "waiting": "skip",
}
_TOLD = {"regression": "regressions", "gone": "gone", "fix": "fixes", "new": "new"}


@dataclass(frozen=True)
class CellReport:
    """One cell: its state, what it left, and what differs from the earlier night's."""

    state: State
    column: str
    left: Left
    page: str = ""
    change: Comparison | None = None

    @property
    def cell(self) -> Cell:
        return self.state.cell

    @property
    def status(self) -> Shown:
        """What became of it: a cell that is red for the environment's sake alone did not fail."""
        told = self.left.told
        if self.state.status != "failed" or told is None:
            return self.state.status
        whole = of_upgrade.report(told) if isinstance(told, Upgrade) else of_run.report(told)
        return "inconclusive" if whole.word == wording.UNDECIDED else "failed"

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        return whole.requirements if (whole := self.left.whole) else ()

    @property
    def spoilt(self) -> str:
        """Requests of an upgrade's streams that were not good, worst kind first."""
        streams = self.left.told.streams if isinstance(self.left.told, Upgrade) else ()
        counts = {kind: sum(s.counts.get(kind, 0) for s in streams) for kind in KINDS}
        return ", ".join(f"{number(n)} {kind}" for kind, n in counts.items() if n)

    @property
    def since(self) -> str:
        return changes(self.change) if self.change else ""


@dataclass(frozen=True)
class Merged:
    """A matrix and what its cells left; `base` is the name of the earlier night."""

    matrix: Matrix
    cells: tuple[CellReport, ...]
    base: str = ""

    @property
    def regressed(self) -> bool:
        return any(each.change and each.change.regressed for each in self.cells)

    @property
    def exit_status(self) -> int:
        """0 only if every cell passed and nothing that passed is no longer asked."""
        return 0 if self.matrix.passed and not self.regressed else 1

    def save(self, path: Path) -> None:
        self.matrix.save(path)


def merged(matrix: Matrix, folder: Path, base: Path | None = None) -> Merged:
    """A matrix whose cells' folders are relative to `folder`, beside an earlier one's.

    Args:
        base: the folder of an earlier merged report.

    Raises:
        ResultsError: `base` holds no merged report.
    """
    earlier = Matrix.load(base / cells.FILE) if base else None
    former = _left(earlier, base) if earlier and base else {}
    left = _left(matrix, folder)
    for state in matrix.cells:
        told = left[state.cell.name].told
        if state.status == "passed" and not (told and told.status == "passed"):
            matrix = matrix.having(state.model_copy(update={"status": "failed"}))
    seen = tuple(
        CellReport(
            state=state,
            column=str(place),
            left=left[state.cell.name],
            page=_page(state, folder),
            change=_change(former.get(state.cell.name), left[state.cell.name]),
        )
        for place, state in enumerate(matrix.cells, 1)
    )
    return Merged(matrix, seen, earlier.run if earlier else "")


def report(found: Merged) -> Report:
    """The report, whose links are relative to the matrix's folder."""
    entries = tuple(_entries(found))
    statuses = [each.status for each in found.cells]
    counts = [f"{n} {word}" for s, word in STATUS_WORDS.items() if (n := statuses.count(s))]
    took = duration(sum(state.seconds for state in found.matrix.cells))
    facts = {"Matrix": found.matrix.run, "Began": wording.moment(found.matrix.began)}
    lost = f"Every cell passed, but something that was asked in {found.base} no longer is."
    unfinished = bool(found.matrix.of("waiting", "running", "interrupted"))
    return Report(
        name="Plumbline matrix",
        kind="matrix",
        files=FILES,
        run=found.matrix.run,
        status=_status(found, unfinished=unfinished),
        word=_word(found, statuses, unfinished=unfinished),
        counts=", ".join(counts) or "no cell",
        facts=facts | {"Took, in all": took} | ({"Beside": found.base} if found.base else {}),
        entries=entries,
        remarks=(lost,) if found.regressed and found.matrix.passed else (),
        bar=wording.tally(each for each in entries if each.sort == "cell"),
        grids=_grids(found, entries),
        sections=(_cells(found), *_changes(found)),
    )


def changes(found: Comparison) -> str:
    """`1 regression, 2 fixes`; empty if nothing differs."""
    counts = {name: sum(row.change == name for row in found.rows) for name in _TOLD}
    return ", ".join(f"{n} {name if n == 1 else _TOLD[name]}" for name, n in counts.items() if n)


def _status(found: Merged, *, unfinished: bool) -> RunStatus:
    if found.exit_status == 0:
        return "passed"
    return "interrupted" if unfinished else "failed"


def _word(found: Merged, statuses: list[Shown], *, unfinished: bool) -> str:
    failed = "failed" in statuses
    if unfinished:
        return "Failed so far" if failed else "Unfinished"
    if found.matrix.passed:
        return "Passed"
    return "Failed" if failed else wording.UNDECIDED


def _entries(found: Merged) -> Iterator[Entry]:
    for seen in found.cells:
        name = seen.cell.name
        problem, verdict = seen.left.problem, STATUS_VERDICTS[seen.status]
        yield Entry(name, verdict, problem, sort="cell", listed=False, excused=not problem)
        for asked in seen.requirements:
            # A skip is none of the reasons why a cell that passed is red: its profile allows it.
            allowed = asked.verdict == "skip" and seen.state.status == "passed"
            entry = of_run.entry(asked)
            # Its history stayed where the cell was run.
            yield replace(entry, name=entry.key, variant=name, suite="", excused=allowed, links={})
        for row in seen.change.of("gone") if seen.change else ():
            why = f"it was asked in {found.base}, and no longer is"
            yield Entry(
                row.key, "fail", why, row.sentence, sort="missing", variant=name, listed=False
            )


def _grids(found: Merged, entries: tuple[Entry, ...]) -> tuple[Grid, ...]:
    columns = {seen.cell.name: seen.column for seen in found.cells}
    listed = [entry for entry in entries if entry.listed]
    whole = grid("Every requirement, by cell", listed, fold=True)
    return (replace(whole, columns=tuple(columns[name] for name in whole.columns)),) * bool(listed)


def _cells(found: Merged) -> Table:
    columns: Columns[CellReport] = {
        "": lambda seen: seen.column,
        "Cell": lambda seen: TableCell(seen.cell.name, path=seen.page),
        "Status": lambda seen: TableCell(STATUS_WORDS[seen.status], STATUS_VERDICTS[seen.status]),
        "Requirements": lambda seen: wording.counts(seen.requirements, ""),
        "Took": lambda seen: duration(seen.state.seconds) if seen.state.seconds else "",
        "Not as it had to be": lambda seen: seen.spoilt,
        "Since then": lambda seen: seen.since,
    }
    return tabled("Cells", found.cells, columns, ("Took",), summary="open", main=True)


def _changes(found: Merged) -> Iterator[Table]:
    """What newly fails, newly passes or is gone; what is newly asked and passes is only counted."""
    for seen in found.cells:
        if seen.change and (seen.since or seen.change.shifts):
            rows = [row for row in seen.change.rows if row.change in _TOLD]
            told = [row for row in rows if row.change != "new" or row.new != "pass"]
            differs = seen.change.model_copy(update={"rows": tuple(told)})
            title = f"{seen.column} {seen.cell.name} since {found.base}"
            yield replace(of_upgrade.changes(title, differs), aside=seen.since, page="open")
            if shifts := [(str(shift),) for shift in seen.change.shifts]:
                yield Table("Slower or faster", ("",), tuple(shifts))


def _left(matrix: Matrix, folder: Path) -> Mapping[str, Left]:
    return {state.cell.name: _left_by(state, folder) for state in matrix.cells}


def _left_by(state: State, folder: Path) -> Left:
    if state.folder and state.status != "running":
        return gathering.read(folder / state.folder)
    return Left(problem=gathering.MISSING if state.finished else "")


def _change(base: Left | None, new: Left) -> Comparison | None:
    before, after = base.whole if base else None, new.whole
    return compare(before, after) if before and after else None


def _page(state: State, folder: Path) -> str:
    paths = [Path(state.folder) / name for name in PAGES] if state.folder else []
    return next((path.as_posix() for path in paths if (folder / path).is_file()), "")
