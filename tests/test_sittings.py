"""What is asked once more, and what both sittings come to together."""

from __future__ import annotations

import pytest

from reports.schema import Results, Stage, Status
from suites.runs.sittings import MOST, SECOND, join, left_open
from tests.samples import requirement, results


def run(*verdicts: Status, **changed: object) -> Results:
    requirements = (requirement(v, id=f"CS{n}", **changed) for n, v in enumerate(verdicts, start=1))
    return results(requirements=tuple(requirements))


def test_only_what_the_environment_left_open_is_asked_again() -> None:
    first = run("pass", "inconclusive", "fail", "skip")
    assert [r.id for r in left_open(first)] == ["CS2"]
    assert left_open(run("pass", "fail")) == ()


OPEN: list[Status] = ["inconclusive"] * (MOST + 1)


def test_where_too_much_is_open_nothing_is_asked_again() -> None:
    assert len(left_open(run(*OPEN[:-1]))) == MOST
    assert left_open(run(*OPEN)) == ()


def test_an_interrupted_run_is_not_gone_on_with() -> None:
    first = run("inconclusive").model_copy(update={"status": "interrupted"})
    assert left_open(first) == ()


@pytest.mark.parametrize(
    ("again", "status"), [("pass", "passed"), ("fail", "failed"), ("inconclusive", "failed")]
)
def test_the_second_sitting_decides_and_the_first_is_told(again: Status, status: str) -> None:
    first = run("pass", "inconclusive", reason="starved", history="histories/CS2.jsonl")
    repeat = requirement(
        again, id="CS2", reason="seen", history="histories/CS2.jsonl", evidence="e"
    )
    both = join(first, results(requirements=(repeat,)))
    assert both.status == status
    assert both.requirements[0] == first.requirements[0]
    second = both.requirements[1]
    assert (second.verdict, second.reason) == (again, "seen (asked twice; at first: starved)")
    assert second.history == f"{SECOND}/histories/CS2.jsonl"
    assert second.evidence == f"{SECOND}/e"
    assert any(note.endswith(f"open: {first.requirements[1].key}.") for note in both.notes)


def test_what_was_not_asked_again_stays_as_it_was() -> None:
    first = run("inconclusive", "fail")
    both = join(first, results(requirements=()))
    assert both.requirements == first.requirements
    assert both.status == "failed"


def test_a_failure_of_the_first_sitting_stands() -> None:
    first = run("fail", "inconclusive")
    both = join(first, run("pass", "pass"))
    assert [r.verdict for r in both.requirements] == ["fail", "pass"]


def test_the_times_of_both_are_told() -> None:
    up = Stage(phase="up", name="create", started=0, seconds=1)
    suite = Stage(phase="suites", name="canary_split", started=0, seconds=2)
    second = run("pass").model_copy(update={"stages": (up, suite)})
    both = join(run("inconclusive"), second)
    added = both.stages[len(run("inconclusive").stages) :]
    assert [(s.phase, s.name) for s in added] == [(SECOND, "canary_split")]
