"""The nightly matrix's plan: its cells, made from the trains and the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters import versions
from clusters.errors import MatrixError
from clusters.versions import COMPONENTS
from reports import cells
from reports.cells import Cell
from suites.runs import matrix, matrix_plan
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


# --- the plan ----------------------------------------------------------------------------------


def test_every_train_has_every_profile_then_come_the_upgrades() -> None:
    assert [cell.name for cell in matrix_plan.plan(ASKED, TRAINS)] == NAMES
    matrix = ASKED.model_copy(update={"profiles": ("full", "core"), "upgrades": ()})
    pairs = [(cell.train, cell.profile) for cell in matrix_plan.plan(matrix, TRAINS)]
    assert pairs == [(train, profile) for train in TRAINS for profile in ("full", "core")]


def test_a_train_can_be_left_out_and_still_be_upgraded_from() -> None:
    matrix = ASKED.model_copy(update={"leave_out": ("2031-01",)})
    assert [cell.name for cell in matrix_plan.plan(matrix, TRAINS)] == NAMES[1:]


@pytest.mark.parametrize(
    ("trains", "asked", "said"),
    [
        (TRAINS[1:], ASKED, r"upgrades\[0\] .*\n.*'2031-01'; there are: 2031-07"),
        (TRAINS, MatrixFile(leave_out=("2029-01",)), r"leave_out .*\n.*'2029-01'"),
        (
            TRAINS,
            MatrixFile(upgrades=(UP.model_copy(update={"only": "x"}),)),
            r"only .*\n.*'x'; there",
        ),
        (TRAINS, MatrixFile(upgrades=(UP, UP)), "twice: upgrade-2031-01-to-2031-07"),
        (TRAINS, MatrixFile(profiles=()), "no cell"),
    ],
)
def test_what_cannot_be_run_is_refused(
    trains: tuple[str, ...], asked: MatrixFile, said: str
) -> None:
    with pytest.raises(MatrixError, match=said):
        matrix_plan.plan(asked, trains)


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
        matrix_plan.load(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_real_file_is_of_the_trains_there_are() -> None:
    matrix, trains = matrix_plan.load(), versions.names()
    named = {train for each in matrix.upgrades for train in (each.base, each.to)}
    if named <= set(trains):
        plan = matrix_plan.plan(matrix, trains)
        assert {cell.train for cell in plan if cell.kind == "e2e"} == set(trains)
        assert len(plan) == len(trains) * len(matrix.profiles) + len(matrix.upgrades)
    else:
        with pytest.raises(MatrixError, match=min(named - set(trains))):
            matrix_plan.plan(matrix, trains)


WORDS = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,8}", fullmatch=True)


@given(trains=st.sets(WORDS, min_size=1, max_size=4), profiles=st.sets(WORDS, max_size=3))
def test_what_a_workflow_takes_gives_the_cells_again(trains: set[str], profiles: set[str]) -> None:
    matrix = MatrixFile(profiles=tuple(sorted({"full", *profiles})))
    plan = matrix_plan.plan(matrix, sorted(trains))
    text = cells.for_workflow(plan)
    assert "\n" not in text
    include = json.loads(text)["include"]
    assert all(
        set(each) == {"name", "kind", "train", "profile", "from", "to", "only"} for each in include
    )
    assert tuple(Cell.model_validate(each) for each in include) == plan


def test_one_cell_is_chosen_by_its_name() -> None:
    plan = matrix_plan.plan(ASKED, TRAINS)
    assert matrix_plan.select(plan, "") == plan
    assert [cell.name for cell in matrix_plan.select(plan, NAMES[2])] == [NAMES[2]]
    with pytest.raises(MatrixError, match=f"'nope'; there are: {NAMES[0]}"):
        matrix_plan.select(plan, "nope")


def test_a_cell_is_a_command_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP", "1")
    monkeypatch.setenv("VERSIONS", "another")
    e2e, _, up, back = (matrix.program(c, "m-x") for c in matrix_plan.plan(ASKED, TRAINS))
    assert e2e.words[1:] == ["-m", "suites", "e2e", "--profile", "full"]
    assert (e2e.environ["VERSIONS"], e2e.environ["PLUMBLINE_RUN"]) == ("2031-01", "m-x")
    assert "KEEP" not in e2e.environ
    assert up.words[3:] == ["upgrade", "--from", "2031-01", "--to", "2031-07"]
    assert back.words[-2:] == ["--only", "cilium"]
    core = matrix.program(Cell.of_suites("2031-01", "core"), "m-x")
    assert core.words[3:] == ["e2e", "--profile", "core"]


@pytest.mark.parametrize("only", COMPONENTS)
def test_each_component_that_can_be_upgraded_can_be_a_cell(only: str) -> None:
    matrix = MatrixFile(profiles=(), upgrades=(UP.model_copy(update={"only": only}),))
    assert [cell.only for cell in matrix_plan.plan(matrix, TRAINS)] == [only]
