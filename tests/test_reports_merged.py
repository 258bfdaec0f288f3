"""The merged report: every cell told, a missing one red, and no text acts as markup or command."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from reports import __main__ as command
from reports import cells, gathering, of_matrix
from reports.causes import findings
from reports.cells import Cell, Matrix, State
from reports.compare import compare
from reports.gathering import Account
from reports.model import Report
from reports.of_matrix import CellReport, Merged, changes, merge
from reports.publish import STEP_SUMMARY
from reports.render import html as pages
from reports.render import markdown as summaries
from reports.render.terminal import show
from reports.render.workflow import of_report
from reports.schema import Status
from reports.wording import printable
from tests import nights, samples
from tests.nights import NEW, OLD, PLAN, UP, asked, of, report, run, seen, stream, upgrade
from tests.test_reports_forms import FOREIGN, HOSTILE, Page

VERDICTS: tuple[Status, ...] = ("pass", "fail", "inconclusive")


def told(found: Merged) -> Report:
    return of_matrix.report(found)


def html(found: Merged) -> str:
    return pages.html(told(found))


def markdown(found: Merged) -> str:
    return summaries.markdown(told(found))


def red_lines(found: Merged) -> dict[str, set[str]]:
    """What is red, and in which cells."""
    listed = [each for each in findings(told(found).red) if each.first.listed]
    lines: dict[str, set[str]] = {}
    for each in listed:
        lines.setdefault(each.first.key, set()).update(entry.variant for entry in each.entries)
    return lines


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside any workflow."""
    monkeypatch.delenv(STEP_SUMMARY, raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


@pytest.fixture
def green(tmp_path: Path) -> Path:
    return nights.green(tmp_path)


@pytest.fixture
def red(tmp_path: Path) -> Path:
    return nights.red(tmp_path)


# --- what is told --------------------------------------------------------------------------------


def test_a_green_matrix_is_green(green: Path, tmp_path: Path) -> None:
    merged = report(green, tmp_path / "out")
    assert (told(merged).word, merged.exit_status, told(merged).red) == ("Passed", 0, [])
    assert of_report(told(merged)) == []
    assert markdown(merged).startswith("## ✅ Plumbline matrix Passed: 3 passed\n")


def test_a_requirement_stands_beside_itself_in_every_cell(red: Path, tmp_path: Path) -> None:
    merged = report(red, tmp_path / "out")
    (grid,) = told(merged).grids
    assert grid.columns == ("1", "2", "3")
    rows = {row.name: [each.verdict if each else "" for each in row.marks] for row in grid.rows}
    stream_ = "aws-cluster/rbac-frontend-new"
    assert rows == {
        "CS1": ["pass", "fail", "fail"],
        stream_: ["", "", "fail"],
        "CS2": ["pass", "inconclusive", ""],
    }
    assert red_lines(merged) == {
        "CS1": {NEW.name, UP.name},
        "CS2": {NEW.name},
        stream_: {UP.name},
    }
    assert [each.bad_requests for each in merged.cells] == ["", "", "12 refused"]
    assert (told(merged).word, told(merged).counts) == ("Failed", "1 passed, 2 failed")


@given(verdicts=st.lists(st.lists(st.sampled_from(VERDICTS), max_size=4), min_size=1, max_size=4))
def test_a_line_is_red_exactly_when_a_cell_of_it_is(verdicts: list[list[Status]]) -> None:
    reports = []
    for train, came_to in enumerate(verdicts):
        requirements = [asked(f"CS{n}", verdict) for n, verdict in enumerate(came_to)]
        cell = Cell.of_suites(f"20{train + 10}-01", "full")
        reports.append(seen(cell, Account(run(cell.train, *requirements))))
    merged = of(*reports)
    width = max(map(len, verdicts))
    bad = [f"CS{n}" for n in range(width) if any(set(v[n : n + 1]) - {"pass"} for v in verdicts)]
    assert sorted(red_lines(merged)) == bad
    assert sum(len(grid.rows) for grid in told(merged).grids) == width
    assert {each.first.key for each in findings(told(merged).red)} == set(bad)


def test_a_skip_is_red_only_where_the_cell_is() -> None:
    left = Account(run("2031-01", asked("CS1", "skip")))
    assert red_lines(of(seen(OLD, left, "passed"))) == {}
    assert list(red_lines(of(seen(OLD, left, "failed")))) == ["CS1"]


def test_a_matrix_red_for_the_environments_sake_alone_has_not_failed() -> None:
    doubtful = [asked("CS1", "inconclusive"), asked("CS2")]
    cells = [
        seen(OLD, Account(run("2031-01", asked("CS1"))), "passed"),
        seen(NEW, Account(run("2031-07", *doubtful))),
        seen(UP, Account(upgrade(stream("inconclusive")))),
    ]
    undecided = of(*cells)
    assert (told(undecided).word, undecided.exit_status) == ("Inconclusive", 1)
    assert told(undecided).counts == "1 passed, 2 inconclusive"
    failed = of(
        *cells, seen(UP, Account(upgrade(stream("inconclusive"), stream("fail", name="other"))))
    )
    assert (told(failed).word, told(failed).counts) == (
        "Failed",
        "1 passed, 1 failed, 2 inconclusive",
    )
    unread = of(*cells, seen(UP, Account(problem="none")))
    assert told(unread).word == "Failed"


def test_an_unfinished_matrix_says_so(tmp_path: Path) -> None:
    states = (State(cell=OLD, status="interrupted"), State(cell=NEW))
    matrix = Matrix(run="m", began=samples.BEGAN, cells=states)
    merged = merge(matrix, tmp_path)
    assert (told(merged).word, told(merged).counts) == (
        "Unfinished",
        "1 interrupted, 1 not run yet",
    )
    assert told(merged).red == []
    assert merged.exit_status == 1


# --- beside an earlier night ---------------------------------------------------------------------


def test_what_newly_fails_and_newly_passes_is_told_by_cell(
    red: Path, green: Path, tmp_path: Path
) -> None:
    report(green, tmp_path / "first")
    worse = report(red, tmp_path / "second", tmp_path / "first")
    differs = {each.cell.name: changes(each.change) for each in worse.cells if each.change}
    assert differs == {OLD.name: "1 new", NEW.name: "1 regression, 1 new", UP.name: "2 regressions"}
    assert worse.regressed
    better = report(green, tmp_path / "third", tmp_path / "second")
    assert {each.cell.name: changes(each.change) for each in better.cells if each.change} == {
        OLD.name: "1 gone",
        NEW.name: "1 gone, 1 fix",
        UP.name: "2 fixes",
    }
    assert (better.matrix.passed, better.exit_status) == (True, 1), "CS2 is no longer asked"
    (line,) = of_report(told(better))
    assert line.startswith(f"::error title=missing CS2 failed in {OLD.name}%2C {NEW.name}::")
    same = report(green, tmp_path / "fourth", tmp_path / "third")
    assert ([each.since for each in same.cells], same.exit_status) == (["", "", ""], 0)


def test_a_cell_that_the_earlier_night_had_not_is_compared_with_nothing(
    green: Path, tmp_path: Path
) -> None:
    first = gathering.gather([green])
    few = first.model_copy(update={"cells": first.cells[:1]})
    gathering.carry(few, tmp_path / "first").save(tmp_path / "first" / cells.FILE)
    merged = report(green, tmp_path / "out", tmp_path / "first")
    assert [each.change is not None for each in merged.cells].count(True) == 1


# --- hostile texts -------------------------------------------------------------------------------


def hostile(text: str) -> Merged:
    fields = dict.fromkeys(("reason", "sentence"), text)
    left = run("2031-07", asked("CS1", "fail", **fields))
    before = run("2031-07", asked("CS1"))
    up = upgrade(stream("fail", name=text, **fields), after="fail")
    state, page = State(cell=NEW, status="failed"), f"{text}/report.html"
    one = CellReport(state, "1", Account(left), page, compare(before, left))
    gone = seen(OLD, Account(problem=text))
    merged = of(one, gone, seen(UP, Account(up)))
    return Merged(merged.matrix, merged.cells, base=text)


@settings(max_examples=30)
@given(text=st.text() | st.just(HOSTILE) | st.just("//host/x") | st.just("javascript:alert(1)"))
def test_the_page_keeps_its_shape_whatever_the_texts(text: str) -> None:
    page, plain = Page(html(hostile("x" + text))), Page(html(hostile("harmless")))
    assert page.tags == plain.tags
    assert [name for name, _ in page.attributes] == [name for name, _ in plain.attributes]
    assert all(v.startswith(("#", "./")) for n, v in page.attributes if n == "href")
    assert not FOREIGN & set(page.tags)
    assert page.tags.count("script") == 1


def test_the_page_loads_nothing_and_holds_nothing_unprintable() -> None:
    page = html(hostile(HOSTILE))
    assert not re.search(r"@import|url\(|https?:", page)
    assert page == printable(page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@given(text=st.text() | st.just(HOSTILE))
def test_markdown_keeps_its_shape_whatever_the_texts(text: str) -> None:
    def shape(text: str) -> list[tuple[int, int]]:
        lines = markdown(hostile(text)).split("\n")
        return [(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)), line.count("<")) for line in lines]

    assert shape("x" + text) == shape("harmless")


