"""Procedures: a bring-up and an upgrade as lists of steps, and the one way in which they are taken.

A step says what it is called, which steps it needs, what it does, in which cluster, and how long
that takes. Whoever takes steps times them. Nothing here knows what any step does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

from clusters.errors import InterruptedRunError, PlumblineError

Result = TypeVar("Result")


def _nothing() -> None:
    return


@dataclass(frozen=True)
class Step:
    """One step of a procedure in one cluster.

    Attributes:
        component: what it is a part of; what fails is undone with all of its component.
        cluster: the cluster that it is taken in.
        undo: the way back, if there is one.
        needs: names of steps of the same cluster that must be done before.
        estimate: seconds that it takes; 0 if nobody has measured it.
        replaces_callers: client pods in the service mesh are made anew by it, so that whoever
            sends from them must send from their successors.
    """

    name: str
    component: str
    cluster: str
    do: Callable[[], None]
    undo: Callable[[], None] = _nothing
    needs: tuple[str, ...] = ()
    estimate: float = 0.0
    replaces_callers: bool = False


@dataclass(frozen=True)
class Performed:
    """What came of one step, or of a way back; `error` says what went wrong."""

    step: Step
    outcome: Literal["done", "failed", "rolled back"]
    note: str = ""
    error: PlumblineError | None = None


Around = Callable[[Step], AbstractContextManager[None]]
"""Entered for each step, while it is taken: a stopwatch, a phase of a watch."""


def perform(steps: Sequence[Step], around: Around) -> Iterator[Performed]:
    """Take the steps in order; each is told of as it ends.

    When one fails, it and what was done of its component before are undone, last first, and no
    more steps are taken: the way back is told of as one more.

    Raises:
        ValueError: a step stands before one that it needs; nothing is done then.
    """
    check(steps)
    return _take_in_order(steps, around)


def complete(procedures: Sequence[Sequence[Step]], around: Around) -> None:
    """Take several procedures side by side, each in its own order and none waiting for another.

    One that fails ends there, and nothing is undone.

    Raises:
        PlumblineError: the first that failed, when all have ended.
        ValueError: as for `perform`.
    """
    for steps in procedures:
        check(steps)
    side_by_side([partial(_complete, steps, around) for steps in procedures])


def check(steps: Sequence[Step]) -> None:
    """See that each step stands after those that it needs, as far as they are in the list.

    Raises:
        ValueError: one does not.
    """
    for place, step in enumerate(steps):
        for later in steps[place:]:
            if later.name in step.needs and later.cluster == step.cluster:
                raise ValueError(f"{step.name} needs {later.name}, which comes after it")


def side_by_side(jobs: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run jobs at once; the first error is raised when all have ended."""
    with ThreadPoolExecutor(max(1, len(jobs))) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def _take_in_order(steps: Sequence[Step], around: Around) -> Iterator[Performed]:
    done: list[Step] = []
    for step in steps:
        performed = _take(step, around)
        yield performed
        if performed.outcome != "done":
            former = [each for each in done if each.component == step.component]
            yield _back([*former, step], around)
            return
        done.append(step)


def _complete(steps: Sequence[Step], around: Around) -> None:
    for step in steps:
        performed = _take(step, around)
        if performed.error:
            raise performed.error


def _take(step: Step, around: Around) -> Performed:
    """Take one step; one that fails says why."""
    try:
        with around(step):
            step.do()
    except InterruptedRunError:
        raise
    except PlumblineError as error:
        return Performed(step, "failed", f"{error.expected}: {error.seen}", error)
    return Performed(step, "done")


def _back(steps: Sequence[Step], around: Around) -> Performed:
    """Undo steps of one component, last first, as a step of its own."""

    def undo() -> None:
        for step in reversed(steps):
            step.undo()

    failed = steps[-1]
    back = Step(f"{failed.component} taken back", failed.component, failed.cluster, undo)
    performed = _take(back, around)
    if performed.outcome == "done":
        return Performed(back, "rolled back", f"{failed.component} is as it was before")
    return performed
