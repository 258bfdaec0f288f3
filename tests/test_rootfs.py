"""Root filesystems: what mmdebstrap is told, and what makes one another."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from clusters.images import rootfs

Told = list[list[str]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Each command that is run, in the place of mmdebstrap; it leaves an archive as that does."""
    commands: Told = []

    def run(command: Sequence[str | Path], **_: object) -> str:
        commands.append([str(word) for word in command])
        Path(command[-1]).write_text("made")
        return ""

    monkeypatch.setattr(rootfs, "run", run)
    return commands


def shell(line: str) -> str:
    """What a line says, run as mmdebstrap runs a hook."""
    command = ["sh", "-c", line, "hook", "/root"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_base_keeps_apts_lists_and_brings_no_perl(told: Told, tmp_path: Path) -> None:
    rootfs.build_base(tmp_path / "base.tar", tmp_path / "log")
    assert (tmp_path / "base.tar").read_text() == "made"
    assert {"--variant=minbase", "--skip=cleanup/apt"} <= set(told[0])
    assert any(word.endswith("/merged-usr") for word in told[0])
    assert told[0][-2] == rootfs.SUITE


def test_a_root_on_the_base_asks_for_no_lists_and_unpacks_it(told: Told, tmp_path: Path) -> None:
    base = tmp_path / "a base's.tar"
    base.write_text("x")
    rootfs.build(["a", "b"], [], tmp_path / "root.tar", tmp_path / "log", base=base)
    assert {"--variant=custom", "--skip=update", "--include=a,b"} <= set(told[0])
    hook = next(word for word in told[0] if word.startswith("--setup-hook="))
    # The shell that runs the hook finds the base, whatever its name, and the root.
    shown = hook.removeprefix("--setup-hook=").replace("tar ", "printf '%s|' ", 1)
    assert shell(shown) == f"--extract|--file|{base}|--directory|/root|"


def test_a_root_of_another_suite_is_a_debian_of_its_own(told: Told, tmp_path: Path) -> None:
    rootfs.build(["a"], ["echo 'b'"], tmp_path / "root.tar", tmp_path / "log", suite="trixie")
    assert "--variant=minbase" in told[0]
    assert told[0][-2] == "trixie"
    hook = next(word for word in told[0] if word.startswith("--customize-hook="))
    shown = hook.removeprefix("--customize-hook=").replace('chroot "$1" ', "", 1)
    assert shell(shown) == "b\n"


def test_a_root_is_another_with_other_packages_lines_or_base(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = rootfs.digest(["a", "b"], ["c"])
    assert rootfs.digest(["b", "a"], ["c"]) == first
    assert len({first, rootfs.digest(["a"], ["c"]), rootfs.digest(["a", "b"], ["d"])}) == 3
    monkeypatch.setattr(rootfs, "BASE", ("--variant=apt",))
    assert rootfs.digest(["a", "b"], ["c"]) != first
