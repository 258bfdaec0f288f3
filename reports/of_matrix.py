"""The report of a nightly matrix: every cell beside the others, and beside an earlier night.

Made from matrix.json and from what the cells left. It judges nothing that the cells have not
judged; only a cell that says it passed while its results do not, or cannot be read, has failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from reports import cells, gathering, of_run, of_upgrade, upgrade_sections, wording
from reports.cells import Cell, CellStatus, Matrix, State
from reports.compare import Comparison, compare
from reports.gathering import Account
from reports.model import Cell as TableCell
from reports.model import Columns, Entry, Files, Grid, Report, Table, grid, make_table
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
_WORDS = {"regression": "regressions", "gone": "gone", "fix": "fixes", "new": "new"}


@dataclass(frozen=True)
class CellReport:
    """One cell: its state, what it left, and what differs from the earlier night's."""

    state: State
    column: str
    account: Account
    page: str = ""
    change: Comparison | None = None

    @property
    def cell(self) -> Cell:
        return self.state.cell

    @property
    def status(self) -> Shown:
        """What became of it: a cell that is red for the environment's sake alone did not fail."""
        results = self.account.results
        if self.state.status != "failed" or results is None:
            return self.state.status
        whole = (
            of_upgrade.report(results) if isinstance(results, Upgrade) else of_run.report(results)
        )
        return "inconclusive" if whole.word == wording.UNDECIDED else "failed"

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        return whole.requirements if (whole := self.account.whole) else ()

    @property
    def bad_requests(self) -> str:
        """Requests of an upgrade's streams that were not good, worst kind first."""
        streams = self.account.results.streams if isinstance(self.account.results, Upgrade) else ()
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


def merge(matrix: Matrix, folder: Path, base: Path | None = None) -> Merged:
    """A matrix whose cells' folders are relative to `folder`, beside an earlier one's.

    Args:
        base: the folder of an earlier merged report.

    Raises:
        ResultsError: `base` holds no merged report.
    """
    earlier = Matrix.load(base / cells.FILE) if base else None
    former = _accounts(earlier, base) if earlier and base else {}
    accounts = _accounts(matrix, folder)
    for state in matrix.cells:
        results = accounts[state.cell.name].results
        if state.status == "passed" and not (results and results.status == "passed"):
            matrix = matrix.with_state(state.model_copy(update={"status": "failed"}))
    reports = tuple(
        CellReport(
            state=state,
            column=str(place),
            account=accounts[state.cell.name],
            page=_page(state, folder),
            change=_change(former.get(state.cell.name), accounts[state.cell.name]),
        )
        for place, state in enumerate(matrix.cells, 1)
    )
    return Merged(matrix, reports, earlier.run if earlier else "")


def report(merged: Merged) -> Report:
    """The report, whose links are relative to the matrix's folder."""
    entries = tuple(_entries(merged))
    statuses = [each.status for each in merged.cells]
    counts = [f"{n} {word}" for s, word in STATUS_WORDS.items() if (n := statuses.count(s))]
    took = duration(sum(state.seconds for state in merged.matrix.cells))
    facts = {"Matrix": merged.matrix.run, "Began": wording.moment(merged.matrix.began)}
    lost = f"Every cell passed, but something that was asked in {merged.base} no longer is."
    unfinished = bool(merged.matrix.of("waiting", "running", "interrupted"))
    return Report(
        name="Plumbline matrix",
        kind="matrix",
        files=FILES,
        run=merged.matrix.run,
        status=_status(merged, unfinished=unfinished),
        word=_word(merged, statuses, unfinished=unfinished),
        counts=", ".join(counts) or "no cell",
        facts=facts | {"Took, in all": took} | ({"Beside": merged.base} if merged.base else {}),
        entries=entries,
        remarks=(lost,) if merged.regressed and merged.matrix.passed else (),
        bar=wording.tally(each for each in entries if each.sort == "cell"),
        grids=_grids(merged, entries),
        sections=(_cells(merged), *_changes(merged)),
    )


