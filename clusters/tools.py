"""The programs that we run ourselves, kind, helm and crane, at the train's versions.

Built from their Go modules where there is a Go toolchain; else the user's own on PATH, if
it is of that version. Never downloads a program.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from clusters.errors import CommandError, DoctorError
from clusters.home import Home
from clusters.images import golang
from clusters.images.golang import Toolchain
from clusters.process import run
from clusters.progress import Progress
from clusters.versions import Train

PACKAGES = {"kind": ".", "helm": "cmd/helm", "crane": "cmd/crane"}
VERSION_COMMANDS = {
    "kind": ("version", "-q"), "helm": ("version", "--short"), "crane": ("version",),
}  # fmt: skip


def ensure(name: str, home: Home, train: Train, progress: Progress) -> Path:
    """The program, built if need be.

    Raises:
        DoctorError: there is no Go, and PATH has none of the train's version.
    """
    part = golang.component(name, train)
    folder = home.tools / f"{name}-{part.version}-{part.digest()[:12]}"
    if (folder / name).exists():
        return folder / name
    if not golang.installed():
        return _on_path(name, part.version)
    with progress.step(f"program {name}"):
        draft = home.folder("tools", "draft")
        built = Toolchain(home).build(part, [PACKAGES[name]], draft, home.logs / f"go-{name}.log")[
            PACKAGES[name]
        ]
        folder.mkdir(parents=True, exist_ok=True)
        built.replace(folder / name)
    return folder / name


def _on_path(name: str, version: str) -> Path:
    found = shutil.which(name)
    seen = "neither Go nor such a program on PATH"
    if found:
        try:
            said = run([found, *VERSION_COMMANDS[name]]).strip()
        except CommandError as error:
            said = error.seen
        # helm adds `+` and the commit.
        if said.lstrip("v").partition("+")[0] == version:
            return Path(found)
        seen = f"{found} says {said}, and there is no Go to build it"
    raise DoctorError(f"{name} {version}, or Go to build it", seen=seen, look="make doctor")
