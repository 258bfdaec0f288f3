"""The nightly matrix run here: each cell as a program of its own, then the merged report.

How far it came stands in matrix.json before and after every cell, so that a matrix that ended in
any way goes on where it was. It never holds the lab: each cell takes it for itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

from clusters import lock, versions
from clusters.errors import InterruptedRunError
from clusters.home import Home
from reports import cells
from reports.cells import Cell, CellStatus, Matrix, State
from reports.of_matrix import Merged, merge
from reports.publish import append_step_summary, point, publish, report_of
from reports.render.terminal import show
from suites.runs import matrix_plan
from suites.runs.run import GRACE, OUT

LATEST = "matrix"  # the link beside the runs' folders
INTERRUPTED = 130


@dataclass(frozen=True)
class Program:
    """A program, and what its environment is."""

    words: Sequence[str]
    environ: Mapping[str, str]


ProgramOf = Callable[[Cell, str], Program]


def program(cell: Cell, run: str) -> Program:
    """What a cell is: a command of this package, whose run has that name."""
    environ = {key: value for key, value in os.environ.items() if key != "KEEP"}
    environ |= {"PLUMBLINE_RUN": run}
    words = [sys.executable, "-m", "suites", cell.kind]
    if cell.kind == "e2e":
        environ |= {"VERSIONS": cell.train}
        words += ["--profile", cell.profile]
    else:
        words += ["--from", cell.base, "--to", cell.to]
        words += ["--only", cell.only] if cell.only else []
    return Program(words, environ)


def resume_or_begin(
    plan: Sequence[Cell],
    run: str,
    *,
    into: Path | None = None,
    fresh: bool = False,
    again: bool = False,
    out: Path = OUT,
) -> tuple[Path, Matrix]:
    """The matrix to go on with and its folder, or a new one of that name.

    Args:
        into: the matrix's folder; without it the latest, or a new one beside the runs.
        fresh, again: see `resumable`.

    Raises:
        ResultsError: what stands in the folder cannot be read.
    """
    latest = out / LATEST
    folder = into or (out / latest.readlink() if latest.is_symlink() else None)
    earlier = resumable(folder, plan, fresh=fresh, again=again) if folder else None
    if folder and earlier:
        return folder, earlier
    path = _unused(out, f"{LATEST}-{run}")
    cells_of_it = tuple(State(cell=cell) for cell in plan)
    return into or path, Matrix(run=path.name, began=datetime.now(UTC), cells=cells_of_it)


def resumable(
    folder: Path, plan: Sequence[Cell], *, fresh: bool = False, again: bool = False
) -> Matrix | None:
    """The matrix that stands in a folder, if it is of this plan and not finished.

    Args:
        fresh: none is to be gone on with.
        again: one that is finished too.

    Raises:
        ResultsError: it cannot be read.
    """
    if fresh or not (folder / cells.FILE).is_file():
        return None
    earlier = Matrix.load(folder / cells.FILE)
    same = [state.cell for state in earlier.cells] == list(plan)
    return earlier if same and (again or not earlier.finished) else None


@dataclass
class MatrixRun:
    """One matrix under way: `folder` is its own, `out` has the folders of its cells' runs.

    `free` raises unless nobody else is at work on the lab: a cell left over from a matrix that
    was killed may be.
    """

    matrix: Matrix
    folder: Path
    free: Callable[[], None]
    out: Path = OUT
    program: ProgramOf = program

    def run(self, selected: Sequence[Cell], *, again: bool = False) -> None:
        """Run those cells, one after another, that are not finished; with `again` also those."""
        for cell in selected:
            if again or not self.matrix.state(cell.name).finished:
                self.free()
                self._run_cell(cell)

    def publish_merged(self, base: Path | None = None) -> Merged:
        """The merged report of what there is, published."""
        report = merge(self.matrix, self.folder, base)
        publish(report, self.folder)
        return report

    def _run_cell(self, cell: Cell) -> None:
        run = _unused(self.out, f"{self.matrix.run}-{cell.name}")
        with self._recorded(cell, run) as record:
            status = _run_program(self.program(cell, run.name))
            record(status)

    @contextmanager
    def _recorded(self, cell: Cell, run: Path) -> Iterator[Callable[[CellStatus], None]]:
        """Keep the cell's state in the file: running, and then whatever it ended as."""
        began = time.monotonic()
        state = State(cell=cell, status="running", folder=os.path.relpath(run, self.folder))
        ends: list[CellStatus] = ["interrupted"]
        self._save(state)
        try:
            yield ends.append
        finally:
            seconds = round(time.monotonic() - began, 1)
            self._save(state.model_copy(update={"status": ends[-1], "seconds": seconds}))

    def _save(self, state: State) -> None:
        # What a killed matrix left as running is not, or `free` would have said so.
        for left in self.matrix.of("running"):
            if left.cell.name != state.cell.name:
                stopped = left.model_copy(update={"status": "interrupted"})
                self.matrix = self.matrix.with_state(stopped)
        self.matrix = self.matrix.with_state(state)
        self.matrix.save(self.folder / cells.FILE)


def command(options: Namespace, home: Home, run: str) -> int:
    """List the cells, or run them and merge their reports; 0 only if all that were asked passed.

    Raises:
        MatrixError: matrix.toml or the name of a cell is wrong.
        ResultsError: the state that is there, or `--base`, cannot be read.
        LockedError: something else is at work on the lab, such as a cell of a killed matrix.
    """
    plan = matrix_plan.plan(matrix_plan.load(), versions.names())
    selected = matrix_plan.select(plan, options.only)
    if options.json:
        print(cells.for_workflow(selected))
        return 0
    if options.list:
        for cell in selected:
            print(f"{cell.name}  {cell.title}")
        return 0
    again = bool(options.only)
    folder, state = resume_or_begin(plan, run, into=options.out, fresh=options.fresh, again=again)
    _readable(options.base)
    work = MatrixRun(state, folder, partial(_nobody_else, home))
    work.free()
    _link(folder)
    try:
        work.run(selected, again=again)
    finally:
        report = work.publish_merged(options.base)
        show(report_of(report), folder)
        append_step_summary(report, os.environ)
    return 0 if all(report.matrix.state(cell.name).status == "passed" for cell in selected) else 1


def _readable(base: Path | None) -> None:
    """Refuse now what would spoil the report after hours."""
    if base:
        Matrix.load(base / cells.FILE)


def _nobody_else(home: Home) -> None:
    with lock.hold(home, "matrix"):
        pass


def _link(folder: Path) -> None:
    """Point `matrix` beside the runs to this one, where it lies there."""
    if folder.parent.resolve() == OUT.resolve():
        folder.mkdir(parents=True, exist_ok=True)
        point(OUT / LATEST, folder.name)


def _run_program(program: Program) -> CellStatus:
    child = subprocess.Popen(program.words, env=dict(program.environ))
    try:
        status = child.wait()
    except InterruptedRunError:
        # A terminal has told the child as well; a kill from elsewhere has not.
        child.send_signal(signal.SIGINT)
        try:
            child.wait(2 * GRACE)  # the cell gives its own stages as long
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise
    if status == INTERRUPTED:
        return "interrupted"
    return "passed" if status == 0 else "failed"


def _unused(out: Path, name: str) -> Path:
    """A folder of that name that is not there: what an interrupted run found is kept."""
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(path for each in names if not (path := out / each).exists())
