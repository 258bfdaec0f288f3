"""The nightly matrix at work: it goes on wherever it was interrupted, and never holds the lab."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from clusters import lock, versions
from clusters.errors import LockedError, ResultsError
from reports import cells
from reports.cells import Cell, Matrix, State
from suites import __main__ as command
from suites.runs import matrix, matrix_plan
from suites.runs.matrix import MatrixRun, Program
from suites.runs.matrix_plan import MatrixFile, UpgradeEntry

TRAINS = ("2031-01", "2031-07")
UP = UpgradeEntry.model_validate({"from": "2031-01", "to": "2031-07"})
BACK = UpgradeEntry.model_validate({"from": "2031-07", "to": "2031-01", "only": "cilium"})
ASKED = MatrixFile(profiles=("full",), upgrades=(UP, BACK))
NAMES = [
    "e2e-2031-01-full",
    "e2e-2031-07-full",
    "upgrade-2031-01-to-2031-07",
    "upgrade-2031-07-to-2031-01-cilium",
]


def waiting(name: str = "m") -> Matrix:
    states = tuple(State(cell=cell) for cell in matrix_plan.plan(ASKED, TRAINS))
    return Matrix(run=name, began=datetime(2031, 8, 1, tzinfo=UTC), cells=states)


# --- running it, with small real programs -----------------------------------------------------

CELL = """
import os, signal, sys, time
from pathlib import Path
name, log = sys.argv[1:]
Path(log + ".pid").write_text(str(os.getpid()))
with Path(log).open("a") as said:
    try:
        print("began", name, os.environ["PLUMBLINE_RUN"], file=said, flush=True)
        time.sleep(60 if name == os.environ.get("HANG") else 0)
    except KeyboardInterrupt:
        print("told to end", name, file=said)
        sys.exit(130)
sys.exit(int(os.environ.get("FAIL") == name))
"""

HERE = """
import sys
from pathlib import Path
from clusters import signals
from clusters.errors import InterruptedRunError
from suites.runs import matrix
from tests import test_nightly
try:
    with signals.as_errors(end=lambda: None):
        test_nightly.night(Path(sys.argv[1]))
except InterruptedRunError:
    sys.exit(130)
