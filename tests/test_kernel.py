"""What is asked of the kernel: an alarm that is never early, and turns that it may refuse."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel import Alarm, hasten


@pytest.fixture
def alarm() -> Iterator[Alarm]:
    alarm = Alarm()
    yield alarm
    alarm.close()


def rung(alarm: Alarm, seconds: float) -> float | None:
    """When it rang, if it did in so many seconds."""
    waiting = select.epoll()
    waiting.register(alarm.fileno(), select.EPOLLIN | select.EPOLLET)
    events = waiting.poll(seconds)
    waiting.close()
    return time.monotonic() if events else None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.floats(min_value=-0.01, max_value=0.003))
def test_it_does_not_ring_before_its_moment(alarm: Alarm, ahead: float) -> None:
    moment = time.monotonic() + ahead
    alarm.set(moment)
    at = rung(alarm, 5)
    assert at is not None
    assert at >= moment


def test_a_moment_long_past_rings_at_once(alarm: Alarm) -> None:
    alarm.set(-1.0)
    assert rung(alarm, 5) is not None


def test_set_anew_it_is_silent_until_the_new_moment(alarm: Alarm) -> None:
    alarm.set(time.monotonic())
    assert rung(alarm, 5) is not None
    alarm.set(time.monotonic() + 60)
    assert rung(alarm, 0.02) is None


def test_a_kernel_that_gives_no_short_turns_is_no_error() -> None:
    assert hasten() in (True, False)
