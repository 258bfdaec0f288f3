"""The nightly matrix: its plan, and that it goes on wherever it was interrupted."""

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
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters import lock, versions
from clusters.errors import LockedError
from reports import cells
from reports.cells import Cell, Matrix, State
from suites import __main__ as command
from suites import matrix, nightly
from suites.matrix import Asked, MatrixError, UpgradeAsked
from suites.nightly import Nightly, Program

TRAINS = ("2031-01", "2031-07")
UP = UpgradeAsked.model_validate({"from": "2031-01", "to": "2031-07"})
BACK = UpgradeAsked.model_validate({"from": "2031-07", "to": "2031-01", "only": "cilium"})
ASKED = Asked(profiles=("full",), upgrades=(UP, BACK))
NAMES = [
    "e2e-2031-01-full",
    "e2e-2031-07-full",
    "upgrade-2031-01-to-2031-07",
    "upgrade-2031-07-to-2031-01-cilium",
]


def waiting(name: str = "m") -> Matrix:
    states = tuple(State(cell=cell) for cell in matrix.plan(ASKED, TRAINS))
    return Matrix(run=name, began=datetime(2031, 8, 1, tzinfo=UTC), cells=states)


# --- the plan ----------------------------------------------------------------------------------


def test_every_train_has_every_profile_then_come_the_upgrades() -> None:
    assert [cell.name for cell in matrix.plan(ASKED, TRAINS)] == NAMES
    asked = ASKED.model_copy(update={"profiles": ("full", "core"), "upgrades": ()})
    found = [(cell.train, cell.profile) for cell in matrix.plan(asked, TRAINS)]
    assert found == [(train, profile) for train in TRAINS for profile in ("full", "core")]


def test_a_train_can_be_left_out_and_still_be_upgraded_from() -> None:
    asked = ASKED.model_copy(update={"leave_out": ("2031-01",)})
    assert [cell.name for cell in matrix.plan(asked, TRAINS)] == NAMES[1:]


@pytest.mark.parametrize(
    ("trains", "asked", "said"),
    [
        (TRAINS[1:], ASKED, r"upgrades\[0\] .*\n.*'2031-01'; there are: 2031-07"),
        (TRAINS, Asked(leave_out=("2029-01",)), r"leave_out .*\n.*'2029-01'"),
        (TRAINS, Asked(upgrades=(UP.model_copy(update={"only": "x"}),)), r"only .*\n.*'x'; there"),
        (TRAINS, Asked(upgrades=(UP, UP)), "twice: upgrade-2031-01-to-2031-07"),
        (TRAINS, Asked(profiles=()), "no cell"),
    ],
)
def test_what_cannot_be_run_is_refused(trains: tuple[str, ...], asked: Asked, said: str) -> None:
    with pytest.raises(MatrixError, match=said):
        matrix.plan(asked, trains)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("profiles = [", "to be TOML"),
        ('profiles = ["a b"]', "profiles.0"),
        ('profile = ["full"]', "profile: Extra inputs"),
        ('[[upgrades]]\nto = "x"', "upgrades.0.from: Field required"),
    ],
)
def test_a_malformed_file_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "matrix.toml"
    path.write_text(text)
    with pytest.raises(MatrixError) as caught:
        matrix.load(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_real_file_is_of_the_trains_there_are() -> None:
    asked, trains = matrix.load(), versions.names()
    named = {train for each in asked.upgrades for train in (each.base, each.to)}
    if named <= set(trains):
        made = matrix.plan(asked, trains)
        assert {cell.train for cell in made if cell.kind == "e2e"} == set(trains)
        assert len(made) == len(trains) * len(asked.profiles) + len(asked.upgrades)
    else:
        with pytest.raises(MatrixError, match=min(named - set(trains))):
            matrix.plan(asked, trains)


WORDS = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,8}", fullmatch=True)


@given(trains=st.sets(WORDS, min_size=1, max_size=4), profiles=st.sets(WORDS, max_size=3))
def test_what_a_workflow_takes_gives_the_cells_again(trains: set[str], profiles: set[str]) -> None:
    asked = Asked(profiles=tuple(sorted({"full", *profiles})))
    made = matrix.plan(asked, sorted(trains))
    text = cells.for_workflow(made)
    assert "\n" not in text
    include = json.loads(text)["include"]
    assert all(
        set(each) == {"name", "kind", "train", "profile", "from", "to", "only"} for each in include
    )
    assert tuple(Cell.model_validate(each) for each in include) == made


def test_one_cell_is_chosen_by_its_name() -> None:
    plan = matrix.plan(ASKED, TRAINS)
    assert matrix.chosen(plan, "") == plan
    assert [cell.name for cell in matrix.chosen(plan, NAMES[2])] == [NAMES[2]]
    with pytest.raises(MatrixError, match=f"'nope'; there are: {NAMES[0]}"):
        matrix.chosen(plan, "nope")


def test_a_cell_is_a_command_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP", "1")
    monkeypatch.setenv("VERSIONS", "another")
    e2e, _, up, back = (nightly.program(c, "m-x") for c in matrix.plan(ASKED, TRAINS))
    assert e2e.words[1:] == ["-m", "suites", "e2e"]
    assert (e2e.environ["VERSIONS"], e2e.environ["PLUMBLINE_RUN"]) == ("2031-01", "m-x")
    assert "KEEP" not in e2e.environ
    assert up.words[3:] == ["upgrade", "--from", "2031-01", "--to", "2031-07"]
    assert back.words[-2:] == ["--only", "cilium"]
    core = nightly.program(Cell.of_suites("2031-01", "core"), "m-x")
    assert core.words[3:] == ["e2e", "--", "--profile=core"]


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
from suites import nightly
from tests import test_matrix
try:
    with signals.as_errors(end=lambda: None):
        test_matrix.night(Path(sys.argv[1]))
