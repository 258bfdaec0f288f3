"""Files of a report's own: models that are written whole or not at all, and read back.

What every schema of this package has in common; it knows none of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel


class Kept(BaseModel):
    """A model that is kept in a file of JSON."""

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(self.model_dump_json(indent=2) + "\n")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            OSError, pydantic.ValidationError: it is not there, or it is something else.
        """
        return cls.model_validate_json(path.read_text(encoding="utf-8"))