def changes(comparison: Comparison) -> str:
    """`1 regression, 2 fixes`; empty if nothing differs."""
    counts = {name: sum(row.change == name for row in comparison.rows) for name in _WORDS}
    return ", ".join(f"{n} {name if n == 1 else _WORDS[name]}" for name, n in counts.items() if n)


def _status(merged: Merged, *, unfinished: bool) -> RunStatus:
    if merged.exit_status == 0:
        return "passed"
    return "interrupted" if unfinished else "failed"


def _word(merged: Merged, statuses: list[Shown], *, unfinished: bool) -> str:
    failed = "failed" in statuses
    if unfinished:
        return "Failed so far" if failed else "Unfinished"
    if merged.matrix.passed:
        return "Passed"
    return "Failed" if failed else wording.UNDECIDED


def _entries(merged: Merged) -> Iterator[Entry]:
    for each in merged.cells:
        name = each.cell.name
        problem, verdict = each.account.problem, STATUS_VERDICTS[each.status]
        yield Entry(name, verdict, problem, sort="cell", listed=False, excused=not problem)
        for requirement in each.requirements:
            # A skip is none of the reasons why a cell that passed is red: its profile allows it.
            allowed = requirement.verdict == "skip" and each.state.status == "passed"
            entry = of_run.entry(requirement)
            # Its history stayed where the cell was run.
            yield replace(entry, name=entry.key, variant=name, suite="", excused=allowed, links={})
        for row in each.change.of("gone") if each.change else ():
            why = f"it was asked in {merged.base}, and no longer is"
            yield Entry(
                row.key, "fail", why, row.sentence, sort="missing", variant=name, listed=False
            )


def _grids(merged: Merged, entries: tuple[Entry, ...]) -> tuple[Grid, ...]:
    columns = {each.cell.name: each.column for each in merged.cells}
    listed = [entry for entry in entries if entry.listed]
    whole = grid("Every requirement, by cell", listed, fold=True)
    return (replace(whole, columns=tuple(columns[name] for name in whole.columns)),) * bool(listed)


def _cells(merged: Merged) -> Table:
    columns: Columns[CellReport] = {
        "": lambda each: each.column,
        "Cell": lambda each: TableCell(each.cell.name, path=each.page),
        "Status": lambda each: TableCell(STATUS_WORDS[each.status], STATUS_VERDICTS[each.status]),
        "Requirements": lambda each: wording.counts(each.requirements, ""),
        "Took": lambda each: duration(each.state.seconds) if each.state.seconds else "",
        "Not as it had to be": lambda each: each.bad_requests,
        "Since then": lambda each: each.since,
    }
    return make_table("Cells", merged.cells, columns, ("Took",), summary="open", main=True)


def _changes(merged: Merged) -> Iterator[Table]:
    """What newly fails, newly passes or is gone; what is newly asked and passes is only counted."""
    for each in merged.cells:
        if each.change and (each.since or each.change.shifts):
            rows = [row for row in each.change.rows if row.change in _WORDS]
            shown = [row for row in rows if row.change != "new" or row.new != "pass"]
            differs = each.change.model_copy(update={"rows": tuple(shown)})
            title = f"{each.column} {each.cell.name} since {merged.base}"
            yield replace(upgrade_sections.changes(title, differs), aside=each.since, page="open")
            if shifts := [(str(shift),) for shift in each.change.shifts]:
                yield Table("Slower or faster", ("",), tuple(shifts))


def _accounts(matrix: Matrix, folder: Path) -> Mapping[str, Account]:
    return {state.cell.name: _account_of(state, folder) for state in matrix.cells}


def _account_of(state: State, folder: Path) -> Account:
    if state.folder and state.status != "running":
        return gathering.read(folder / state.folder)
    return Account(problem=gathering.MISSING if state.finished else "")


def _change(base: Account | None, new: Account) -> Comparison | None:
    before, after = base.whole if base else None, new.whole
    return compare(before, after) if before and after else None


def _page(state: State, folder: Path) -> str:
    paths = [Path(state.folder) / name for name in PAGES] if state.folder else []
    return next((path.as_posix() for path in paths if (folder / path).is_file()), "")
