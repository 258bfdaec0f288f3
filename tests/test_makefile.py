"""The Makefile: what a target lacks is told with the command as it should have been."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
READY = ("-n", "-o", ".venv/.locked")  # say what would be done, as if the environment were there


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make there with a plain environment."""
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    command = ["make", "-C", str(folder), "--no-print-directory", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "lacks", "command"),
    [
        (["upgrade"], "FROM", "make upgrade FROM=2026-04 TO=2026-08"),
        (["upgrade", "FROM=2026-04"], "TO", "make upgrade FROM=2026-04 TO=2026-08"),
        (["mirror"], "MIRROR", "make mirror MIRROR=registry.example:5000"),
    ],
)
def test_what_a_target_lacks_is_told_by_the_name_of_make(
    words: list[str], lacks: str, command: str
) -> None:
    done = make(ROOT, *READY, *words)
    assert done.returncode == 2
    assert f"expected: {lacks}=...; seen: none; look: {command}" in done.stderr
    assert "python" not in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["upgrade", "FROM=a", "TO=b"], '--from a --to b --only ""'),
        (["compare", "BASE=reports/out/a run"], '"reports/out/a run" "reports/out/latest"'),
        (["guest"], '-m tests.guest --machine auto "${LINE:-make e2e}"'),
        (["kills", "OF=watch", "N=3"], "-m tests.kills --times 3 --of watch --seed 1 --e2e"),
        (["compare"], 'compare  "reports/out/latest"'),
        (["accept", "RUN=a run", "WHY=so"], 'accept "a run" --reason "$REASON"'),
    ],
)
def test_what_a_target_has_is_passed_on_as_one_word(words: list[str], said: str) -> None:
    done = make(ROOT, *READY, *words)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ([], []),
        (["IMAGES=1"], ["--images"]),
        (["ENGINE=1"], ["--engine"]),
        (["IMAGES=auto", "ENGINE=private"], []),
        (["IMAGES=forge"], []),
        (["IMAGES=1", "ENGINE=1"], ["--engine", "--images"]),
    ],
)
def test_down_takes_with_it_what_is_said_outright(words: list[str], flags: list[str]) -> None:
    """IMAGES and ENGINE have other values for other targets, and they may stand in a shell."""
    done = make(ROOT, *READY, "down", *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.partition("-m clusters down")[2].split() == flags


def test_a_clone_may_lie_in_a_folder_with_a_space(tmp_path: Path) -> None:
    clone = tmp_path / "a clone [1]"
    clone.mkdir()
    shutil.copy(ROOT / "Makefile", clone)
    (clone / "requirements.lock").touch()
    assert "the main job" in make(clone, "help").stdout
    done = make(clone, *READY, "e2e")
    assert done.returncode == 0, done.stderr
    assert ".venv/bin/python -m suites e2e" in done.stdout
