"""The nightly matrix: which cells there are, made from the trains and matrix.toml.

A pure plan. It runs nothing and knows no requirement.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from clusters.errors import MatrixError
from clusters.versions import COMPONENTS
from reports.cells import Cell

FILE = Path(__file__).parents[1] / "matrix.toml"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]  # part of a folder's


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UpgradeEntry(_Strict):
    """One upgrade, of everything or of one component."""

    base: str = Field(alias="from")
    to: str
    only: str = ""


class MatrixFile(_Strict):
    """The whole file."""

    profiles: tuple[Name, ...] = ("full",)
    leave_out: tuple[str, ...] = ()
    upgrades: tuple[UpgradeEntry, ...] = ()


def load(path: Path = FILE) -> MatrixFile:
    """Read the file.

    Raises:
        MatrixError: it is not there, or malformed; the error names what was expected where.
    """
    try:
        return MatrixFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        expected, seen = f"{path}: {where}: {first['msg']}", repr(first["input"])
    except (OSError, ValueError) as error:
        expected, seen = f"{path} to be TOML", str(error)
    raise MatrixError(expected, seen=seen, look=f"$EDITOR {path}")


def plan(file: MatrixFile, trains: Sequence[str]) -> tuple[Cell, ...]:
    """Every cell, the suites' first; oldest train first, as given.

    Raises:
        MatrixError: a train is named that is not there, a component that cannot be upgraded, or
            one cell twice; or nothing is left to run.
    """
    _check(file, trains)
    cells = (*_suites(file, trains), *_upgrades(file))
    names = [cell.name for cell in cells]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not cells:
        raise MatrixError(
            "matrix.toml to ask for something, and for each cell once",
            seen=f"twice: {', '.join(twice)}" if twice else "no cell",
            look=f"$EDITOR {FILE}",
        )
    return cells


def select(cells: Sequence[Cell], only: str) -> tuple[Cell, ...]:
    """The cell of that name, or all if none is named.

    Raises:
        MatrixError: there is none of that name.
    """
    selected = tuple(cell for cell in cells if only in ("", cell.name))
    if not selected:
        names = ", ".join(cell.name for cell in cells)
        raise MatrixError(
            "the name of a cell",
            seen=f"{only!r}; there are: {names}",
            look="python -m suites matrix --list",
        )
    return selected


def _suites(file: MatrixFile, trains: Sequence[str]) -> Iterator[Cell]:
    for train in trains:
        if train not in file.leave_out:
            yield from (Cell.of_suites(train, profile) for profile in file.profiles)


def _upgrades(file: MatrixFile) -> Iterator[Cell]:
    for each in file.upgrades:
        yield Cell.of_upgrade(each.base, each.to, each.only)


def _check(file: MatrixFile, trains: Sequence[str]) -> None:
    named = [(f"upgrades[{n}]", each) for n, each in enumerate(file.upgrades)]
    ends = [(where, train) for where, each in named for train in (each.base, each.to)]
    for where, train in [*ends, *(("leave_out", train) for train in file.leave_out)]:
        if train not in trains:
            raise MatrixError(
                f"{where} of matrix.toml to name trains that there are",
                seen=f"{train!r}; there are: {', '.join(trains) or 'none'}",
                look="ls clusters/versions",
            )
    for where, each in named:
        if each.only and each.only not in COMPONENTS:
            raise MatrixError(
                f"{where}.only of matrix.toml to name a component that can be upgraded",
                seen=f"{each.only!r}; there are: {', '.join(COMPONENTS)}",
                look=f"$EDITOR {FILE}",
            )
