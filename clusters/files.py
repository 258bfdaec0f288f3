"""Writes files: whole or not at all, and in UTF-8 whatever the locale is.

A kill, a full disk or a power cut leaves the file that was there before. It reads nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from clusters.errors import PlaceError


def write(path: Path, text: str, mode: int = 0o644) -> Path:
    """Write a file, and its folder if need be.

    Args:
        mode: its permissions, from the moment that it is there.

    Raises:
        PlaceError: it cannot be written; the error says why.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)  # what a kill left has the mode that it had
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())  # or a power cut leaves the new name with nothing in it
        return draft.replace(path)
    except OSError as error:
        raise PlaceError(f"to write {path}", seen=why(error), look=f"df -h {path.parent}") from None


def why(error: OSError) -> str:
    """An operating system's reason, without the path that the sentence names already."""
    return error.strerror or str(error)
