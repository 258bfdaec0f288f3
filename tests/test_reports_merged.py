"""The merged report: every cell told, a missing one red, and no text acts as markup or command."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from reports import __main__ as command
from reports import cells, gathering, merged_forms
from reports.cells import Cell, CellStatus, Matrix, State
from reports.compare import compare
from reports.gathering import Report
from reports.merged import Merged, Seen, counted, merged
from reports.merged_forms import annotation, annotations, html, markdown, troubles
from reports.publish import STEP_SUMMARY
from reports.reading import Unreadable
from reports.schema import Requirement, Results, Status
from reports.upgrade_schema import Stream, Upgrade
from reports.wording import printable
from tests import samples
from tests.test_reports_forms import HOSTILE, Page

OLD, NEW = Cell.of_suites("2031-01", "full"), Cell.of_suites("2031-07", "full")
UP = Cell.of_upgrade("2031-01", "2031-07")
PLAN = (OLD, NEW, UP)
VERDICTS: tuple[Status, ...] = ("pass", "fail", "inconclusive")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside any workflow."""
    monkeypatch.delenv(STEP_SUMMARY, raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


def asked(key: str, verdict: Status = "pass", **more: object) -> Requirement:
    return samples.requirement(verdict, id=key, variant="", **more)


def run(train: str, *requirements: Requirement) -> Results:
    return samples.results(requirements).model_copy(update={"train": train, "stages": ()})


def stream(verdict: Status = "pass", **changed: object) -> Stream:
    given = {
        "name": "rbac-frontend-new",
        "suite": "rbac_denial",
        "cluster": "aws-cluster",
        "sentence": "GET /api/v1 as frontend is served",
        "demand": "allow",
        "connections": "new",
        "rate": 100.0,
        "n": 6000,
        "counts": {} if verdict == "pass" else {"refused": 12},
        "watched": 1.0,
        "blind": 0.02,
        "verdict": verdict,
        "reason": "all were served" if verdict == "pass" else "12 of 6000 were refused in 0.3 s",
    }
    return Stream.model_validate(given | changed)


def upgrade(*streams: Stream, after: Status = "pass") -> Upgrade:
    before, then = run("2031-01", asked("CS1")), run("2031-07", asked("CS1", after))
    good = after == "pass" and all(each.verdict == "pass" for each in streams)
    return Upgrade(
        run="up",
        status="passed" if good else "failed",
        began=samples.BEGAN,
        ended=samples.BEGAN + timedelta(minutes=31),
        base="2031-01",
        to="2031-07",
        versions={"istio": "1.30.0"},
        versions_to={"istio": "1.31.0"},
        machine=before.machine,
        streams=streams,
        before="../before",
        comparison=compare(before, then),
    )


def left(root: Path, old: Results, new: Results, up: Upgrade) -> Path:
    """What a workflow has downloaded: a folder per artifact, and in it the run's."""
    for cell, found in zip(PLAN, (old, new, up), strict=True):
        folder = root / f"cell-{cell.name}" / cell.name
        found.save(folder / ("upgrade.json" if cell.kind == "upgrade" else "results.json"))
        (folder / "report.html").write_text("a page")
        (folder / "histories").mkdir()
    run("2031-01", asked("CS1")).save(root / f"cell-{UP.name}" / "before" / "results.json")
    return root


@pytest.fixture
def green(tmp_path: Path) -> Path:
    each = run("2031-01", asked("CS1")), run("2031-07", asked("CS1")), upgrade(stream())
    return left(tmp_path / "green", *each)


@pytest.fixture
def red(tmp_path: Path) -> Path:
    old = run("2031-01", asked("CS1"), asked("CS2"))
    new = run("2031-07", asked("CS1", "fail", reason="too many"), asked("CS2", "inconclusive"))
    return left(tmp_path / "red", old, new, upgrade(stream("fail"), after="fail"))


def report(folder: Path, out: Path, base: Path | None = None) -> Merged:
    made = merged(gathering.carry(gathering.gather([folder]), out), out, base)
    merged_forms.publish(made, out)
    return made


def seen(cell: Cell, found: Report, status: CellStatus = "failed", letter: str = "A") -> Seen:
    return Seen(State(cell=cell, status=status), letter, found, "", None)


def of(*cells_seen: Seen) -> Merged:
    states = tuple(each.state for each in cells_seen)
    began = datetime(2031, 8, 1, tzinfo=UTC)
    return Merged(Matrix(run="m", began=began, cells=states), cells_seen)


# --- gathering ---------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", [(), PLAN], ids=["by content", "by plan"])
def test_cells_are_found_in_what_was_downloaded(green: Path, plan: tuple[Cell, ...]) -> None:
    found = gathering.gather([green], plan)
    assert {state.cell for state in found.cells} == set(PLAN)
    assert found.passed
    assert found.state(UP.name).seconds == 31 * 60


def test_a_planned_cell_that_left_nothing_has_failed(green: Path, tmp_path: Path) -> None:
    more = Cell.of_suites("2032-01", "full")
    found = gathering.gather([green], (*PLAN, more))
    assert [state.status for state in found.cells] == ["passed"] * 3 + ["failed"]
    made = merged(gathering.carry(found, tmp_path / "out"), tmp_path / "out")
    assert troubles(made) == [f"{more.name}: it left no results"]
    assert made.exit_status == 1


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema_version": 9}'])
@pytest.mark.parametrize("cell", [NEW, UP])
def test_what_cannot_be_read_is_red_and_told(
    cell: Cell, text: str, green: Path, tmp_path: Path
) -> None:
    name = "upgrade.json" if cell.kind == "upgrade" else "results.json"
    (green / f"cell-{cell.name}" / cell.name / name).write_text(text)
    found = gathering.carry(gathering.gather([green], PLAN), tmp_path / "out")
    made = merged(found, tmp_path / "out")
    assert [state.cell for state in made.matrix.of("failed")] == [cell]
    (told,) = troubles(made)
    assert told.startswith(f"{cell.name}: its results cannot be read: ")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="no such folder"):
        gathering.gather([tmp_path / "nothing"])


