"""What network isolation makes of requests: dropped, answered, refused; and who knocks."""

from __future__ import annotations

import socket

import pytest

from fixtures.checks import Drop
from fixtures.history.verdict import Outcome
from fixtures.traffic.pod import knocking
from suites.security.by_name import BEYOND, resembling
from suites.security.isolated import Knocks, answered, are_held, dropped, reached, refused
from tests.histories import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    REFUSED,
    RESET,
    STARVED,
    TIMEOUT,
    WEB,
    Answer,
    drop,
    exchanges,
)

OWN = drop(port="80/TCP")


@pytest.mark.parametrize(
    ("answers", "drops", "outcome"),
    [
        ((TIMEOUT, TIMEOUT), [OWN], PASS),
        ((TIMEOUT, REFUSED), [OWN], FAIL),
        ((TIMEOUT, RESET), [OWN], FAIL),
        ((TIMEOUT, WEB), [OWN], FAIL),
        ((TIMEOUT, TIMEOUT), [], INCONCLUSIVE),
        ((TIMEOUT, TIMEOUT), [drop(port="81/TCP")], INCONCLUSIVE),
        ((TIMEOUT, TIMEOUT), [drop(port="80/TCP", reason="STALE")], INCONCLUSIVE),
        ((TIMEOUT, STARVED), [OWN], INCONCLUSIVE),
        ((), [OWN], INCONCLUSIVE),
    ],
)
def test_what_is_dropped_is_silent_and_told(
    answers: tuple[Answer, ...], drops: list[Drop], outcome: Outcome
) -> None:
    check = dropped(drops, ["k8s:app=backend"], ["k8s:app=frontend"], "80/TCP")
    assert check(exchanges(*answers)).outcome is outcome


@pytest.mark.parametrize(
    ("answer", "is_answered", "is_reached", "is_refused"),
    [
        (WEB, PASS, PASS, FAIL),
        ({"status": 400}, PASS, PASS, FAIL),
        (REFUSED, FAIL, FAIL, PASS),
        (RESET, FAIL, PASS, FAIL),
        (TIMEOUT, FAIL, FAIL, FAIL),
    ],
)
def test_controls_are_answered_reached_or_refused(
    answer: Answer, is_answered: Outcome, is_reached: Outcome, is_refused: Outcome
) -> None:
    history = exchanges(answer)
    assert answered()(history).outcome is is_answered
    assert reached()(history).outcome is is_reached
    assert refused()(history).outcome is is_refused


def test_names_that_resemble_one_are_drawn() -> None:
    drawn = {each for seed in range(9) for each in resembling(seed)}
    assert len(drawn) == len([each for each in drawn if BEYOND in each and each != BEYOND]) == 27
    assert resembling(3) == resembling(3)


HELD, OPEN = Knocks(tries=9, through=0, first=-1), Knocks(tries=9, through=8, first=0.01)


@pytest.mark.parametrize(
    ("one", "free", "drops", "outcome"),
    [
        (HELD, OPEN, [OWN], PASS),
        (OPEN, OPEN, [OWN], FAIL),
        (HELD, HELD, [OWN], FAIL),
        (HELD, OPEN, [], INCONCLUSIVE),
        (HELD, OPEN, [drop(reason="STALE")], INCONCLUSIVE),
        (Knocks(tries=0, through=0, first=-1), OPEN, [OWN], INCONCLUSIVE),
    ],
)
def test_a_new_pod_is_under_its_policy(
    one: Knocks, free: Knocks, drops: list[Drop], outcome: Outcome
) -> None:
    assert are_held({"one": one, "other": HELD}, free, drops).outcome is outcome


@pytest.mark.parametrize("listens", [True, False])
def test_who_knocks_comes_through_to_a_host_that_answers(listens: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not listens:
            server.close()
        said = Knocks.model_validate(knocking.knock("127.0.0.1", port, 0.2, 0.01))
    assert said.tries > 1
    assert said.through > 0
    assert said.first >= 0


def test_who_knocks_at_nobody_never_comes_through() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        port = server.getsockname()[1]
        full = [socket.socket() for _ in range(4)]
        for one in full:  # a queue that is full drops what comes, as a policy does
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        said = knocking.knock("127.0.0.1", port, 0.2, 0.05)
        for one in full:
            one.close()
    assert (said["through"], said["first"]) == (0, -1)
