"""Comparison: two runs side by side. What newly fails, what newly passes, what became slower.

Pure: from two Results to a Comparison. It judges nothing that the runs have not judged, and a
shift of a time is told, never counted as a regression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from clusters.models import Frozen
from reports.schema import Requirement, Results

Change = Literal["regression", "fix", "new", "gone", "still red", "still green"]

# How far two runs of one train on one machine of 2 cores lie apart, measured over 4 in a row:
# the medians of loads by up to 1.9, their 99th percentiles by 4.2, and the medians of short
# streams, which share the cores with whatever else runs, by 26. So only the first are compared.
FACTOR = 2.5
LEAST_MS = 5.0
LEAST_N = 1_000
LATENCY = "p50_ms"


class Row(Frozen):
    """One requirement in both runs; the verdict is empty where it was not asked."""

    key: str
    sentence: str
    change: Change
    base: str
    new: str
    reason: str = Field(description="the new run's, or the base's if it is gone")


class Shift(Frozen):
    """A load's median latency that moved beyond the noise of two runs, in milliseconds."""

    key: str
    name: str
    base: float
    new: float

    def __str__(self) -> str:
        moved = f"{self.name} {self.base:.1f} → {self.new:.1f} ms"
        return f"slower or faster: {self.key} {moved}"


class Comparison(Frozen):
    """Two runs, by their names, and what differs. `warnings` say what makes them unlike."""

    base: str
    new: str
    rows: tuple[Row, ...]
    shifts: tuple[Shift, ...] = ()
    warnings: tuple[str, ...] = ()

    def of(self, *changes: Change) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.change in changes)

    @property
    def regressed(self) -> bool:
        """Whether anything that passed no longer does, or is no longer asked."""
        return bool(self.of("regression", "gone"))


def compare(base: Results, new: Results) -> Comparison:
    """The new run beside the base."""
    before = {requirement.key: requirement for requirement in base.requirements}
    after = {requirement.key: requirement for requirement in new.requirements}
    keys = dict.fromkeys((*before, *after))
    return Comparison(
        base=base.run,
        new=new.run,
        rows=tuple(_row(key, before.get(key), after.get(key)) for key in keys),
        shifts=tuple(_shifts(before, after)),
        warnings=tuple(_unlike(base, new)),
    )


def _row(key: str, base: Requirement | None, new: Requirement | None) -> Row:
    requirement = new or base
    if requirement is None:  # a key is of one of both
        raise KeyError(key)
    return Row(
        key=key,
        sentence=requirement.sentence,
        change=_change(base, new),
        base=base.verdict if base else "",
        new=new.verdict if new else "",
        reason=requirement.reason,
    )


def _change(base: Requirement | None, new: Requirement | None) -> Change:
    if base is None:
        return "new"
    if new is None:
        return "gone"
    change: Change = "still red"
    match base.verdict, new.verdict:
        case "pass", "pass":
            change = "still green"
        case "pass", _:
            change = "regression"
        case _, "pass":
            change = "fix"
        case "skip", "fail" | "inconclusive":
            change = "regression"  # it was not red, and now it is
    return change


def _shifts(before: Mapping[str, Requirement], after: Mapping[str, Requirement]) -> Iterator[Shift]:
    for key in before.keys() & after.keys():
        old, young = before[key].numbers, after[key].numbers
        for name in sorted(old.keys() & young.keys()):
            group, _, number = name.rpartition(".")
            n = f"{group}.n" if group else "n"
            if number == LATENCY and min(_real(old.get(n)), _real(young.get(n))) >= LEAST_N:
                base, new = _real(old[name]), _real(young[name])
                if _beyond_noise(base, new):
                    yield Shift(key=key, name=name, base=base, new=new)


def _real(value: object) -> float:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if real else 0.0  # type: ignore[arg-type]


def _beyond_noise(base: float, new: float) -> bool:
    low, high = sorted((base, new))
    return high - low >= LEAST_MS and high >= FACTOR * low


def _unlike(base: Results, new: Results) -> Iterator[str]:
    """What a reader must know before believing a difference of times, or of verdicts."""
    if base.machine != new.machine:
        yield "the machines are not the same: times do not compare"
    if base.manifests != new.manifests:
        yield f"the manifests are not the same: {base.manifests} and {new.manifests}"
    for name in sorted({*base.versions, *new.versions}):
        versions = base.versions.get(name, "none"), new.versions.get(name, "none")
        if versions[0] != versions[1]:
            yield f"{name} {versions[0]} became {versions[1]}"
    for run in (base, new):
        if run.status == "interrupted":
            yield f"{run.run} was interrupted"