"""


def programs(root: Path) -> matrix.ProgramOf:
    def program(cell: Cell, run: str) -> Program:
        (root / run).mkdir()
        words = [sys.executable, "-c", CELL, cell.name, str(root / "log")]
        return Program(words, {**os.environ, "PLUMBLINE_RUN": run})

    return program


def night(root: Path, *asked: str, again: bool = False) -> Matrix:
    """Run, or go on with, the matrix of a folder."""
    plan = matrix_plan.plan(ASKED, TRAINS)
    folder, state = matrix.resume_or_begin(plan, "one", into=root / "merged", out=root, again=again)
    run = MatrixRun(state, folder, lambda: None, root, programs(root))
    run.run([cell for cell in plan if not asked or cell.name in asked], again=again)
    return run.matrix


def said(root: Path) -> list[str]:
    return [line.split()[1] for line in (root / "log").read_text().splitlines() if "began" in line]


def statuses(root: Path) -> list[str]:
    return [state.status for state in Matrix.load(root / "merged" / cells.FILE).cells]


def test_one_failed_cell_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL", NAMES[1])
    whole = night(tmp_path)
    assert [state.status for state in whole.cells] == ["passed", "failed", "passed", "passed"]
    assert statuses(tmp_path) == [state.status for state in whole.cells]
    assert said(tmp_path) == NAMES
    for state in whole.cells:
        assert (tmp_path / "merged" / state.folder).is_dir()
        assert Path(state.folder).name == f"matrix-one-{state.cell.name}"


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A matrix in a process of its own, whose second cell does not end."""
    environ = {**os.environ, "HANG": NAMES[1]}
    process = subprocess.Popen([sys.executable, "-c", HERE, str(tmp_path)], env=environ)
    deadline = time.monotonic() + 60
    while not (tmp_path / "log").exists() or NAMES[1] not in (tmp_path / "log").read_text():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pid = int((tmp_path / "log.pid").read_text())
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(ProcessLookupError):  # its matrix may have ended it
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_matrix_goes_on_with_what_is_not_finished(
    sent: signal.Signals, hanging: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    hanging.send_signal(sent)
    killed = sent == signal.SIGKILL
    assert hanging.wait(30) == (-sent if killed else 130)
    left = "running" if killed else "interrupted"
    assert statuses(tmp_path) == ["passed", left, "waiting", "waiting"]
    assert ("told to end" in (tmp_path / "log").read_text()) is not killed
    first = night(tmp_path)
    assert first.passed
    assert said(tmp_path) == [*NAMES[:2], *NAMES[1:]], "the first is not run again"
    second = first.state(NAMES[1])
    assert Path(second.folder).name == f"matrix-one-{NAMES[1]}-2", "what it had found is kept"


def test_an_interrupted_cell_does_not_count_as_finished(tmp_path: Path) -> None:
    def program(cell: Cell, run: str) -> Program:
        return Program([sys.executable, "-c", "raise SystemExit(130)"], os.environ)

    run = MatrixRun(waiting(), tmp_path, lambda: None, tmp_path, program)
    run.run(matrix_plan.plan(ASKED, TRAINS)[:1])
    assert run.matrix.cells[0].status == "interrupted"
    assert not run.matrix.cells[0].finished


def test_one_cell_that_is_asked_for_by_name_is_run_again(tmp_path: Path) -> None:
    night(tmp_path, NAMES[0])
    again = night(tmp_path, NAMES[0], again=True)
    assert said(tmp_path) == [NAMES[0]] * 2
    assert [state.status for state in again.cells] == ["passed", *["waiting"] * 3]
    assert night(tmp_path).passed
    assert said(tmp_path) == [NAMES[0], *NAMES]


def test_nothing_is_begun_while_another_is_at_work(tmp_path: Path) -> None:
    def free() -> None:
        raise LockedError("no other run on this lab", seen="another")

    run = MatrixRun(waiting(), tmp_path, free, tmp_path, programs(tmp_path))
    with pytest.raises(LockedError):
        run.run(matrix_plan.plan(ASKED, TRAINS))
    assert list(tmp_path.iterdir()) == []


# --- which matrix is gone on with --------------------------------------------------------------


def saved(root: Path, *statuses: str) -> Matrix:
    old = waiting("matrix-old")
    for state, status in zip(old.cells, statuses, strict=False):
        old = old.with_state(State.model_validate({**state.model_dump(), "status": status}))
    old.save(root / "matrix-old" / cells.FILE)
    (root / matrix.LATEST).symlink_to("matrix-old")
    return old


@pytest.mark.parametrize(
    ("statuses", "how", "goes_on"),
    [
        (["passed", "failed"], set(), True),
        (["passed", "running"], set(), True),
        (["passed", "failed", "passed", "passed"], set(), False),
        (["passed", "failed", "passed", "passed"], {"again"}, True),
        (["passed"], {"fresh"}, False),
    ],
)
def test_the_latest_matrix_is_gone_on_with_until_it_is_finished(
    statuses: list[str], how: set[str], goes_on: bool, tmp_path: Path
) -> None:
    old = saved(tmp_path, *statuses)
    plan, fresh, again = [s.cell for s in old.cells], "fresh" in how, "again" in how
    folder, state = matrix.resume_or_begin(plan, "new", fresh=fresh, again=again, out=tmp_path)
    assert (folder.name, state == old) == ("matrix-old" if goes_on else "matrix-new", goes_on)
    assert goes_on or all(each.status == "waiting" for each in state.cells)


def test_another_plan_is_another_matrix(tmp_path: Path) -> None:
    old = saved(tmp_path, "passed")
    plan = [state.cell for state in old.cells][:3]
    folder, state = matrix.resume_or_begin(plan, "new", out=tmp_path)
    assert (folder.name, [each.cell for each in state.cells]) == ("matrix-new", plan)


def test_a_state_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "matrix-old" / cells.FILE).write_text("{}")
    with pytest.raises(ResultsError, match="make matrix FRESH=1"):
        matrix.resume_or_begin(matrix_plan.plan(ASKED, TRAINS), "new", out=tmp_path)


# --- the command -------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command on trains and programs of the test's, in a home and a folder of its own."""
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(lock.HELD, raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setattr(matrix_plan, "load", lambda: ASKED)
    monkeypatch.setattr(versions, "names", lambda: TRAINS)
    run = partial(MatrixRun, out=tmp_path, program=programs(tmp_path))
    monkeypatch.setattr(matrix, "MatrixRun", run)
    return tmp_path


def test_the_plan_is_printed_for_people_and_for_a_workflow(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["matrix", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == NAMES
    assert command.main(["matrix", "--json", "--only", NAMES[3]]) == 0
    (only,) = json.loads(capsys.readouterr().out)["include"]
    assert (only["from"], only["only"]) == ("2031-07", "cilium")
    assert command.main(["matrix", "--list", "--only", "nope"]) == 1
    assert {path.name for path in small.iterdir()} <= {"home"}


def test_the_command_ends_with_a_report_and_does_not_hold_the_lab(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["matrix", "--out", str(small / "merged")]) == 1, "no cell left results"
    assert said(small) == NAMES
    assert {path.name for path in (small / "merged").iterdir()} == {
        cells.FILE,
        "index.html",
        "merged.md",
    }
    assert "left no results" in capsys.readouterr().out
    assert lock.HELD not in os.environ
