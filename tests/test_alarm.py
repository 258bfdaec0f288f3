"""The alarm: never before its moment, at once after it, and others run meanwhile."""

from __future__ import annotations

import time

import gevent
from alarm import Alarm
from hypothesis import given
from hypothesis import strategies as st


@given(st.floats(min_value=-0.01, max_value=0.003))
def test_it_does_not_ring_before_its_moment(ahead: float) -> None:
    alarm, moment = Alarm(), time.monotonic() + ahead
    for _ in range(2):  # the second is over already
        alarm.wait(moment)
        assert time.monotonic() >= moment


def test_others_run_while_one_waits() -> None:
    order: list[str] = []

    def waiting(name: str, moment: float) -> None:
        Alarm().wait(moment)
        order.append(name)

    now = time.monotonic()
    moments = {"last": 0.06, "first": 0.02, "second": 0.04}
    gevent.joinall([gevent.spawn(waiting, name, now + wait) for name, wait in moments.items()])
    assert order == ["first", "second", "last"]


def test_who_waits_can_be_ended() -> None:
    waiting = gevent.spawn(Alarm().wait, time.monotonic() + 60)
    gevent.sleep(0)
    waiting.kill(timeout=5)
    assert waiting.ready()
