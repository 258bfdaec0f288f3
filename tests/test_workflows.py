"""The workflows: without a fault that actionlint knows, pinned, and with no right too many."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters import inotify, tools
from clusters.home import Home
from clusters.images import golang
from reports.cells import Cell
from tests.tools import actionlint

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")

needs_go = pytest.mark.skipif(not golang.is_installed(), reason="no Go toolchain on PATH")


def lint(*paths: Path) -> tuple[int, str]:
    """actionlint's exit status, and what it found."""
    done = actionlint("-no-color", "-oneline", *map(str, paths))
    return done.returncode, done.stdout + done.stderr


def loaded(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true; nothing here asks for it.
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    by_name: dict[str, dict[str, Any]] = loaded(path)["jobs"]
    return by_name


def steps(path: Path, action: str = "") -> list[dict[str, Any]]:
    """The steps of all jobs, or those that use an action."""
    every = [step for job in jobs(path).values() for step in job["steps"]]
    return [
        step for step in every if step.get("uses", "").startswith(f"{action}@" if action else "")
    ]


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
    permissions = {
        name: job["permissions"] for name, job in jobs(path).items() if "permissions" in job
    }
    assert permissions == (
        {"merge": {"contents": "read", "actions": "read"}} if path.stem == "nightly" else {}
    )
    assert "secrets." not in path.read_text()
    kept = [step["with"]["persist-credentials"] for step in steps(path, "actions/checkout")]
    assert kept == [False] * len(jobs(path))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_fault_is_passed_over_and_no_job_runs_for_ever(path: Path) -> None:
    assert "continue-on-error" not in set(keys(loaded(path)))
    assert all(job["timeout-minutes"] <= 150 for job in jobs(path).values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_expression_stands_in_a_script(path: Path) -> None:
    scripts = [step["run"] for step in steps(path) if "run" in step]
    assert scripts
    assert [each for each in scripts if "${{" in each] == [], "a value could become a command"


def test_a_cell_is_told_by_the_fields_that_the_plan_prints() -> None:
    text = (ROOT / ".github" / "workflows" / "nightly.yaml").read_text()
    named = set(re.findall(r"matrix\.(\w+)", text.replace("outputs.matrix", "")))
    printed = set(Cell.of_suites("2031-01", "full").model_dump(mode="json"))
    assert named - {"toml", "json"} == printed


# --- on runners that others own -------------------------------------------------------------------

NIGHTLY = ROOT / ".github" / "workflows" / "nightly.yaml"
NODE_24 = {
    "checkout": 5,
    "setup-python": 6,
    "cache": 5,
    "upload-artifact": 6,
    "download-artifact": 7,
}
"""The first version of each action that runs on a Node which the runners have."""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_runs_on_a_node_that_the_runners_have(path: Path) -> None:
    used = re.findall(r"uses: actions/([\w-]+)[\w/-]*@\w+ # v(\d+)", path.read_text())
    assert used
    assert [each for each in used if int(each[1]) < NODE_24[each[0]]] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_images_are_pulled_but_for_those_that_a_guest_pulls(path: Path) -> None:
    by_job = {name: job.get("env", {}).get("IMAGES") for name, job in jobs(path).items()}
    assert loaded(path)["env"]["IMAGES"] == "pull"
    assert {name: value for name, value in by_job.items() if value} == (
        {"guest": "forge"} if path == NIGHTLY else {}
    )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_was_brought_is_kept_also_of_a_red_job_and_once(path: Path) -> None:
    (save,) = steps(path, "actions/cache/save")
    restores = steps(path, "actions/cache/restore")
    assert steps(path, "actions/cache") == [], "it keeps nothing of a red job"
    assert save["if"].startswith("always() && ")
    (outcome,) = re.findall(r"\$\{\{ steps\.(\w+)\.outcome \}\}$", save["with"]["key"])
    assert outcome in {step.get("id") for step in steps(path)}
    stem = save["with"]["key"].rpartition("$")[0]
    for each in restores:
        assert each["with"]["path"] == save["with"]["path"]
        assert each["with"]["key"] == f"{stem}success"
        assert each["with"]["restore-keys"].split("\n")[0] == stem


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_is_kept_is_where_it_is_brought(path: Path, tmp_path: Path) -> None:
    (save,) = steps(path, "actions/cache/save")
    kept = [line.removeprefix("~/.cache/plumbline/") for line in save["with"]["path"].split()]
    home = Home(tmp_path)
    assert home.tools == home.root / kept[0]
    assert kept[1:] == ["modules", "go"][: len(kept) - 1]


def test_each_cell_has_what_the_tools_job_has_brought() -> None:
    brought = jobs(NIGHTLY)["tools"]["steps"]
    assert {"python -m clusters fetch"} == {
        step["run"].removeprefix(".venv/bin/") for step in brought if step.get("id") == "fetch"
    }
    assert jobs(NIGHTLY)["cell"]["needs"] == ["plan", "tools"]
    assert set(tools.PACKAGES) == {"kind", "helm", "crane"}


def test_no_run_is_uploaded_twice_by_its_link() -> None:
    of_runs = [
        step["with"]["path"].split()
        for step in steps(NIGHTLY, "actions/upload-artifact")
        if "reports/out" in step["with"]["path"]
    ]
    assert of_runs == [["reports/out", "!reports/out/**/latest"]] * 2


def test_a_cell_tells_what_is_red_in_it() -> None:
    (told,) = [s for s in jobs(NIGHTLY)["cell"]["steps"] if "annotate" in s.get("run", "")]
    assert told["if"] == "failure()"


def test_a_night_is_compared_with_a_green_one() -> None:
    (script,) = [step["run"] for step in steps(NIGHTLY) if "gh run list" in step.get("run", "")]
    assert "--status success" in script
    assert 'gh run download "$run" --name merged --dir base' in script


def test_a_runner_gets_the_inotify_limits_that_doctor_asks_for() -> None:
    (script,) = [step["run"] for step in steps(NIGHTLY) if "sysctl" in step.get("run", "")]
    limits = re.findall(r"at_least fs\.inotify\.(\w+) (\d+)", script)
    assert limits == [
        ("max_user_instances", str(inotify.RAISED.instances)),
        ("max_user_watches", str(inotify.RAISED.watches)),
    ]


def test_the_oldest_python_and_the_newest_are_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (test,) = jobs(ROOT / ".github" / "workflows" / "pull-request.yaml").values()
    oldest, newest = test["strategy"]["matrix"]["python"]
    assert project["requires-python"].startswith(f">={oldest}")
    nightly = {step["with"]["python-version"] for step in steps(NIGHTLY, "actions/setup-python")}
    assert nightly == {newest}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_step_makes_is_a_target(path: Path) -> None:
    targets = set(re.findall(r"^([\w.$()/-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets_made = {
        name for s in steps(path) for name in re.findall(r"\bmake ([a-z]\S*)", s.get("run", ""))
    }
    assert targets_made
    assert targets_made <= targets


def test_the_guest_is_never_skipped_for_lack_of_kvm() -> None:
    (script,) = [
        s["run"] for s in jobs(NIGHTLY)["guest"]["steps"] if "make guest" in s.get("run", "")
    ]
    assert "make guest ON=kvm" in script
