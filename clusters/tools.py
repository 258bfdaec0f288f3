"""The programs that we run ourselves, kind, helm, crane and the vendors' own suites, at the train's
versions.

The user's own on PATH if it is of the version; else the vendor's, checked by the SHA-256 of the
train's file; else built from its Go module. Nothing is run that was not checked, but for the
user's own.
"""

from __future__ import annotations

import contextlib
import platform
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clusters import download, files
from clusters.errors import CommandError, DoctorError, DownloadError, RecipeError
from clusters.home import Home
from clusters.images import golang
from clusters.images.golang import Toolchain
from clusters.images.recipe import digest_of
from clusters.process import run
from clusters.progress import Progress
from clusters.versions import Train

CONFORMANCE, ISTIOCTL, CILIUM = "gateway-api-conformance", "istioctl", "cilium"
PACKAGES = {
    "kind": ("kind", "."),
    "helm": ("helm", "cmd/helm"),
    "crane": ("crane", "cmd/crane"),
}
"""Of each program the component that it is of, and its package there."""
PEERS = {
    ISTIOCTL: ("istio", "istioctl/cmd/istioctl"),
    CONFORMANCE: ("conformance", "."),
    CILIUM: ("cilium-cli", "cmd/cilium"),
}
"""Likewise of vendors' own suites, which only `make peers` runs. Nobody publishes the second, and
the third at no version of Cilium's."""
PROGRAMS = {**PACKAGES, **PEERS}
VERSION_COMMANDS = {
    "kind": ("version", "-q"), "helm": ("version", "--short"), "crane": ("version",),
    ISTIOCTL: ("version", "--remote=false"),
}  # fmt: skip
"""How each says its version; of a program that nobody publishes there is no other than ours."""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as Go names them; others alike
ASK_TIMEOUT = 20  # seconds, for a program to say its version


@dataclass(frozen=True)
class Wanted:
    """A program at the train's version for this machine; each method is one way to it."""

    name: str
    version: str
    train: Train
    home: Home
    progress: Progress
    os: str
    arch: str

    @property
    def place(self) -> Path:
        """Where it is once it was fetched or built; another place when what pins it changes."""
        pins = [self.os, self.arch]
        if self.name in self.train.programs:
            pins.append(self.train.programs[self.name].model_dump_json())
        with contextlib.suppress(RecipeError):
            pins.append(golang.component(self.package[0], self.train).digest())
        return self.home.tools / f"{self.name}-{self.version}-{digest_of(pins)[:12]}" / self.name

    @property
    def package(self) -> tuple[str, str]:
        """The component that it is of, and its package there."""
        return PROGRAMS[self.name]

    def find_own(self) -> Path:
        """The user's own.

        Raises:
            DoctorError: PATH has none of this version.
        """
        program = shutil.which(self.name) if self.name in VERSION_COMMANDS else None
        if not program:
            raise DoctorError(str(self), seen="not on PATH")
        try:
            said = run([program, *VERSION_COMMANDS[self.name]], timeout=ASK_TIMEOUT).strip()
        except CommandError as error:
            said = _in_short(error)
        # helm adds `+` and the commit, and istioctl says first that it is a client's.
        if said.rpartition(" ")[2].lstrip("v").partition("+")[0] != self.version:
            raise DoctorError(str(self), seen=f"{program} says {said!r}")
        self.progress.say(f"{self}: {program}")
        return Path(program).absolute()

    def fetch_published(self) -> Path:
        """The vendor's.

        Raises:
            DownloadError: it cannot be had, or is not what the train's file pins.
        """
        published = self.train.programs.get(self.name)
        expected = published.sha256.get(f"{self.os}-{self.arch}") if published else None
        if published is None or expected is None:
            where = f"versions/{self.train.name}.toml"
            raise DownloadError(
                str(self), seen=f"{where} has no SHA-256 of it for {self.os}-{self.arch}"
            )
        url = published.url_for(self.version, self.os, self.arch)
        with files.draft_folder(self.home.tools) as draft:
            file = draft / "download"
            download.fetch(url, file, sha256=expected, progress=self.progress, name=self.name)
            if url.endswith(".tar.gz"):
                file = _member(file, self.name)
            return self._put(file)

    def build(self) -> Path:
        """Built with this machine's Go.

        Raises:
            DoctorError: there is no Go, or none that can.
            CommandError: the build failed.
            RecipeError: nothing pins the module at this version.
        """
        golang.require()
        name, package = self.package
        part = golang.component(name, self.train)
        log = self.home.logs / f"go-{self.name}.log"
        with files.draft_folder(self.home.tools) as draft:
            go = Toolchain(self.home, self.os)
            return self._put(go.build(part, [package], draft, log)[package])

    def _put(self, program: Path) -> Path:
        """At once and whole: what is there was checked."""
        program.chmod(0o755)
        self.place.parent.mkdir(parents=True, exist_ok=True)
        program.replace(self.place)
        return self.place

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def ensure(name: str, home: Home, train: Train, progress: Progress) -> Path:
    """The program: kept from before, the user's own, the vendor's, or built.

    Raises:
        DoctorError: none of these ways leads to it; the error names each one's obstacle.
    """
    component, _ = PROGRAMS[name]
    version = golang.version_of(component, train)
    wanted = Wanted(name, version, train, home, progress, *machine())
    if wanted.place.exists():
        return wanted.place
    ways: dict[str, Callable[[], Path]] = {
        "looking on PATH": wanted.find_own, "asking its vendor": wanted.fetch_published,
        "building it": wanted.build,
    }  # fmt: skip
    obstacles: list[str] = []
    mend = ""
    with progress.step(f"program {name}"):
        for way, follow in ways.items():
            if obstacles:
                progress.say(f"{wanted}: {obstacles[-1]}; {way}")
            try:
                return follow()
            except (CommandError, DoctorError, DownloadError, RecipeError) as error:
                obstacles.append(_in_short(error))
                mend = error.look
        raise DoctorError(
            f"{wanted}: on PATH, from its vendor, or Go to build it",
            seen="; ".join(obstacles),
            look=f"put {wanted} on PATH, or see that its vendor can be reached (HTTPS_PROXY), "
            f"or {mend}",
        )


def machine() -> tuple[str, str]:
    """This machine's system and processor, as Go names them."""
    processor = platform.machine().lower()
    return platform.system().lower(), ARCHITECTURES.get(processor, processor)


def _member(archive: Path, name: str) -> Path:
    """The file of that name out of an archive, wherever in it."""
    with tarfile.open(archive) as source:
        for entry in source:
            content = source.extractfile(entry) if Path(entry.name).name == name else None
            if content:
                target = archive.with_name(name)
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
                return target
    raise DownloadError(f"{name} in what was published", seen=f"it holds no file {name}")


def _in_short(error: CommandError | DoctorError | DownloadError | RecipeError) -> str:
    """One line of an error: a failed program's status, and the last that it said."""
    lines = error.seen.splitlines()
    return lines[0] if len(lines) < 2 else f"{lines[0]}: {lines[-1]}"
