"""The workflows: without a fault that actionlint knows, pinned, and with no right too many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters.images import golang
from reports.cells import Cell
from tests.tools import actionlint

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")

needs_go = pytest.mark.skipif(not golang.installed(), reason="no Go toolchain on PATH")


def lint(*paths: Path) -> tuple[int, str]:
    """actionlint's exit status, and what it found."""
    done = actionlint("-no-color", "-oneline", *map(str, paths))
    return done.returncode, done.stdout + done.stderr


def loaded(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true; nothing here asks for it.
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = loaded(path)["jobs"]
    return found


def keys(value: object) -> Iterator[str]:
    """Every key of a document, however deep."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield str(name)
        yield from keys(inner)
    for inner in value if isinstance(value, list) else ():
        yield from keys(inner)


def test_there_are_workflows() -> None:
    assert {path.stem for path in WORKFLOWS} == {"nightly", "pull-request"}


@needs_go
def test_actionlint_finds_no_fault() -> None:
    assert lint(*WORKFLOWS) == (0, "")


@needs_go
@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("steps.cells.outputs", "steps.cell.outputs", 'property "cell" is not defined'),
        ("needs: [plan, cell]", "needs: [cell]", 'property "plan" is not defined'),
        ("persist-credentials: false", "persist: false", 'input "persist" is not defined'),
        ("17 1 * * *", "77 1 * * *", "invalid CRON format"),
    ],
)
def test_actionlint_does_find_a_fault(good: str, bad: str, said: str, tmp_path: Path) -> None:
    text = (ROOT / ".github" / "workflows" / "nightly.yaml").read_text()
    assert good in text
    # What is pinned by a commit it does not know the inputs of; by a tag it does.
    text = re.sub(r"@[0-9a-f]{40} # (v\d+)\S*", r"@\1", text)
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace(good, bad))
    status, found = lint(broken)
    assert (status, said in found) == (1, True), found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    uses = re.findall(r"^\s*(?:- )?uses: (.*)$", path.read_text(), re.MULTILINE)
    assert uses
    assert [each for each in uses if not PINNED.fullmatch(each)] == []


def test_one_action_is_pinned_alike_everywhere() -> None:
    text = "".join(path.read_text() for path in WORKFLOWS)
    pins = set(re.findall(r"uses: ([\w./-]+)@(\w+ # \S+)", text))
    assert len(pins) == len({name for name, _ in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_workflow_has_a_right_too_many(path: Path) -> None:
    assert loaded(path)["permissions"] == {"contents": "read"}
    given = {name: job["permissions"] for name, job in jobs(path).items() if "permissions" in job}
    assert given == (
        {"merge": {"contents": "read", "actions": "read"}} if path.stem == "nightly" else {}
    )
    assert "secrets." not in path.read_text()
    kept = [s for job in jobs(path).values() for s in job["steps"] if "checkout@" in str(s)]
    assert all(step["with"]["persist-credentials"] is False for step in kept)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_fault_is_passed_over_and_no_job_runs_for_ever(path: Path) -> None:
    assert "continue-on-error" not in set(keys(loaded(path)))
    assert all(job["timeout-minutes"] <= 150 for job in jobs(path).values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_expression_stands_in_a_script(path: Path) -> None:
    scripts = [s["run"] for job in jobs(path).values() for s in job["steps"] if "run" in s]
    assert scripts
    assert [each for each in scripts if "${{" in each] == [], "a value could become a command"


def test_a_cell_is_told_by_the_fields_that_the_plan_prints() -> None:
    text = (ROOT / ".github" / "workflows" / "nightly.yaml").read_text()
    named = set(re.findall(r"matrix\.(\w+)", text.replace("outputs.matrix", "")))
    printed = set(Cell.of_suites("2031-01", "full").model_dump(mode="json"))
    assert named - {"toml", "json"} == printed
