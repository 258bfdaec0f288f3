"""Writes files and links: whole or not at all, and in UTF-8 whatever the locale is.

A kill, a full disk or a power cut leaves what was there before. Any process may write the same
file at the same time: the last one wins. It reads nothing, and every package may import it.
"""

from __future__ import annotations

import os
from pathlib import Path

from clusters.errors import PlaceError


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


def _draft(path: Path) -> Path:
    """Where this process prepares a file: no other one writes there."""
    return path.with_name(f".{path.name}.{os.getpid()}.draft")


def why(error: OSError) -> str:
    """An operating system's reason, without the path that the sentence names already."""
    return error.strerror or str(error)
