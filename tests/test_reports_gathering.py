"""What cells left behind: found wherever it lies, and red where it is missing or unreadable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clusters.errors import ResultsError
from reports import gathering
from reports.cells import Cell, Matrix, State
from reports.of_matrix import merge
from reports.of_matrix import report as told_of
from tests import nights, samples
from tests.nights import NEW, OLD, PLAN, UP, asked, report, run


@pytest.fixture
def green(tmp_path: Path) -> Path:
    return nights.green(tmp_path)


@pytest.mark.parametrize("plan", [(), PLAN], ids=["by content", "by plan"])
def test_cells_are_found_in_what_was_downloaded(green: Path, plan: tuple[Cell, ...]) -> None:
    matrix = gathering.gather([green], plan)
    assert {state.cell for state in matrix.cells} == set(PLAN)
    assert matrix.passed
    assert matrix.state(UP.name).seconds == 31 * 60


def test_a_planned_cell_that_left_nothing_has_failed(green: Path, tmp_path: Path) -> None:
    more = Cell.of_suites("2032-01", "full")
    matrix = gathering.gather([green], (*PLAN, more))
    assert [state.status for state in matrix.cells] == ["passed"] * 3 + ["failed"]
    merged = merge(gathering.carry(matrix, tmp_path / "out"), tmp_path / "out")
    assert [(e.title, e.reason) for e in told_of(merged).red] == [
        (f"cell {more.name}", "it left no results")
    ]
    assert merged.exit_status == 1


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema_version": 9}'])
@pytest.mark.parametrize("cell", [NEW, UP])
def test_what_cannot_be_read_is_red_and_told(
    cell: Cell, text: str, green: Path, tmp_path: Path
) -> None:
    name = "upgrade.json" if cell.kind == "upgrade" else "results.json"
    (green / f"cell-{cell.name}" / cell.name / name).write_text(text)
    matrix = gathering.carry(gathering.gather([green], PLAN), tmp_path / "out")
    merged = merge(matrix, tmp_path / "out")
    assert [state.cell for state in merged.matrix.of("failed")] == [cell]
    (told,) = told_of(merged).red
    assert told.key == cell.name
    assert told.reason.startswith("its results cannot be read: ")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no such folder"):
        gathering.gather([tmp_path / "nothing"])


def test_a_merged_report_needs_only_its_own_folder(green: Path, tmp_path: Path) -> None:
    report(green, tmp_path / "out")
    folder = tmp_path / "moved"
    (tmp_path / "out").rename(folder)
    assert not (folder / NEW.name / "histories").exists()
    for href in re.findall(r'href="\./([^"#]+)"', (folder / "index.html").read_text()):
        assert (folder / href).is_file()
    again = merge(gathering.carry(gathering.gather([folder]), tmp_path / "b"), tmp_path / "b")
    assert again.matrix.passed
    assert [each.account.problem for each in again.cells] == ["", "", ""]


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_a_cell_that_says_it_passed_must_bear_it_out(tmp_path: Path, status: str) -> None:
    results = run("2031-01", asked("CS1")).model_copy(update={"status": status})
    results.save(tmp_path / "one" / "results.json")
    state = State(cell=OLD, status="passed", folder="one")
    matrix = Matrix(run="m", began=samples.BEGAN, cells=(state,))
    assert merge(matrix, tmp_path).matrix.cells[0].status == "failed"


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("plan", [(), (NEW,)], ids=["by content", "by plan"])
def test_of_two_attempts_of_a_cell_none_is_taken_by_chance(
    order: int, plan: tuple[Cell, ...], tmp_path: Path
) -> None:
    attempts = [tmp_path / name / NEW.name for name in ("first", "second")]
    for attempt in attempts:
        samples.results().model_copy(update={"train": NEW.train}).save(attempt / "results.json")
    with pytest.raises(ResultsError) as raised:
        gathering.gather(attempts[::order], plan)
    assert all(str(attempt) in raised.value.seen for attempt in attempts)
    assert len(gathering.gather([attempts[0], attempts[0]], plan).cells) == 1
