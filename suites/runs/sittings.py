"""Sittings: what the environment left open is asked once more, alone, and both answers are told.

Pure: which requirements those are, and one run's results made of both sittings. A failure is
never asked again: only an inconclusive verdict is. So a run errs as often as two sittings do at
most: see docs/validation.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from fixtures.plugin.record import run_status
from reports.schema import Requirement, Results

SECOND = "second-sitting"
"""The folder, below the run's, and the stage."""

MOST = 20
"""Of more requirements left open, a second sitting is not the answer: the machine is too slow."""


def left_open(results: Results) -> tuple[Requirement, ...]:
    """The requirements to ask once more; none where there are too many for it to help."""
    inconclusive = tuple(r for r in results.requirements if r.verdict == "inconclusive")
    helps = results.status != "interrupted" and len(inconclusive) <= MOST
    return inconclusive if helps else ()


def join(first: Results, second: Results) -> Results:
    """The first sitting's results, with what the second came to in the place of what was open."""
    again = {r.key: r for r in second.requirements}
    requirements = tuple(_join(r, again) for r in first.requirements)
    names = ", ".join(r.key for r in left_open(first))
    note = f"Asked once more, alone, as the environment had left them open: {names}."
    stages = (s for s in second.stages if s.phase != "up")
    return first.model_copy(
        update={
            "requirements": requirements,
            "status": run_status(requirements, first.profile),
            "notes": tuple(dict.fromkeys((*first.notes, note, *second.notes))),
            "stages": (*first.stages, *(s.model_copy(update={"phase": SECOND}) for s in stages)),
        }
    )


def _join(first: Requirement, again: Mapping[str, Requirement]) -> Requirement:
    second = again.get(first.key)
    if first.verdict != "inconclusive" or second is None:
        return first
    files = {
        name: f"{SECOND}/{place}"
        for name in ("history", "evidence")
        if (place := getattr(second, name))
    }
    reason = f"{second.reason} (asked twice; at first: {first.reason})"
    return second.model_copy(update={**files, "reason": reason})
