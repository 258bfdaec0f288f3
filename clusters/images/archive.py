"""Writes an image's files into a tar archive: owned by root, without this machine's times.

Knows tar and nothing of recipes or engines.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from pathlib import Path


class Archive:
    """A tar archive that files are added to; parents are made as they are needed."""

    def __init__(self, path: Path) -> None:
        """Open an archive, with whatever is already in it."""
        known = path.exists()
        self._tar = tarfile.TarFile(path, "a" if known else "w", format=tarfile.GNU_FORMAT)
        self._made = {""}
        if known:
            self._made |= {name_of(member.name) for member in self._tar if member.isdir()}

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Add a folder, and its parents if they are not there."""
        name = name_of(path)
        if name in self._made:
            return
        self._parents(name)
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self._tar.addfile(entry)
        self._made.add(name)

    def tree(self, source: Path, path: str) -> None:
        """Add a file, or a folder with everything in it."""
        if not source.is_dir():
            self.file(source, path)
            return
        self.folder(path)
        for below in sorted(source.rglob("*")):
            target = f"{path.rstrip('/')}/{below.relative_to(source)}"
            if below.is_symlink():
                self.link(target, str(below.readlink()))
            elif below.is_dir():
                self.folder(target)
            else:
                self.file(below, target)

    def file(self, source: Path, path: str) -> None:
        """Add a file; scripts and programs stay executable.

        The Go module cache takes the executable bit from every file, so a script is known
        by its first two bytes.
        """
        with source.open("rb") as content:
            script = content.read(2) == b"#!"
            content.seek(0)
            executable = script or source.stat().st_mode & 0o100
            self._add(path, content, source.stat().st_size, 0o755 if executable else 0o644)

    def text(self, path: str, text: str, mode: int = 0o644) -> None:
        """Add a file with this text."""
        raw = text.encode()
        self._add(path, io.BytesIO(raw), len(raw), mode)

    def link(self, path: str, points_at: str) -> None:
        """Add a symbolic link."""
        name = name_of(path)
        self._parents(name)
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, points_at, 0o777
        self._tar.addfile(entry)

    def unpack(self, archive: Path, path: str) -> None:
        """Add what another archive holds, with its modes, below a folder."""
        with tarfile.open(archive) as source:
            for entry in source:
                entry.name = name_of(f"{path}/{entry.name}")
                if entry.name in self._made:
                    continue
                self._parents(entry.name)
                self._tar.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
                if entry.isdir():
                    self._made.add(entry.name)

    def _add(self, path: str, content: io.BufferedIOBase, size: int, mode: int) -> None:
        name = name_of(path)
        self._parents(name)
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, mode
        self._tar.addfile(entry, content)

    def _parents(self, name: str) -> None:
        parent = name.rpartition("/")[0]
        if parent and parent not in self._made:
            self.folder(parent)


def name_of(path: str) -> str:
    """A member's name: relative to the root, which is empty, and without `.` in it."""
    return posixpath.normpath(f"/{path}").strip("/")
