"""Journal: models, a line of JSON each, in a file that all of a run's processes may append to.

What was appended is there whenever a process dies. It knows no model.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

Line = TypeVar("Line", bound=BaseModel)


def append(line: BaseModel, file: Path) -> None:
    """Append a model: one system call, so that lines of several processes never mix.

    Raises:
        OSError: the file cannot be written.
    """
    data = f"{line.model_dump_json()}\n".encode()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def read(file: Path, kind: type[Line]) -> Iterator[Line]:
    """The models of a file, none without one; a line that a kill has cut short is left out."""
    lines = file.read_bytes().splitlines() if file.exists() else []
    for line in lines:
        try:
            yield kind.model_validate_json(line)
        except ValidationError:
            continue
