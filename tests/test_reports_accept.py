"""Baselines: a person's act, one file in one commit, nothing else touched; found by train."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from clusters.errors import BaselineError, ResultsError
from reports import __main__ as command
from reports import baseline
from reports.baseline import accept, base_of
from reports.reading import FILE
from reports.schema import Results
from tests import samples

TRAIN = "2026-11"
REASON = "the first run on the new machine"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout with the folder of baselines, whatever git's settings are here."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    root = tmp_path / "checkout"
    (root / "baselines").mkdir(parents=True)
    (root / "baselines" / "README.md").write_text("one per train\n")
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "config", "user.name", "Ada Pruefer")
    git(root, "config", "user.email", "ada@example.org")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "begin")
    monkeypatch.setattr(command, "BASELINES", root / "baselines")
    return root


def git(root: Path, *arguments: str) -> str:
    ended = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
    )
    return ended.stdout


def run(folder: Path, **changed: object) -> Path:
    """A run's folder; its file has a blank line more than a run's of ours would."""
    results = samples.results((samples.requirement(),)).model_copy(update=changed)
    results.save(folder / FILE)
    (folder / FILE).write_bytes((folder / FILE).read_bytes() + b"\n")
    return folder


def accepted(root: Path, place: Path, reason: str = REASON) -> baseline.Accepted:
    return accept(place, reason, root / "baselines")


def refused(root: Path, place: Path, told: str, reason: str = REASON) -> None:
    """It is refused with these words, and nothing is other than before."""
    state = git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")
    with pytest.raises(BaselineError, match=re.escape(told)):
        accepted(root, place, reason)
    assert (git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")) == state


def test_it_is_a_copy_byte_for_byte_in_a_commit_that_says_who_and_why(
    checkout: Path, tmp_path: Path
) -> None:
    place = run(tmp_path / "run")
    done = accepted(checkout, place, "  the first run\n on the new machine ")
    assert done.path == checkout / "baselines" / f"{TRAIN}.json"
    assert done.path.read_bytes() == (place / FILE).read_bytes()
    assert git(checkout, "log", "-1", "--format=%B").strip() == (
        f"Baseline {TRAIN}: run 20261120-091403-7c1e\n\n"
        f"Accepted by Ada Pruefer <ada@example.org>: {REASON}"
    )
    assert git(checkout, "rev-parse", "--short", "HEAD").strip() == done.commit
    assert git(checkout, "status", "--porcelain") == ""


def test_no_other_change_is_touched(checkout: Path, tmp_path: Path) -> None:
    accepted(checkout, run(tmp_path / "old", run="old"))
    (checkout / "staged").write_text("1")
    git(checkout, "add", "staged")
    (checkout / "staged").write_text("2")
    (checkout / "baselines" / "README.md").write_text("changed\n")
    before = git(checkout, "status", "--porcelain")
    accepted(checkout, run(tmp_path / "new", run="new") / FILE)
    assert git(checkout, "show", "--format=", "--name-only").split() == [f"baselines/{TRAIN}.json"]
    assert git(checkout, "status", "--porcelain") == before == " M baselines/README.md\nAM staged\n"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"status": "failed"}, "status failed in"),
        ({"status": "interrupted"}, "status interrupted in"),
        ({"profile": "quick"}, "profile quick in"),
        ({"manifests": "mine", "profile": "quick"}, "profile quick, manifests mine in"),
        ({"train": "../2026-11"}, "a train whose name can be a file's"),
        ({"train": ".git"}, "a train whose name can be a file's"),
    ],
)
def test_only_a_run_that_passed_in_full_is_accepted(
    checkout: Path, tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    refused(checkout, run(tmp_path / "run", **changed), told)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reason_is_required(checkout: Path, tmp_path: Path, reason: str) -> None:
    refused(checkout, run(tmp_path / "run"), "expected: a reason", reason)


@pytest.mark.parametrize("key", ["name", "email"])
def test_whoever_accepts_has_a_name(checkout: Path, tmp_path: Path, key: str) -> None:
    git(checkout, "config", "--unset", f"user.{key}")
    refused(checkout, run(tmp_path / "run"), "expected: git's user.name and user.email")


@pytest.mark.parametrize("staged", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_a_file_with_uncommitted_changes_is_left_alone(
    checkout: Path, tmp_path: Path, known: bool, staged: bool
) -> None:
    path = checkout / "baselines" / f"{TRAIN}.json"
    if known:
        accepted(checkout, run(tmp_path / "old", run="old"))
    path.write_text("somebody's work")
    if staged:
        git(checkout, "add", "--", str(path))
    refused(checkout, run(tmp_path / "run"), "seen:     uncommitted changes")
    assert path.read_text() == "somebody's work"


def test_a_tree_that_is_not_gits_is_refused(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(BaselineError, match="expected: a git checkout\nseen:     none around"):
        accept(run(tmp_path / "run"), REASON, tmp_path / "plain")
    assert list((tmp_path / "plain").iterdir()) == []


def test_the_same_run_again_is_nothing_to_accept(checkout: Path, tmp_path: Path) -> None:
    place = run(tmp_path / "run")
    accepted(checkout, place)
    refused(checkout, place, "There is nothing to accept")


@pytest.mark.parametrize("known", [True, False])
def test_a_commit_that_a_hook_refuses_leaves_all_as_it_was(
    checkout: Path, tmp_path: Path, known: bool
) -> None:
    path = checkout / "baselines" / f"{TRAIN}.json"
    if known:
        accepted(checkout, run(tmp_path / "old", run="old"))
    old = path.read_bytes() if known else None
    hook = checkout / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    refused(checkout, run(tmp_path / "run"), "status 1: not today")
    assert (path.read_bytes() if path.exists() else None) == old


def test_what_is_no_run_is_unreadable(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(ResultsError):
        accepted(checkout, tmp_path / "nothing")


# --- the command, and comparing with a baseline ----------------------------------------------


def test_the_command_accepts_and_compares(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(run(tmp_path / "run"))
    for told in (["compare", place], ["compare", "baseline", place]):
        assert command.main(told) == command.BAD_INPUT
        assert f"{TRAIN}.json, saw no such file; baselines: none" in capsys.readouterr().err
    assert command.main(["accept", place]) == command.BAD_INPUT
    assert "python -m reports accept: expected a reason" in capsys.readouterr().err
    assert command.main(["accept", place, "--reason", REASON]) == 0
    assert f"{TRAIN}.json is committed: " in capsys.readouterr().out
    for told in ([place], ["baseline", place], [TRAIN, place], [place, place]):
        assert command.main(["compare", *told]) == 0
    path = str(checkout / "baselines" / f"{TRAIN}.json")
    assert command.main(["compare", path, place]) == 0
    red = (samples.requirement("fail"),)
    samples.results(red).save(tmp_path / "red" / FILE)
    capsys.readouterr()
    assert command.main(["compare", str(tmp_path / "red")]) == 1
    assert "1 regression" in capsys.readouterr().out


@pytest.mark.parametrize("asked", ["baseline", "2026-08", "../2026-11"])
def test_a_base_that_is_not_there_is_bad_input(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    assert command.main(["compare", asked, str(run(tmp_path / "run"))]) == command.BAD_INPUT
    assert "python -m reports compare: " in capsys.readouterr().err


def test_a_folder_goes_before_a_train_of_its_name(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkout / "baselines"
    (folder / f"{TRAIN}.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    new = new_run()
    assert base_of(TRAIN, new, folder) == folder / f"{TRAIN}.json"
    (tmp_path / TRAIN).mkdir()
    assert base_of(TRAIN, new, folder) == Path(TRAIN)
    (tmp_path / "baseline").mkdir()
    assert base_of("baseline", new, folder) == folder / f"{TRAIN}.json"


def test_no_train_of_a_run_leads_out_of_the_folder(checkout: Path) -> None:
    (checkout / "secret.json").write_text("{}")
    with pytest.raises(BaselineError):
        base_of("baseline", new_run(train="../secret"), checkout / "baselines")


def new_run(**changed: object) -> Results:
    return samples.results().model_copy(update=changed)


def test_a_part_of_the_requirements_does_not_become_the_baseline(
    checkout: Path, tmp_path: Path
) -> None:
    whole = tuple(samples.requirement(id=f"CS{number}") for number in range(10))
    accepted(checkout, run(tmp_path / "whole", requirements=whole))
    part = run(tmp_path / "part", requirements=whole[:8])
    refused(checkout, part, "8 of its 10 requirements")
    more = (*whole[:9], samples.requirement(id="CS99"))
    accepted(checkout, run(tmp_path / "next", requirements=more))
