"""What the cells of a matrix left behind: found in folders, read, and carried to one place.

A cell that left nothing, or what cannot be read, is told as such and never passes. It decides
nothing else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from clusters.errors import ResultsError
from reports import cells, reading, upgrade_schema
from reports.cells import Cell, Matrix, State
from reports.compare import Row
from reports.schema import Requirement, Results, Status
from reports.upgrade_schema import Stream, Upgrade

DEPTH = 3  # folders below a given one: what a workflow downloads lies in one per artifact
LIGHT = frozenset({".json", ".html", ".md", ".xml"})  # not the histories, not the evidence
MISSING = "it left no results"
_VERDICTS: dict[str, Status] = {"pass": "pass", "inconclusive": "inconclusive", "skip": "skip"}


@dataclass(frozen=True)
class Account:
    """What one cell left: its results, or why they cannot be told."""

    results: Results | Upgrade | None = None
    problem: str = ""

    @property
    def whole(self) -> Results | None:
        """All of it in the form of a run, so that an upgrade is told and compared as a run is."""
        results = self.results
        if not isinstance(results, Upgrade):
            return results
        rows = results.comparison.rows if results.comparison else ()
        return Results(
            run=results.run,
            status=results.status,
            began=results.began,
            ended=results.ended,
            train=results.to or results.base,
            versions=results.versions_to or results.versions,
            machine=results.machine,
            requirements=(*map(_of_stream, results.streams), *map(_of_row, rows)),
        )


def read(folder: Path) -> Account:
    """What the cell whose folder this is has left; an upgrade's own file comes first."""
    path = folder / upgrade_schema.FILE
    try:
        if path.is_file():
            return Account(Upgrade.load(path))
        if not (folder / reading.FILE).is_file():
            return Account(problem=MISSING)
        return Account(reading.read(folder))
    except ResultsError as error:
        return Account(problem=f"its results cannot be read: {error.line}")


def gather(folders: Sequence[Path], plan: Sequence[Cell] = ()) -> Matrix:
    """The cells whose folders these are or hold; their states name absolute folders.

    A folder may be a matrix's own, with its matrix.json.

    Args:
        plan: the cells that there should be. One without a folder has failed; a folder is the
            cell's whose name its own ends with, and any other folder is left out.

    Raises:
        ResultsError: a folder is not there, or its matrix.json is something else.
    """
    states: dict[str, State] = {cell.name: State(cell=cell, status="failed") for cell in plan}
    for folder in folders:
        for state in _states(folder.resolve(), plan):
            _refuse_another(states.get(state.cell.name), state)
            states[state.cell.name] = state
    began = min((b for s in states.values() if (b := _began(s))), default=datetime.now(UTC))
    return Matrix(run=f"{began:%Y%m%d-%H%M%S}", began=began, cells=tuple(states.values()))


def _refuse_another(former: State | None, state: State) -> None:
    """Of two attempts of one cell the order of folders must not decide which of them counts."""
    if former is not None and former.folder and former.folder != state.folder:
        raise ResultsError(
            f"one folder for each cell, and {state.cell.name} has two",
            seen=f"{former.folder} and {state.folder}",
            look="leave out the attempt that does not count: its folder, or its artifact",
        )


def carry(matrix: Matrix, out: Path) -> Matrix:
    """Copy each cell's reports below `out`, so that the merged one can go anywhere.

    Histories and evidence stay where they are: in each cell's own folder or artifact.
    """
    out = out.resolve()
    for state in matrix.cells:
        if not state.folder:
            continue
        source = Path(state.folder)
        if not source.is_relative_to(out):
            _copy(source, out / state.cell.name)
            source = out / state.cell.name
        matrix = matrix.with_state(_in_folder(state, os.path.relpath(source, out)))
    return matrix


def _in_folder(state: State, folder: str) -> State:
    return state.model_copy(update={"folder": folder})


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir() if source.is_dir() else ():
        if path.suffix in LIGHT and path.is_file() and not path.is_symlink():
            shutil.copyfile(path, target / path.name)


def _states(folder: Path, plan: Sequence[Cell]) -> Iterator[State]:
    if (folder / cells.FILE).is_file():
        for state in Matrix.load(folder / cells.FILE).cells:
            where = os.path.normpath(folder / state.folder) if state.folder else ""
            yield _in_folder(state, where)
        return
    if not folder.is_dir():
        raise ResultsError(
            f"{folder} to be the folder of a run or of several",
            seen="no such folder",
            look="name those that `python -m suites matrix` or a workflow has left",
        )
    runs = [(run, read(run)) for run in _runs(folder, DEPTH)]
    parts = {part for run, account in runs for part in _parts(run, account)}
    for run, account in runs:
        cell = _planned_cell(run, plan) if plan else _identity(account)
        if cell and run not in parts:
            yield _state(cell, run, account)


def _runs(folder: Path, depth: int) -> Iterator[Path]:
    if any((folder / name).is_file() for name in (upgrade_schema.FILE, reading.FILE)):
        yield folder
        return
    for child in sorted(folder.iterdir()) if depth else ():
        if child.is_dir() and not child.is_symlink():
            yield from _runs(child, depth - 1)


def _parts(run: Path, account: Account) -> Iterator[Path]:
    """The runs of the suites before and after an upgrade: no cells of their own."""
    if isinstance(account.results, Upgrade):
        ends = (account.results.before, account.results.after)
        yield from ((run / part).resolve() for part in ends if part)


def _planned_cell(run: Path, plan: Sequence[Cell]) -> Cell | None:
    fits = [c for c in plan if run.name == c.name or run.name.endswith(f"-{c.name}")]
    return max(fits, key=lambda cell: len(cell.name), default=None)


def _identity(account: Account) -> Cell | None:
    match account.results:
        case Upgrade(base=base, to=to, only=only):
            return Cell.of_upgrade(base, to, only)
        case Results(train=train, profile=profile):
            return Cell.of_suites(train, profile)
    return None


def _state(cell: Cell, run: Path, account: Account) -> State:
    results = account.results
    if results is None:
        return State(cell=cell, status="failed", folder=str(run))
    seconds = (results.ended - results.began).total_seconds()
    return State(cell=cell, status=results.status, seconds=round(seconds, 1), folder=str(run))


def _began(state: State) -> datetime | None:
    results = read(Path(state.folder)).results if state.folder else None
    return results.began if results else None


def _of_stream(stream: Stream) -> Requirement:
    return _requirement(stream.key, stream.suite, stream.sentence, stream.verdict, stream.reason)


def _of_row(row: Row) -> Requirement:
    """What was asked before an upgrade and no longer is after it, has failed."""
    reason = row.reason if row.new else f"no longer asked after the upgrade: {row.reason}"
    return _requirement(row.key, "", row.sentence, _VERDICTS.get(row.new, "fail"), reason)


def _requirement(key: str, suite: str, sentence: str, verdict: Status, reason: str) -> Requirement:
    return Requirement(
        id=key, suite=suite, sentence=sentence, source="", verdict=verdict, reason=reason,
        test="", seconds=0.0,
    )  # fmt: skip
