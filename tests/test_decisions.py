"""What Cilium tells of connections, as it is read, and as it is held against what was sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.history import History
from fixtures.history.verdict import Outcome
from fixtures.lab.decisions import (
    EGRESS,
    INGRESS,
    Account,
    Decision,
    Side,
    parse_counters,
    parse_decisions,
    parse_lost,
    parse_withheld,
)
from suites.defence_in_depth.recorded import CALLS, COUNT, Call, Recorded, are_told
from suites.defence_in_depth.requests import GUEST, PLAIN, RUNAWAY, TCP, WALLED
from tests.histories import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    REFUSED,
    STARVED,
    TIMEOUT,
    UNAVAILABLE,
    Answer,
    exchanges,
    window,
)

SERVED: Answer = {"status": 200, "service": WALLED}
SILENT: Answer = {**TIMEOUT, "sent": 0.0, "received": 0.91}
PODS = {name: f"{name}-abc" for name in (PLAIN, GUEST, RUNAWAY, WALLED)}
AT_THE_WALL, AT_HOME = ("POLICY_DENY", INGRESS), ("POLICY_DENIED", EGRESS)
FIRST = 40_000


def flow(**fields: Any) -> str:
    whole = {
        "verdict": "DROPPED",
        "drop_reason_desc": "POLICY_DENIED",
        "event_type": {"type": 5},
        "traffic_direction": "EGRESS",
        "source": {"identity": 70_000, "labels": ["k8s:app=guest"], "pod_name": "guest-1"},
        "destination": {"identity": 70_001, "labels": ["k8s:app=walled"], "pod_name": "walled-1"},
        "l4": {"TCP": {"source_port": 40_000, "destination_port": 3000}},
    }
    return json.dumps({"flow": {**whole, **fields}})


def test_a_decision_has_both_ends_and_the_ports() -> None:
    (decision,) = parse_decisions([flow()])
    assert decision.is_verdict
    assert decision.dropped
    assert (decision.reason, decision.direction) == ("POLICY_DENIED", "EGRESS")
    assert decision.source == Side("guest-1", 70_000, frozenset({"k8s:app=guest"}))
    assert decision.destination.identity == 70_001
    assert (decision.port, decision.source_port) == ("3000/TCP", 40_000)


def test_a_drop_is_told_from_a_verdict_and_other_events_are_none() -> None:
    lines = [flow(event_type={"type": kind}) for kind in (1, 4, 5)]
    assert [each.is_verdict for each in parse_decisions(lines)] == [False, True]


def test_what_a_flow_leaves_out_is_empty() -> None:
    bare = json.dumps({"flow": {"verdict": "FORWARDED", "event_type": {"type": 5}}})
    lost = json.dumps({"lost_events": {"num_events_lost": "1"}})
    lines = ["", " \n", lost, json.dumps({"flow": None}), bare]
    (decision,) = parse_decisions(lines)
    nobody = Side("", 0, frozenset())
    assert decision == Decision(False, True, "", "", nobody, nobody, "", 0)


def test_a_datagram_has_its_ports_and_an_echo_request_none() -> None:
    layers = [
        {"UDP": {"source_port": 1, "destination_port": 53}},
        {"ICMPv4": {"type": 8}},
    ]
    decisions = parse_decisions(flow(l4=layer) for layer in layers)
    assert [(d.port, d.source_port) for d in decisions] == [("53/UDP", 1), ("", 0)]


def test_lost_events_are_summed() -> None:
    lost = [{"source": "HUBBLE_RING_BUFFER", "num_events_lost": n} for n in ("3", 4)]
    lines = [json.dumps({"lost_events": each}) for each in lost]
    assert parse_lost([*lines, flow(), ""]) == 7
    assert parse_lost([flow()]) == 0


def test_counters_are_of_policies_and_summed_over_the_places_that_drop() -> None:
    def entry(reason: str, direction: str, packets: int) -> dict[str, Any]:
        return {"reason": reason, "direction": direction, "packets": packets, "line": packets}

    counts = parse_counters(
        [
            entry("Policy denied", "ingress", 3),
            entry("Policy denied", "ingress", 4),
            entry("Policy denied", "egress", 5),
            entry("Policy denied by denylist", "ingress", 6),
            entry("Success", "ingress", 7),
        ]
    )
    assert counts == {
        ("POLICY_DENIED", INGRESS): 7,
        ("POLICY_DENIED", EGRESS): 5,
        ("POLICY_DENY", INGRESS): 6,
    }


def test_what_is_beyond_the_limit_is_of_events_alone() -> None:
    name = "cilium_bpf_ratelimit_dropped_total"
    metrics = [
        {"name": name, "labels": {"usage": ""}, "value": 8537},
        {"name": name, "labels": {"usage": "events"}, "value": 12},
        {"name": "cilium_bpf_map_capacity", "labels": {"usage": "events"}, "value": 64},
    ]
    assert parse_withheld(metrics) == 12
    assert parse_withheld([{"name": name, "labels": {"usage": "events"}}]) == 0
    assert parse_withheld([]) == 0


def decision(call: Call, number: int, *, verdict: bool, **other: Any) -> Decision:
    fields = {
        "dropped": bool(call.reason),
        "is_verdict": verdict,
        "reason": call.reason,
        "direction": call.direction,
        "source": Side(PODS[call.who], 70_000, frozenset({f"k8s:app={call.who}"})),
        "destination": Side(PODS[WALLED], 70_001, frozenset({f"k8s:app={WALLED}"})),
        "port": TCP,
        "source_port": FIRST + number,
    }
    return Decision(**{**fields, **other})


def events(call: Call, count: int = COUNT) -> list[Decision]:
    """What is told of so many connections: a verdict each, and a drop of what is denied."""
    some = [decision(call, number, verdict=True) for number in range(count)]
    if call.reason:
        some += [decision(call, number, verdict=False) for number in range(count)]
    return some


ALL = [event for call in CALLS for event in events(call)]
OTHERS = decision(CALLS[1], 0, verdict=False, source=Side("another", 70_002, frozenset()))


def sent(**answers: Answer) -> History:
    """What became of each client's requests, as it should be, but for these."""
    wanted = {PLAIN: SERVED, GUEST: SILENT, RUNAWAY: SILENT} | answers
    parts = (
        exchanges(*[answer] * COUNT, stream=f"{who}->{WALLED}") for who, answer in wanted.items()
    )
    return sum(parts, History())


