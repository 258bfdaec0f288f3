"""Adaptive rate: slower where most is lost, faster where nothing is, unmoved by a short stall."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from rate import LONGEST, MOST, PATIENCE, SPAN, AdaptiveRate

INTERVAL = 0.1


def sent(
    rate: AdaptiveRate, seconds: float, lost: Callable[[float], bool], start: float = 0.0
) -> int:
    """Tell of a stream that lasts so long; how many requests it sent."""
    n = 0
    for seq in range(round(seconds / INTERVAL)):
        if not rate.skips(seq):
            due = start + seq * INTERVAL
            rate.record(due, lost=lost(due))
            n += 1
    return n


def test_all_is_sent_as_long_as_it_can_be() -> None:
    assert sent(AdaptiveRate(), 10 * SPAN, lambda _: False) == 10 * SPAN / INTERVAL


def test_a_stall_of_a_second_or_two_changes_nothing() -> None:
    rate = AdaptiveRate()
    sent(rate, 10 * SPAN, lambda due: 7 < due < 9)
    assert rate.stride == 1


def test_a_stream_that_loses_most_sends_half_and_half_again_to_an_end() -> None:
    rate = AdaptiveRate()
    sent(rate, 2.5 * SPAN, lambda _: True)
    assert rate.stride == 4
    sent(rate, 20 * SPAN, lambda _: True, start=100.0)
    assert rate.stride == MOST


def test_what_is_sent_is_spread_evenly() -> None:
    rate = AdaptiveRate(stride=4)
    assert [seq for seq in range(12) if not rate.skips(seq)] == [0, 4, 8]


def test_it_takes_patience_to_be_faster_again() -> None:
    rate = AdaptiveRate(stride=4)
    sent(rate, SPAN * PATIENCE, lambda _: False)
    assert rate.stride == 4
    sent(rate, SPAN, lambda _: False, start=100.0)
    assert rate.stride == 2


def spans_until_faster(rate: AdaptiveRate, start: float) -> int:
    """After how many spans that went well a stream is made faster."""
    before = rate.stride
    for n in range(1, 2 * LONGEST):
        sent(rate, SPAN, lambda _: False, start=start + n * SPAN)
        if rate.stride < before:
            return n
    raise AssertionError("it never was")


def test_who_was_made_faster_in_vain_waits_twice_as_long_for_the_next_time() -> None:
    rate, took, start = AdaptiveRate(stride=4), [], 0.0
    for _ in range(4):
        took.append(spans_until_faster(rate, start))
        start += 100 * SPAN
        sent(rate, 2 * SPAN, lambda _: True, start=start)  # at once too fast
        rate.stride = 4
        start += 100 * SPAN
    assert took[1:] == sorted(took[1:])
    assert took[-1] > took[0]


def test_what_is_lost_now_and_then_leaves_it_as_it_is() -> None:
    rate = AdaptiveRate(stride=4)
    sent(rate, SPAN * 20, lambda due: round(due / INTERVAL / 4) % 4 == 0)
    assert rate.stride == 4


@given(st.lists(st.booleans(), max_size=300))
def test_a_stride_is_a_power_of_two_within_bounds(losses: list[bool]) -> None:
    rate = AdaptiveRate()
    for place, lost in enumerate(losses):
        rate.record(place * SPAN / 3, lost=lost)
        assert rate.stride in {1, 2, 4, 8, 16, MOST}


def test_what_nobody_answers_is_lost_too() -> None:
    rate = AdaptiveRate()
    for seq in range(round(2 * SPAN / INTERVAL)):
        rate.record(seq * INTERVAL, lost=False)
        rate.missed()
    assert rate.skips(1)
    assert not rate.skips(2)