except InterruptedRunError:
    sys.exit(130)
"""


def programs(root: Path) -> nightly.Maker:
    def program(cell: Cell, run: str) -> Program:
        (root / run).mkdir()
        words = [sys.executable, "-c", CELL, cell.name, str(root / "log")]
        return Program(words, {**os.environ, "PLUMBLINE_RUN": run})

    return program


def night(root: Path, *asked: str, again: bool = False) -> Matrix:
    """Run, or go on with, the matrix of a folder."""
    plan = matrix.plan(ASKED, TRAINS)
    folder, state = nightly.opened(plan, "one", root / "merged", out=root, again=again)
    made = Nightly(state, folder, lambda: None, root, programs(root))
    made.run([cell for cell in plan if not asked or cell.name in asked], again=again)
    return made.matrix


def said(root: Path) -> list[str]:
    return [line.split()[1] for line in (root / "log").read_text().splitlines() if "began" in line]


def statuses(root: Path) -> list[str]:
    return [state.status for state in Matrix.load(root / "merged" / cells.FILE).cells]


def test_one_failed_cell_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL", NAMES[1])
    made = night(tmp_path)
    assert [state.status for state in made.cells] == ["passed", "failed", "passed", "passed"]
    assert statuses(tmp_path) == [state.status for state in made.cells]
    assert said(tmp_path) == NAMES
    for state in made.cells:
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
    made = night(tmp_path)
    assert made.passed
    assert said(tmp_path) == [*NAMES[:2], *NAMES[1:]], "the first is not run again"
    second = made.state(NAMES[1])
    assert Path(second.folder).name == f"matrix-one-{NAMES[1]}-2", "what it had found is kept"


def test_an_interrupted_cell_does_not_count_as_finished(tmp_path: Path) -> None:
    def program(cell: Cell, run: str) -> Program:
        return Program([sys.executable, "-c", "raise SystemExit(130)"], os.environ)

    made = Nightly(waiting(), tmp_path, lambda: None, tmp_path, program)
    made.run(matrix.plan(ASKED, TRAINS)[:1])
    assert made.matrix.cells[0].status == "interrupted"
    assert not made.matrix.cells[0].finished


def test_one_cell_that_is_asked_for_by_name_is_run_again(tmp_path: Path) -> None:
    night(tmp_path, NAMES[0])
    made = night(tmp_path, NAMES[0], again=True)
    assert said(tmp_path) == [NAMES[0]] * 2
    assert [state.status for state in made.cells] == ["passed", *["waiting"] * 3]
    assert night(tmp_path).passed
    assert said(tmp_path) == [NAMES[0], *NAMES]


def test_nothing_is_begun_while_another_is_at_work(tmp_path: Path) -> None:
    def free() -> None:
        raise LockedError("no other run on this lab", seen="another")

    made = Nightly(waiting(), tmp_path, free, tmp_path, programs(tmp_path))
    with pytest.raises(LockedError):
        made.run(matrix.plan(ASKED, TRAINS))
    assert list(tmp_path.iterdir()) == []


# --- which matrix is gone on with --------------------------------------------------------------


def saved(root: Path, *statuses: str) -> Matrix:
    made = waiting("matrix-old")
    for state, status in zip(made.cells, statuses, strict=False):
        made = made.having(State.model_validate({**state.model_dump(), "status": status}))
    made.save(root / "matrix-old" / cells.FILE)
    (root / nightly.LATEST).symlink_to("matrix-old")
    return made


@pytest.mark.parametrize(
    ("statuses", "how", "goes_on"),
    [
        (["passed", "failed"], {}, True),
        (["passed", "running"], {}, True),
        (["passed", "failed", "passed", "passed"], {}, False),
        (["passed", "failed", "passed", "passed"], {"again": True}, True),
        (["passed"], {"fresh": True}, False),
    ],
)
def test_the_latest_matrix_is_gone_on_with_until_it_is_finished(
    statuses: list[str], how: dict[str, bool], goes_on: bool, tmp_path: Path
) -> None:
    old = saved(tmp_path, *statuses)
    folder, state = nightly.opened([s.cell for s in old.cells], "new", out=tmp_path, **how)
    assert (folder.name, state == old) == ("matrix-old" if goes_on else "matrix-new", goes_on)
    assert goes_on or all(each.status == "waiting" for each in state.cells)


def test_another_plan_is_another_matrix(tmp_path: Path) -> None:
    old = saved(tmp_path, "passed")
    plan = [state.cell for state in old.cells][:3]
    folder, state = nightly.opened(plan, "new", out=tmp_path)
    assert (folder.name, [each.cell for each in state.cells]) == ("matrix-new", plan)


def test_a_state_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "matrix-old" / cells.FILE).write_text("{}")
    with pytest.raises(MatrixError, match="--fresh"):
        nightly.opened(matrix.plan(ASKED, TRAINS), "new", out=tmp_path)


# --- the command -------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command on trains and programs of the test's, in a home and a folder of its own."""
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(lock.HELD, raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setattr(matrix, "load", lambda: ASKED)
    monkeypatch.setattr(versions, "names", lambda: TRAINS)
    monkeypatch.setattr(nightly, "Nightly", lambda *a: Nightly(*a, tmp_path, programs(tmp_path)))
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
