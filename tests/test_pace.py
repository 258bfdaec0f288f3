"""Pace: slower where most is lost, faster again where nothing is, and unmoved by a short stall."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from pace import LONGEST, MOST, PATIENCE, SPAN, Pace

INTERVAL = 0.1


def sent(pace: Pace, seconds: float, lost: Callable[[float], bool], start: float = 0.0) -> int:
    """Tell of a stream that lasts so long; how many requests it sent."""
    n = 0
    for seq in range(round(seconds / INTERVAL)):
        if not pace.skips(seq):
            due = start + seq * INTERVAL
            pace.told(due, lost=lost(due))
            n += 1
    return n


def test_all_is_sent_as_long_as_it_can_be() -> None:
    assert sent(Pace(), 10 * SPAN, lambda _: False) == 10 * SPAN / INTERVAL


def test_a_stall_of_a_second_or_two_changes_nothing() -> None:
    pace = Pace()
    sent(pace, 10 * SPAN, lambda due: 7 < due < 9)
    assert pace.stride == 1


def test_a_stream_that_loses_most_sends_half_and_half_again_to_an_end() -> None:
    pace = Pace()
    sent(pace, 2.5 * SPAN, lambda _: True)
    assert pace.stride == 4
    sent(pace, 20 * SPAN, lambda _: True, start=100.0)
    assert pace.stride == MOST


def test_what_is_sent_is_spread_evenly() -> None:
    pace = Pace(stride=4)
    assert [seq for seq in range(12) if not pace.skips(seq)] == [0, 4, 8]


def test_it_takes_patience_to_be_faster_again() -> None:
    pace = Pace(stride=4)
    sent(pace, SPAN * PATIENCE, lambda _: False)
    assert pace.stride == 4
    sent(pace, SPAN, lambda _: False, start=100.0)
    assert pace.stride == 2


def spans_until_faster(pace: Pace, start: float) -> int:
    """After how many spans that went well a stream is made faster."""
    before = pace.stride
    for n in range(1, 2 * LONGEST):
        sent(pace, SPAN, lambda _: False, start=start + n * SPAN)
        if pace.stride < before:
            return n
    raise AssertionError("it never was")


def test_who_was_made_faster_in_vain_waits_twice_as_long_for_the_next_time() -> None:
    pace, took, start = Pace(stride=4), [], 0.0
    for _ in range(4):
        took.append(spans_until_faster(pace, start))
        start += 100 * SPAN
        sent(pace, 2 * SPAN, lambda _: True, start=start)  # at once too fast
        pace.stride = 4
        start += 100 * SPAN
    assert took[1:] == sorted(took[1:])
    assert took[-1] > took[0]


def test_what_is_lost_now_and_then_leaves_it_as_it_is() -> None:
    pace = Pace(stride=4)
    sent(pace, SPAN * 20, lambda due: round(due / INTERVAL / 4) % 4 == 0)
    assert pace.stride == 4


@given(st.lists(st.booleans(), max_size=300))
def test_a_stride_is_a_power_of_two_within_bounds(losses: list[bool]) -> None:
    pace = Pace()
    for place, lost in enumerate(losses):
        pace.told(place * SPAN / 3, lost=lost)
        assert pace.stride in {1, 2, 4, 8, 16, MOST}


def test_what_nobody_answers_is_lost_too() -> None:
    pace = Pace()
    for seq in range(round(2 * SPAN / INTERVAL)):
        pace.told(seq * INTERVAL, lost=False)
        pace.missed()
    assert pace.skips(1)
    assert not pace.skips(2)
