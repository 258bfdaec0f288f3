"""Nothing of what was measured is lost: Ctrl-C twice, a full disk, an API server that is gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reports.reading import FILE
from reports.schema import Results
from tests.test_plugin import GREEN, HEAD, PACKAGE, topology

PLUGINS = ("options", "reporting", "session")
HANGS = """
import pathlib, time

@requirement("A2", source="Kind/name")
def test_a2(judge, cluster):
    '''It holds.'''
    pathlib.Path(f"begun-{cluster}").touch()
    time.sleep(60)
"""


@pytest.fixture
def session(tmp_path: Path) -> list[str]:
    """The words of a session of pytest over a suite of its own; it is `shape` in the folder."""
    topology(tmp_path).save(tmp_path / "topology.json")
    folder = tmp_path / "shape"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE.replace("FEATURES", '{"istio"}'), encoding="utf-8")
    plugins = [word for name in PLUGINS for word in ("-p", f"fixtures.plugin.{name}")]
    return [
        sys.executable, "-m", "pytest", "shape", *plugins, "-p", "no:cacheprovider",
        "-p", "no:locust", "-n", "2", "--dist=loadgroup", "--no-report",
        "--topology=topology.json", "--out=out", f"--rootdir={tmp_path}",
    ]  # fmt: skip


def suite(folder: Path, text: str) -> None:
    (folder / "shape" / "test_shape.py").write_text(HEAD + text, encoding="utf-8")


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def verdicts(results: Path) -> dict[str, str]:
    return {each.key: each.verdict for each in Results.load(results).requirements}


@pytest.mark.parametrize("pause", [0.0, 0.3])
def test_ctrl_c_twice_loses_nothing(session: list[str], pause: float, tmp_path: Path) -> None:
    """A terminal tells all processes, and whoever runs the suites tells pytest once more."""
    suite(tmp_path, GREEN + HANGS)
    with subprocess.Popen(
        [*session, "-v"], cwd=tmp_path, env=environ(), start_new_session=True,
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        for _ in range(2):  # until both clusters' first has come in
            assert next(line for line in process.stdout if "PASSED" in line)
        while len(list(tmp_path.glob("begun-*"))) < 2:
            time.sleep(0.02)
        for _ in range(3):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(pause)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said
    assert Results.load(tmp_path / "out" / FILE).status == "interrupted"
    assert verdicts(tmp_path / "out" / FILE) == {
        "A1[aws-cluster]": "pass",
        "A1[azure-cluster]": "pass",
        "A2[aws-cluster]": "inconclusive",
        "A2[azure-cluster]": "inconclusive",
    }
