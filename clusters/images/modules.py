"""Files of Go modules, such as charts and CRDs, fetched from a module proxy without a Go toolchain.

A component's go.mod says which version, its go.sum what that must hold; anything else is
refused. It resolves nothing and builds nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clusters import download, files
from clusters.errors import CommandError, DownloadError, RecipeError
from clusters.home import Home
from clusters.images.golang import Component
from clusters.process import run
from clusters.progress import Progress
from clusters.settings import Settings

PUBLIC = "https://proxy.golang.org"
PROXIES = f"{PUBLIC},direct"  # Go's own default: `go help goproxy`


@dataclass(frozen=True)
class Module:
    """A module at a version, and the hash that its files must have."""

    path: str
    version: str
    hash: str

    @property
    def folder(self) -> str:
        """Its folder in a module cache."""
        return f"{_escape(self.path)}@{_escape(self.version)}"

    @property
    def file(self) -> str:
        """Its zip file at a proxy and in a module cache's `download`, less the suffix."""
        return f"{_escape(self.path)}/@v/{_escape(self.version)}"


def folder(part: Component, home: Home, progress: Progress | None = None) -> Path:
    """The folder of a component's sources, fetched if need be.

    Raises:
        DownloadError: no proxy has it, or what one has is not what go.sum pins.
        RecipeError: go.mod and go.sum do not pin it.
    """
    module = main_module(part)
    return find(module, home) or _fetch(module, home, progress)


def main_module(part: Component) -> Module:
    """What a component's go.mod and go.sum say of its main module.

    Raises:
        RecipeError: they do not pin it.
    """
    main = [part.module, ""]
    replaced: dict[str, list[str]] = {}
    for kind, *words in _directives((part.folder / "go.mod").read_text(encoding="utf-8")):
        if kind == "require" and words[0] == part.module:
            main = words[:2]
        elif kind == "replace" and words[0] == part.module:
            before, _, after = " ".join(words).partition(" => ")
            replaced[before] = after.split()
    main = replaced.get(" ".join(main)) or replaced.get(part.module) or main
    for line in (part.folder / "go.sum").read_text(encoding="utf-8").splitlines():
        if line.split()[:-1] == main:
            return Module(*line.split())
    raise RecipeError(
        f"{part.folder}/go.mod and go.sum to pin {part.module}",
        seen=f"no hash of {' '.join(main)}",
        look=f"cd {part.folder} && GOFLAGS=-mod=mod go mod download {part.module}",
    )


def find(module: Module, home: Home) -> Path | None:
    """Where a module is on this machine already: fetched once, or in our own Go's cache."""
    ours = home.root / "modules" / module.folder
    if ours.is_dir():
        return ours
    cache = home.root / "go" / "mod"
    note = cache / "cache" / "download" / module.file
    partial, ziphash = (
        note.with_name(note.name + ".partial"),
        note.with_name(note.name + ".ziphash"),
    )
    # Go marks what it is unpacking, and notes the hash of what it checked.
    if not (cache / module.folder).is_dir() or partial.exists() or not ziphash.exists():
        return None
    return (
        cache / module.folder
        if ziphash.read_text(encoding="utf-8").strip() == module.hash
        else None
    )


def proxies() -> list[tuple[str, bool]]:
    """The proxies of GOPROXY in their order, each with whether any error of it leads to the next.

    After a comma only a proxy that has no such module does. https://go.dev/ref/mod#module-proxy
    """
    value = Settings.of_user().go_proxy
    if not value and shutil.which("go"):  # what `go env -w` keeps, Go knows
        try:
            value = run(["go", "env", "GOPROXY"], timeout=20).strip()
        except CommandError:
            value = ""
    return [
        (name.strip(), end == "|")
        for name, end in re.findall(r"([^,|]+)([,|]?)", value or PROXIES)
        if name.strip()
    ]


def hash_of(archive: zipfile.ZipFile) -> str:
    """The `h1:` hash of a module's files, as go.sum has it.

    Source: https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash#Hash1
    """
    total = hashlib.sha256()
    for name in sorted(archive.namelist()):
        with archive.open(name) as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
        total.update(f"{digest}  {name}\n".encode())
    return "h1:" + base64.b64encode(total.digest()).decode()


def _fetch(module: Module, home: Home, progress: Progress | None) -> Path:
    target = home.root / "modules" / module.folder
    target.parent.mkdir(parents=True, exist_ok=True)
    with files.draft_folder(home.folder("modules")) as draft:
        file = draft / "module.zip"
        source = _from_a_proxy(module, file, progress)
        try:
            with zipfile.ZipFile(file) as archive:
                digest = hash_of(archive)
                if digest == module.hash:
                    archive.extractall(draft)
        except zipfile.BadZipFile as error:
            digest = str(error)
        if digest != module.hash:
            raise DownloadError(
                f"{module.path} {module.version} with the hash {module.hash} of go.sum",
                seen=f"{source}: {digest}",
                look=f"GOPROXY={PUBLIC} make up",
            )
        # A module's files are below module@version, without a cache's escapes.
        (draft / f"{module.path}@{module.version}").replace(target)
    return target


def _from_a_proxy(module: Module, file: Path, progress: Progress | None) -> str:
    """Bring a module's zip into a file; returns whose it is."""
    obstacles = []
    for proxy, any_error in proxies():
        if proxy in ("off", "direct"):
            obstacles.append(f"{proxy}: not a proxy")
            continue
        url = f"{proxy.rstrip('/')}/{module.file}.zip"
        try:
            download.fetch(url, file, progress=progress, name=module.path)
        except DownloadError as error:
            obstacles.append(error.seen)
            if not (any_error or error.absent):
                break
        else:
            return download.without_password(url)
    raise DownloadError(
        f"{module.path} {module.version} from a Go module proxy",
        seen="; ".join(obstacles),
        look=f"GOPROXY={PUBLIC} make up, or HTTPS_PROXY for the way to it",
    )


def _escape(text: str) -> str:
    """As a module cache and a proxy write it: `!a` for `A`."""
    return re.sub("[A-Z]", lambda letter: f"!{letter[0].lower()}", text)


def _directives(text: str) -> Iterator[list[str]]:
    """The directives of a go.mod as words, each line of a block with the block's own word."""
    block: list[str] = []
    for line in text.splitlines():
        words = line.partition("//")[0].split()
        if words[-1:] == ["("]:
            block = words[:-1]
        elif words == [")"]:
            block = []
        elif words:
            yield block + words
