"""Files of a report's own: written whole or not at all, and read back.

What every schema of this package has in common; it knows none of them. It accepts only what
this version of a schema describes, and never repairs or guesses.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ValidationError

from clusters.errors import ResultsError
from clusters.files import why, write


class Kept(BaseModel):
    """A model that is kept in a file of JSON, with its `schema_version`."""

    made_by: ClassVar[str] = "make e2e"
    """The command that makes such a file."""

    def save(self, path: Path) -> None:
        """Write the file whole or not at all, and its folder if need be.

        Raises:
            PlaceError: it cannot be written.
        """
        write(path, f"{self.model_dump_json(indent=2)}\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            ResultsError: it is not there, is not JSON, is of another version of the schema, or
                has a field missing or unknown.
        """
        text = _text(path, cls.made_by)
        _refuse_other_version(path, text, cls.model_fields["schema_version"].default)
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[:5]
            problems = "; ".join(
                f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in first
            )
            raise ResultsError(
                f"{path} to be of the schema of {cls.__name__} (docs/results.md)",
                seen=f"{error.error_count()} errors: {problems}",
                look=f"{cls.made_by} makes another; or correct what wrote it",
            ) from None


def _text(path: Path, made_by: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors put a mark before it
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(
            f"results at {path}",
            seen=why(error) if isinstance(error, OSError) else "not UTF-8 text",
            look=f"{made_by}; or name a folder that has a {path.name}",
        ) from None


def _refuse_other_version(path: Path, text: str, known: int) -> None:
    """Say so first: every other error of a newer file would only be a consequence of it."""
    try:
        content = json.loads(text)
    except ValueError:
        return
    if isinstance(content, dict) and content.get("schema_version", known) != known:
        raise ResultsError(
            f"{path} to have schema version {known}",
            seen=repr(content["schema_version"]),
            look="read it with the revision of Plumbline that wrote it",
        )
