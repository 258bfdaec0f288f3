"""What a capture of the wire proves: that calls are sealed, and that whoever looks does see."""

from __future__ import annotations

import json

import pytest

from fixtures.checks import readable, sealed, unread
from fixtures.history.verdict import Outcome
from fixtures.history.wire import Capture, Flow
from tests.histories import FAIL, INCONCLUSIVE, PASS

ONE, OTHER, THIRD = "198.18.64.7", "198.18.80.9", "198.18.80.10"
PAIR = (ONE, OTHER)


def flow(source: str = ONE, target: str = OTHER, *marks: str, **changes: object) -> Flow:
    fields = {"source_port": 40_000, "target_port": 3000, "frames": 3, "bytes": 900}
    state = {"begun": True, "tls": True}
    whole = {"source": source, "target": target, "marks": marks, **fields, **state, **changes}
    return Flow.model_validate(whole)


@pytest.mark.parametrize(
    ("capture", "outcome"),
    [
        (Capture((flow(), flow(OTHER, ONE))), PASS),
        (Capture((flow(), flow(begun=False, tls=True))), PASS),
        (Capture((flow(), flow(THIRD, ONE, "m-1_", tls=False))), PASS),
        (Capture((flow(), flow(tls=False))), FAIL),
        (Capture((flow(), flow(OTHER, ONE, "m-1_"))), FAIL),
        (Capture((flow(), flow(ONE, OTHER, "m-1_", begun=False))), FAIL),
        (Capture(()), INCONCLUSIVE),
        (Capture((flow(begun=False),)), INCONCLUSIVE),
        (Capture((flow(THIRD, ONE),)), INCONCLUSIVE),
        (Capture((flow(),), lost=1), INCONCLUSIVE),
        (Capture((flow(),), died="killed"), INCONCLUSIVE),
    ],
)
def test_calls_are_sealed(capture: Capture, outcome: Outcome) -> None:
    assert sealed(capture, [PAIR]).outcome is outcome


def test_each_pair_is_looked_at() -> None:
    other = (ONE, THIRD)
    assert sealed(Capture((flow(),)), [PAIR, other]).outcome is INCONCLUSIVE
    both = Capture((flow(), flow(THIRD, ONE)))
    assert sealed(both, [PAIR, other]).numbers == {"frames": 6, "flows": 2}


@pytest.mark.parametrize(
    ("capture", "outcome"),
    [
        (Capture((flow(ONE, OTHER, "m-1_"), flow(OTHER, ONE, "m-2_"))), PASS),
        (Capture((flow(ONE, OTHER, "m-1_"), flow(OTHER, ONE, "m-1_"))), INCONCLUSIVE),
        (Capture((flow(ONE, THIRD, "m-1_", "m-2_"),)), INCONCLUSIVE),
        (Capture((flow(ONE, OTHER, "m-1_", "m-2_"),), lost=2), INCONCLUSIVE),
        (Capture((flow(ONE, OTHER, "m-1_", "m-2_"),), died="killed"), INCONCLUSIVE),
    ],
)
def test_plain_text_is_read(capture: Capture, outcome: Outcome) -> None:
    assert readable(capture, PAIR, 2).outcome is outcome


@pytest.mark.parametrize(
    ("capture", "outcome"),
    [
        (Capture(()), PASS),
        (Capture((flow(tls=False), flow(THIRD, ONE, "m-1_"))), PASS),
        (Capture((flow(ONE, OTHER, "m-1_"),)), FAIL),
        (Capture((), lost=1), INCONCLUSIVE),
        (Capture((), died="killed"), INCONCLUSIVE),
    ],
)
def test_no_mark_of_a_pair_is_read(capture: Capture, outcome: Outcome) -> None:
    assert unread(capture, [PAIR]).outcome is outcome


LINES = ["{}", flow().model_dump_json(), json.dumps({"lost": 4})]


def test_a_capture_is_what_the_program_wrote() -> None:
    assert Capture.parse(LINES, "ended", whole=True) == Capture((flow(),), 4)
    assert Capture.parse(LINES, "ended", whole=False) == Capture((flow(),), 4, "ended")
    assert Capture.parse(["{}", LINES[2]], "ended", whole=True) == Capture((), 4)


@pytest.mark.parametrize("lines", [[], ["{}"], LINES[:2], ["{}", "{", LINES[2]], ["{}", "[]"]])
def test_a_capture_that_was_cut_short_says_so(lines: list[str]) -> None:
    assert Capture.parse(lines, "killed", whole=True) == Capture((), died="killed")


def test_several_captures_are_one() -> None:
    whole = Capture((flow(),), 1, "a") + Capture((flow(OTHER, ONE),), 2, "b")
    assert whole == Capture((flow(), flow(OTHER, ONE)), 3, "a; b")