def recorded(decisions: list[Decision] | None = None, **other: Any) -> Recorded:
    fields: dict[str, Any] = {
        "history": sent(),
        "pods": PODS,
        "account": Account(tuple(ALL if decisions is None else decisions)),
        "before": {AT_THE_WALL: 7},
        "after": {AT_THE_WALL: 7 + COUNT, AT_HOME: COUNT},
    }
    return Recorded(**{**fields, **other})


def judged(some: Recorded) -> Outcome:
    return are_told(some)(some.history).outcome


def test_what_is_told_as_it_was_passes() -> None:
    verdict = are_told(recorded())(sent())
    assert verdict.outcome is PASS
    assert verdict.numbers[f"{GUEST}->{WALLED}.drops"] == COUNT
    assert verdict.numbers["EGRESS POLICY_DENIED.counted"] == COUNT


@pytest.mark.parametrize("missing", range(len(ALL)))
def test_one_event_that_is_missing_is_a_failure(missing: int) -> None:
    assert judged(recorded(ALL[:missing] + ALL[missing + 1 :])) is FAIL


@pytest.mark.parametrize("lost", [{"withheld": 1}, {"account": Account(tuple(ALL[1:]), lost=1)}])
def test_events_that_were_lost_leave_it_open(lost: dict[str, Any]) -> None:
    assert judged(recorded(**{"account": Account(tuple(ALL[1:])), **lost})) is INCONCLUSIVE


def test_losses_that_were_of_others_change_nothing() -> None:
    assert judged(recorded(withheld=3)) is PASS