def test_a_merged_report_needs_only_its_own_folder(green: Path, tmp_path: Path) -> None:
    report(green, tmp_path / "out")
    folder = tmp_path / "moved"
    (tmp_path / "out").rename(folder)
    assert not (folder / NEW.name / "histories").exists()
    for href in re.findall(r'href="\./([^"#]+)"', (folder / "index.html").read_text()):
        assert (folder / href).is_file()
    again = merged(gathering.carry(gathering.gather([folder]), tmp_path / "b"), tmp_path / "b")
    assert again.passed
    assert [each.report.problem for each in again.cells] == ["", "", ""]


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_a_cell_that_says_it_passed_must_bear_it_out(tmp_path: Path, status: str) -> None:
    told = run("2031-01", asked("CS1")).model_copy(update={"status": status})
    told.save(tmp_path / "one" / "results.json")
    state = State(cell=OLD, status="passed", folder="one")
    matrix = Matrix(run="m", began=samples.BEGAN, cells=(state,))
    assert merged(matrix, tmp_path).matrix.cells[0].status == "failed"


# --- what is told --------------------------------------------------------------------------------


def test_a_green_matrix_is_green(green: Path, tmp_path: Path) -> None:
    made = report(green, tmp_path / "out")
    assert (made.word, made.exit_status, made.red) == ("Passed", 0, [])
    assert list(annotations(made)) == []
    assert markdown(made).startswith("## ✅ Plumbline matrix Passed: 3 passed\n")


def test_a_requirement_stands_beside_itself_in_every_cell(red: Path, tmp_path: Path) -> None:
    made = report(red, tmp_path / "out")
    found = {line.key: {name: r.verdict for name, r in line.asked.items()} for line in made.lines}
    assert found == {
        "CS1": {OLD.name: "pass", NEW.name: "fail", UP.name: "fail"},
        "CS2": {OLD.name: "pass", NEW.name: "inconclusive"},
    }
    assert {line.key: set(line.red) for line in made.red} == {
        "CS1": {NEW.name, UP.name},
        "CS2": {NEW.name},
    }
    (up,) = made.upgrades
    assert (up.kinds, len(up.red_streams)) == ({"refused": 12}, 1)
    assert (made.word, made.headline) == ("Failed", "1 passed, 2 failed")


@given(verdicts=st.lists(st.lists(st.sampled_from(VERDICTS), max_size=4), min_size=1, max_size=4))
def test_a_line_is_red_exactly_when_a_cell_of_it_is(verdicts: list[list[Status]]) -> None:
    made = []
    for train, told in enumerate(verdicts):
        requirements = [asked(f"CS{n}", verdict) for n, verdict in enumerate(told)]
        cell = Cell.of_suites(f"20{train + 10}-01", "full")
        made.append(seen(cell, Report(results=run(cell.train, *requirements))))
    found = of(*made)
    width = max(map(len, verdicts))
    bad = [f"CS{n}" for n in range(width) if any(set(v[n : n + 1]) - {"pass"} for v in verdicts)]
    assert sorted(line.key for line in found.red) == bad
    assert len(found.lines) == width
    assert len(list(annotations(found))) == len(bad)


