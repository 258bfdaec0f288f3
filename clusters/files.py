"""Writes files and links: whole or not at all, and in UTF-8 whatever the locale is.

A kill, a full disk or a power cut leaves what was there before. Any process may write the same
file at the same time: the last one wins. It reads nothing, and every package may import it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from clusters.errors import PlaceError

RESERVE = ".reserve"
ROOM = 8_000_000  # bytes: a run's results and their page are some two millions


def write(path: Path, content: str | bytes, mode: int = 0o644) -> Path:
    """Write a file, and its folder if need be.

    Args:
        mode: its permissions, from the moment that it is there.

    Raises:
        PlaceError: it cannot be written; the error says why.
    """
    data = content.encode() if isinstance(content, str) else content
    draft = _draft(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)  # what a kill left has the mode that it had
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # or a power cut leaves the new name with nothing in it
        return draft.replace(path)
    except OSError as error:
        raise PlaceError(f"to write {path}", seen=why(error), look=f"df -h {path.parent}") from None


def link(path: Path, target: str) -> None:
    """Have a symbolic link lead to `target`; whoever reads it meanwhile finds the old or the new.

    Raises:
        PlaceError: it cannot be made; the error says why.
    """
    draft = _draft(path)
    try:
        draft.unlink(missing_ok=True)
        draft.symlink_to(target)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise PlaceError(
            f"{path} to lead to {target}", seen=why(error), look=f"ls -ld {path}"
        ) from None


def reserve(folder: Path) -> None:
    """Take room in a folder for what is written there last, which a disk that fills then still has.

    Where there is none, nothing is said: whoever writes there is told.
    """
    with contextlib.suppress(PlaceError):
        write(folder / RESERVE, os.urandom(ROOM))  # some disks keep zeros in no room at all


def free(folder: Path) -> None:
    """Give back what `reserve` took, for what is written next."""
    (folder / RESERVE).unlink(missing_ok=True)


@contextlib.contextmanager
def draft_folder(within: Path) -> Iterator[Path]:
    """A folder of this process to prepare things in; it goes when the block ends."""
    with tempfile.TemporaryDirectory(dir=within, prefix=".", suffix=_mark(os.getpid())) as made:
        yield Path(made)


@functools.cache
def process_folder() -> Path:
    """A folder for what this process needs until it ends, then gone; `clear_drafts` takes away that
    of a process that was killed."""
    kept = contextlib.ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(draft_folder(Path(tempfile.gettempdir())))


def clear_drafts(folder: Path) -> None:
    """Take away what processes of this user were preparing in a folder that are no more."""
    mounts = [Path(each.mountpoint) for each in psutil.disk_partitions(all=True)]
    for draft in folder.glob(".*.draft"):
        owner = re.fullmatch(r"\..*\.(\d+)\.draft", draft.name)
        if not owner or psutil.pid_exists(int(owner[1])) or draft.lstat().st_uid != os.getuid():
            continue
        if draft.is_symlink() or not draft.is_dir():
            draft.unlink(missing_ok=True)
        elif not any(mount.is_relative_to(draft) for mount in mounts):
            shutil.rmtree(draft)


def _draft(path: Path) -> Path:
    """Where this process prepares a file: no other one writes there."""
    return path.with_name(f".{path.name}{_mark(os.getpid())}")


def _mark(process: int) -> str:
    """How the name of what a process prepares ends."""
    return f".{process}.draft"


def why(error: OSError) -> str:
    """An operating system's reason, without the path that the sentence names already."""
    return error.strerror or str(error)