@pytest.mark.parametrize("who", [GUEST, RUNAWAY])
@pytest.mark.parametrize("answer", [SERVED, UNAVAILABLE])
def test_what_was_let_through_is_a_failure_whatever_was_lost(who: str, answer: Answer) -> None:
    assert judged(recorded(history=sent(**{who: answer}), withheld=9)) is FAIL


def test_an_allowed_one_that_was_not_served_is_a_failure() -> None:
    assert judged(recorded(history=sent(**{PLAIN: TIMEOUT}))) is FAIL


def test_a_drop_of_what_was_served_is_a_failure() -> None:
    wrong = decision(CALLS[0], 0, verdict=False, dropped=True, reason="POLICY_DENIED")
    assert judged(recorded([*ALL, wrong])) is FAIL


def test_what_was_hung_up_on_is_no_drop() -> None:
    assert judged(recorded(history=sent(**{GUEST: REFUSED}))) is INCONCLUSIVE


def test_what_was_never_sent_leaves_it_open() -> None:
    assert judged(recorded(history=sent(**{GUEST: STARVED}))) is not PASS


@pytest.mark.parametrize(
    "other",
    [
        {"direction": EGRESS},
        {"reason": "POLICY_DENIED"},
        {"source": Side(PODS[GUEST], 0, frozenset({f"k8s:app={GUEST}"}))},
        {"destination": Side(PODS[WALLED], 0, frozenset({f"k8s:app={WALLED}"}))},
        {"source": Side(PODS[GUEST], 70_000, frozenset())},
        {"destination": Side(PODS[WALLED], 70_001, frozenset())},
        {"dropped": False},
        {"port": "3001/TCP"},
    ],
)
@pytest.mark.parametrize("verdict", [True, False])
def test_an_event_that_tells_something_else_is_a_failure(
    other: dict[str, Any], verdict: bool
) -> None:
    wrong = decision(CALLS[1], 0, verdict=verdict, **other)
    right = decision(CALLS[1], 0, verdict=verdict)
    assert judged(recorded([wrong if each == right else each for each in ALL])) is FAIL


def test_what_a_client_sends_elsewhere_may_be_of_a_time_before_the_counters() -> None:
    elsewhere = decision(CALLS[2], 0, verdict=False, destination=Side("b", 1, frozenset()))
    for more in (0, 1):
        after = {AT_THE_WALL: 7 + COUNT, AT_HOME: COUNT + more}
        assert judged(recorded([*ALL, elsewhere], after=after)) is PASS


@pytest.mark.parametrize(
    ("rise", "others", "outcome"),
    [
        (COUNT, 0, PASS),
        (COUNT - 1, 0, FAIL),
        (COUNT + 1, 0, FAIL),
        (COUNT, 2, PASS),
        (COUNT + 2, 2, PASS),
        (COUNT + 3, 2, FAIL),
    ],
)
def test_the_counter_rises_by_what_was_dropped(rise: int, others: int, outcome: Outcome) -> None:
    after = {AT_THE_WALL: 7 + rise, AT_HOME: COUNT}
    assert judged(recorded([*ALL, *[OTHERS] * others], after=after)) is outcome


def test_a_syn_is_sent_again_after_a_second_and_dropped_again() -> None:
    again = [decision(CALLS[1], 0, verdict=verdict) for verdict in (True, False)]
    after = {AT_THE_WALL: 8 + COUNT, AT_HOME: COUNT}
    assert judged(recorded([*ALL, *again], after=after)) is FAIL
    late = sent(**{GUEST: {**SILENT, "received": 1.2}})
    assert judged(recorded([*ALL, *again], after=after, history=late)) is PASS


def test_a_pressed_machine_may_have_sent_too_little() -> None:
    pressed = sent() + History((), [window(began=0.0, ended=1.0, stalled=0.95)])
    assert judged(recorded(ALL[1:], history=pressed)) is INCONCLUSIVE
    leaked = replace(recorded(), history=sent(**{GUEST: SERVED}) + pressed.where(lambda _: False))
    assert judged(leaked) is FAIL


@given(st.permutations(range(len(ALL))))
def test_the_order_of_the_events_says_nothing(order: list[int]) -> None:
    assert judged(recorded([ALL[place] for place in order])) is PASS