def test_a_skip_is_red_only_where_the_cell_is() -> None:
    told = Report(results=run("2031-01", asked("CS1", "skip")))
    assert of(seen(OLD, told, "passed")).red == []
    assert [line.key for line in of(seen(OLD, told, "failed")).red] == ["CS1"]


def test_an_unfinished_matrix_says_so(tmp_path: Path) -> None:
    states = (State(cell=OLD, status="interrupted"), State(cell=NEW))
    matrix = Matrix(run="m", began=samples.BEGAN, cells=states)
    made = merged(matrix, tmp_path)
    assert (made.word, made.headline) == ("Unfinished", "1 interrupted, 1 not run yet")
    assert troubles(made) == []
    assert made.exit_status == 1


# --- beside an earlier night ---------------------------------------------------------------------


def test_what_newly_fails_and_newly_passes_is_told_by_cell(
    red: Path, green: Path, tmp_path: Path
) -> None:
    report(green, tmp_path / "first")
    worse = report(red, tmp_path / "second", tmp_path / "first")
    changes = {each.cell.name: counted(each.change) for each in worse.cells if each.change}
    assert changes == {OLD.name: "1 new", NEW.name: "1 regression, 1 new", UP.name: "2 regressions"}
    assert worse.regressed
    better = report(green, tmp_path / "third", tmp_path / "second")
    assert {each.cell.name: counted(each.change) for each in better.cells if each.change} == {
        OLD.name: "1 gone",
        NEW.name: "1 gone, 1 fix",
        UP.name: "2 fixes",
    }
    assert (better.passed, better.exit_status) == (True, 1), "CS2 is no longer asked"
    assert [line.partition("::C")[0] for line in annotations(better)] == [
        f"::error title=CS2 is no longer asked::{cell.name}: {samples.requirement().sentence}"
        for cell in (OLD, NEW)
    ]
    same = report(green, tmp_path / "fourth", tmp_path / "third")
    assert (same.changed, same.exit_status) == ([], 0)


def test_a_cell_that_the_earlier_night_had_not_is_compared_with_nothing(
    green: Path, tmp_path: Path
) -> None:
    first = gathering.gather([green])
    few = first.model_copy(update={"cells": first.cells[:1]})
    gathering.carry(few, tmp_path / "first").save(tmp_path / "first" / cells.FILE)
    made = report(green, tmp_path / "out", tmp_path / "first")
    assert [each.change is not None for each in made.cells].count(True) == 1


# --- hostile texts -------------------------------------------------------------------------------


def hostile(text: str) -> Merged:
    fields = dict.fromkeys(("reason", "sentence"), text)
    told = run("2031-07", asked("CS1", "fail", **fields))
    before = run("2031-07", asked("CS1"))
    up = upgrade(stream("fail", name=text, **fields), after="fail")
    one = Seen(State(cell=NEW, status="failed"), "A", Report(results=told), f"{text}/report.html",
               compare(before, told))  # fmt: skip
    gone = seen(OLD, Report(problem=text))
    made = of(one, gone, seen(UP, Report(upgrade=up)))
    return Merged(made.matrix, made.cells, base=text)


@settings(max_examples=30)
@given(text=st.text() | st.just(HOSTILE) | st.just("//host/x") | st.just("javascript:alert(1)"))
def test_the_page_keeps_its_shape_whatever_the_texts(text: str) -> None:
    page, plain = Page(html(hostile("x" + text))), Page(html(hostile("harmless")))
    assert page.tags == plain.tags
    assert [name for name, _ in page.attributes] == [name for name, _ in plain.attributes]
    assert all(v.startswith(("#", "./")) for n, v in page.attributes if n == "href")
    assert not {"script", "link", "iframe", "img", "object"} & set(page.tags)


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


@given(title=st.text(), message=st.text())
def test_an_annotation_is_one_command_whatever_the_texts(title: str, message: str) -> None:
    line = annotation(title, message)
    assert not {"\r", "\n"} & set(line)
    given, separator, told = line.removeprefix("::error title=").partition("::")
    assert separator
    assert not {":", ","} & set(given)
    for seen, meant in ((given, title), (told, message)):
        plain = re.sub("%(0D|0A|3A|2C|25)", lambda m: chr(int(m[1], 16)), seen)
        assert printable(plain) == printable(meant)


def test_no_text_can_steer_the_terminal() -> None:
    out = StringIO()
    show = Console(file=out, width=120, color_system=None)
    merged_forms.show(hostile("[red]x[/red]" + HOSTILE), Path("run"), show)
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
    told = [line.partition("::")[2].partition(" in ")[0] for line in lines if line[:2] == "::"]
    assert told == [
        "error title=CS1 failed",
        "error title=CS2 inconclusive",
        "error title=aws-cluster/rbac-frontend-new failed",
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
