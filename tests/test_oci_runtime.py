"""The runtime's wrapper: takes one capability out of what Docker asks for, and becomes runc.

The `runc` here is a script on PATH that writes down its arguments: the target of the exec
and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clusters import oci_runtime
from clusters.oci_runtime import MISSING, value_of

SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")
REQUESTED = {name: ["CAP_CHOWN", MISSING, "CAP_SYS_ADMIN"] for name in SETS}
GRANTED = {name: ["CAP_CHOWN", "CAP_SYS_ADMIN"] for name in SETS}
PROCESS = {"args": ["sh"], "capabilities": REQUESTED, "noNewPrivileges": True}


@dataclass(frozen=True)
class Runtime:
    """The wrapper with a runc that records, and a folder to work in."""

    folder: Path

    def __call__(self, *argv: str, cwd: Path | None = None) -> list[str]:
        """Start it as dockerd does, isolated and without site; what runc then got."""
        subprocess.run(
            [sys.executable, "-IS", str(Path(oci_runtime.__file__)), *argv],
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
            cwd=cwd or self.folder,
            check=True,
        )
        return (self.folder / "got").read_text().split("\n")[:-1]

    def write(self, name: str, document: dict[str, Any]) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
        return path


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    runc = tmp_path / "runc"
    runc.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >{tmp_path}/got\n")
    runc.chmod(0o755)
    return Runtime(tmp_path)


@pytest.mark.parametrize("command", ["create", "run"])
@pytest.mark.parametrize("form", ["--bundle {}", "--bundle={}"])
def test_a_bundle_loses_the_capability_and_keeps_all_else(
    runtime: Runtime, command: str, form: str
) -> None:
    config = runtime.write("bundle/config.json", {"process": PROCESS, "root": {"path": "r"}})
    argv = ["--root", "/r", command, *form.format(config.parent).split(), "id"]
    assert runtime(*argv) == argv
    assert json.loads(config.read_text()) == {
        "process": {**PROCESS, "capabilities": GRANTED},
        "root": {"path": "r"},
    }


def test_without_a_flag_the_bundle_is_where_it_is_started(runtime: Runtime) -> None:
    config = runtime.write("bundle/config.json", {"process": PROCESS})
    runtime("create", "id", cwd=config.parent)
    assert json.loads(config.read_text())["process"]["capabilities"] == GRANTED


@pytest.mark.parametrize("form", ["--process {}", "--process={}"])
def test_an_exec_loses_the_capability(runtime: Runtime, form: str) -> None:
    process = runtime.write("process.json", PROCESS)
    argv = ["exec", *form.format(process).split(), "--detach", "id"]
    assert runtime(*argv) == argv
    assert json.loads(process.read_text()) == {**PROCESS, "capabilities": GRANTED}


def test_what_has_no_capabilities_stays_as_it_is(runtime: Runtime) -> None:
    process = runtime.write("process.json", {"args": ["sh"]})
    runtime("exec", "--process", str(process), "id")
    assert json.loads(process.read_text()) == {"args": ["sh"]}


@pytest.mark.parametrize("argv", [["start", "id"], ["exec", "id", "sh"], ["kill", "id", "9"]])
def test_all_else_is_passed_on(runtime: Runtime, argv: list[str]) -> None:
    config = runtime.write("config.json", {"process": PROCESS})
    before = config.read_text()
    assert runtime(*argv) == argv
    assert config.read_text() == before


@pytest.mark.parametrize(
    ("argv", "value"),
    [(["--a", "b"], "b"), (["--a=b=c"], "b=c"), (["--a="], ""), (["--a"], None), (["a"], None)],
)
def test_a_flags_value_is_found_in_both_forms(argv: list[str], value: str | None) -> None:
    assert value_of("--a", argv) == value
