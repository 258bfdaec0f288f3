"""Go modules as dependencies: pinned in go/<component>/go.mod, built and read, never copied.

Each folder in go/ is one component at one version: go.mod and go.sum pin it, build.toml
names its main module, tags and linker flags. Requirements are raised to the highest that
any component of a train asks for, so that all of them share one build cache.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from clusters.errors import CommandError, DoctorError, RecipeError
from clusters.home import Home
from clusters.images.recipe import digest_of, digest_of_folder
from clusters.process import run
from clusters.versions import Train

COMPONENTS = Path(__file__).parent / "go"
BUILD_TIMEOUT = 2400  # seconds, for one component with nothing cached
RELEASED_WITH = {"conformance": "gateway-api"}
"""Components that have no version of their own."""
OLDEST = (1, 21)  # of Go: the first that fetches the toolchain that a go.mod asks for
MEND = "install Go 1.21 or later (https://go.dev/dl)"


class Component(BaseModel):
    """A Go module at a version, and how its programs are built."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    folder: Path
    module: str
    tags: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()

    def package(self, relative: str) -> str:
        """The import path of a package named relative to the main module."""
        return self.module if relative == "." else f"{self.module}/{relative}"

    def flags(self) -> list[str]:
        """What `go build` is given: no paths of this machine and no symbols in the program.

        What debuggers read is not written at all: the linker would only throw it away. Without
        a profile, whatever a main package brings, all programs share what is compiled.
        """
        parts = self.version.split(".")
        words = {"version": self.version, "major": parts[0], "minor": parts[1] if parts[1:] else ""}
        linker = ["-s", "-w", *(flag.format(**words) for flag in self.ldflags)]
        tags = ["-tags", ",".join(self.tags)] if self.tags else []
        shared = ["-trimpath", "-pgo=off", "-gcflags=all=-dwarf=false"]
        return [*shared, *tags, "-ldflags", " ".join(linker)]

    def digest(self) -> str:
        """What this component's programs are made of, but for the Go toolchain."""
        return digest_of([self.name, self.version, digest_of_folder(self.folder)])


def component(name: str, train: Train, root: Path = COMPONENTS) -> Component:
    """The component of that name at the train's version.

    Raises:
        RecipeError: nothing is pinned for this version, or its build.toml is malformed.
    """
    version = version_of(name, train)
    folder = next((f for f in (root / f"{name}-{version}", root / name) if f.is_dir()), None)
    if folder is None:
        raise RecipeError(
            f"a go.mod for {name} {version} of train {train.name}",
            seen="there are "
            + (", ".join(sorted(p.name for p in root.glob(f"{name}*"))) or "none"),
            look="see CONTRIBUTING.md, how to add a train",
        )
    try:
        build = tomllib.loads((folder / "build.toml").read_text(encoding="utf-8"))
        return Component.model_validate(
            {"name": name, "version": version, "folder": folder, **build}
        )
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise RecipeError(
            f"{folder}/build.toml with module, tags and ldflags",
            seen=str(error),
            look=f"$EDITOR {folder}/build.toml",
        ) from None


def version_of(name: str, train: Train) -> str:
    """The train's version of a component; empty if it has none."""
    field = RELEASED_WITH.get(name, name).replace("-", "_")
    return str(getattr(train.versions, field, ""))


class Toolchain:
    """The user's Go, with caches of our own, so that they can be measured and deleted."""

    def __init__(self, home: Home, system: str = "linux") -> None:
        """`system` is what the programs are for, as Go names it: images are Linux's everywhere."""
        self.modules = home.folder("go", "mod")
        self.builds = home.folder("go", "build")
        self.env = {
            "GOMODCACHE": str(self.modules),
            "GOCACHE": str(self.builds),
            "CGO_ENABLED": "0",
            "GOFLAGS": "-mod=mod",
            "GOWORK": "off",
            "GOOS": system,
        }

    def build(
        self, part: Component, packages: Sequence[str], target: Path, log: Path
    ) -> dict[str, Path]:
        """Build some of a component's packages at once.

        Args:
            packages: relative to the component's module.
            target: the folder that gets the programs.

        Returns:
            The program of each package.

        Raises:
            CommandError: the build failed; the error repeats the end of its output.
        """
        # `go build -o folder/` drops the programs under the last element of their import path.
        target.mkdir(parents=True, exist_ok=True)
        run(
            ["go", "build", *part.flags(), "-o", f"{target}/", *map(part.package, packages)],
            cwd=part.folder,
            env=self.env,
            timeout=BUILD_TIMEOUT,
            log=log,
            scratch=True,
        )
        return {name: target / program_name(part.package(name)) for name in packages}


def program_name(package: str) -> str:
    """How `go build` names the program of an import path: a trailing major version is left out.

    Source: `go help build`, on the default name of an output file.
    """
    parts = package.split("/")
    if len(parts) > 1 and parts[-1][:1] == "v" and parts[-1][1:].isdigit():
        parts.pop()
    return parts[-1]


def is_installed() -> bool:
    """Whether a Go toolchain is on PATH."""
    return shutil.which("go") is not None


def obstacle() -> str:
    """Why this machine's Go builds nothing of ours; empty if it does."""
    if not is_installed():
        return "go is not on PATH"
    try:
        # In any folder, whatever a go.mod there asks for, it is this machine's own that answers.
        said = run(["go", "version"], env={"GOTOOLCHAIN": "local"}, timeout=20).strip()
    except CommandError as error:
        return f"go: {error.seen}"
    version = re.search(r"go(\d+)\.(\d+)", said)
    if version and (int(version[1]), int(version[2])) < OLDEST:
        return f"{said} is too old: Go fetches the toolchain that a go.mod asks for since 1.21"
    return ""


def require() -> None:
    """See that there is a Go that builds.

    Raises:
        DoctorError: there is none.
    """
    if obstacle():
        raise DoctorError("Go 1.21 or later", seen=obstacle(), look=MEND)