def test_no_text_can_steer_the_terminal() -> None:
    out = StringIO()
    console = Console(file=out, width=120, color_system=None)
    show(told(hostile("[red]x[/red]" + HOSTILE)), Path("run"), console)
    assert "[red]x[/red]" in out.getvalue()
    assert "\x1b" not in out.getvalue()


# --- the command ---------------------------------------------------------------------------------


def test_merge_writes_its_files_and_ends_as_the_cells_did(
    green: Path, red: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(cells.for_workflow(PLAN))
    out = tmp_path / "out"
    assert command.main(["merge", str(green), "--plan", str(plan), "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {
        cells.FILE, "index.html", "merged.md", *(cell.name for cell in PLAN),
    }  # fmt: skip
    base = ["--base", str(out), "--out", str(tmp_path / "second")]
    assert command.main(["merge", str(red), *base]) == 1
    said = capsys.readouterr().out
    assert "Failed: 1 passed, 2 failed" in said
    assert "::error" not in said
    assert command.main(["merge", str(tmp_path / "second"), "--out", str(tmp_path / "third")]) == 1


def test_a_workflow_is_told_in_its_own_forms(
    red: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv(STEP_SUMMARY, str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert command.main(["merge", str(red), "--out", str(tmp_path / "out")]) == 1
    assert summary.read_text() == (tmp_path / "out" / "merged.md").read_text()
    lines = capsys.readouterr().out.splitlines()
    titles = [line.partition("::")[2].partition(" in ")[0] for line in lines if line[:2] == "::"]
    assert titles == [
        "error title=CS1 failed",
        "error title=aws-cluster/rbac-frontend-new failed",
        "error title=CS2 inconclusive",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"include": [{}]}', json.dumps({"include": 1})])
def test_a_plan_that_is_none_is_bad_input(
    text: str, green: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.json").write_text(text)
    words = ["merge", str(green), "--plan", str(tmp_path / "plan.json")]
    assert command.main([*words, "--out", str(tmp_path / "out")]) == command.BAD_INPUT
    assert "expected the plan of a matrix" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
