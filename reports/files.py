"""Files of a report's own: written whole or not at all, and read back.

What every schema and form of this package has in common; it knows none of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value of a schema: it does not change, and knows all of its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kept(BaseModel):
    """A model that is kept in a file of JSON."""

    def save(self, path: Path) -> None:
        """Write the file whole or not at all, and its folder if need be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, f"{self.model_dump_json(indent=2)}\n".encode())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            OSError, pydantic.ValidationError: it is not there, or it is something else.
        """
        return cls.model_validate_json(path.read_bytes())


def write(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all, whenever a kill or a power cut comes.

    Raises:
        OSError: it cannot be written; the error names it.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return draft.replace(path)
    except OSError as error:
        error.filename = str(path)  # a full disk names none, and nobody knows of drafts
        error.filename2 = None
        raise
