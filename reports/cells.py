"""matrix.json: the cells of a nightly matrix, and how far each has come.

The schema of that file, and what a cell is called. It is written by who runs the cells and read
by who merges their reports; it plans nothing and judges nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from clusters.errors import ResultsError
from reports.files import Kept

FILE: Final = "matrix.json"

Kind = Literal["e2e", "upgrade"]
CellStatus = Literal["waiting", "running", "passed", "failed", "interrupted"]


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Cell(_Frozen):
    """One job of the matrix: the suites on a train, or an upgrade from one train to another.

    Every field is there in either kind, as a workflow's expression may name any of them.
    """

    name: str
    kind: Kind
    train: str = ""
    profile: str = ""
    base: str = Field(default="", alias="from")
    to: str = ""
    only: str = Field(default="", description="the one component that is changed, if not all")

    @classmethod
    def of_suites(cls, train: str, profile: str) -> Cell:
        return cls(name=f"e2e-{train}-{profile}", kind="e2e", train=train, profile=profile)

    @classmethod
    def of_upgrade(cls, base: str, to: str, only: str = "") -> Cell:
        name = "-".join(filter(None, ("upgrade", base, "to", to, only)))
        return cls(name=name, kind="upgrade", base=base, to=to, only=only)

    @property
    def title(self) -> str:
        """What it is, for people."""
        if self.kind == "e2e":
            return f"{self.train}, profile {self.profile}"
        return f"{self.base} to {self.to}" + (f", only {self.only}" if self.only else "")


class State(_Frozen):
    """A cell, and what became of it. `folder` is relative to the file; empty if it has none."""

    cell: Cell
    status: CellStatus = "waiting"
    seconds: float = 0.0
    folder: str = ""

    @property
    def finished(self) -> bool:
        return self.status in ("passed", "failed")


class Matrix(_Frozen, Kept):
    """All cells, in the order in which they are run."""

    made_by: ClassVar[str] = "make matrix FRESH=1"
    schema_version: Literal[1] = 1
    run: str
    began: AwareDatetime
    cells: tuple[State, ...]

    @property
    def finished(self) -> bool:
        return all(state.finished for state in self.cells)

    @property
    def passed(self) -> bool:
        """Whether there were cells and all of them passed."""
        return bool(self.cells) and all(state.status == "passed" for state in self.cells)

    def of(self, *statuses: CellStatus) -> tuple[State, ...]:
        return tuple(state for state in self.cells if state.status in statuses)

    def state(self, name: str) -> State:
        return next(state for state in self.cells if state.cell.name == name)

    def with_state(self, changed: State) -> Matrix:
        """The same with one cell's state in the place of its former one."""
        name = changed.cell.name
        cells = tuple(changed if s.cell.name == name else s for s in self.cells)
        return self.model_copy(update={"cells": cells})


def for_workflow(cells: Iterable[Cell]) -> str:
    """The cells as one line of JSON, as a workflow's `strategy.matrix` takes it."""
    return json.dumps({"include": [cell.model_dump(mode="json") for cell in cells]})


def from_workflow(path: Path) -> tuple[Cell, ...]:
    """The cells of a file that holds what `for_workflow` gave.

    Raises:
        ResultsError: it is not there, or it is something else.
    """
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Cell.model_validate(each) for each in plan["include"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultsError(
            f"the plan of a matrix in {path}",
            seen=str(error),
            look="python -m suites matrix --json",
        ) from None
