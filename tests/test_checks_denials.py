"""Denials: what the backend's record and Cilium's drops prove, and what they leave open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import checks
from fixtures.checks import Drop
from fixtures.history import History
from fixtures.history.verdict import Outcome
from tests.histories import (
    DENIED,
    FAIL,
    INCONCLUSIVE,
    PASS,
    RESET,
    TIMEOUT,
    WEB,
    Answer,
    drop,
    exchanges,
    under,
)

REFUSED_ONES = exchanges(DENIED, DENIED, stream="refused")
ALLOWED_ONES = exchanges(WEB, WEB, stream="allowed")
ALLOWED_NONCES = ["allowed-0", "allowed-1"]


@pytest.mark.parametrize(
    ("history", "seen", "outcome"),
    [
        (REFUSED_ONES + ALLOWED_ONES, ALLOWED_NONCES, PASS),
        (REFUSED_ONES + ALLOWED_ONES, [*ALLOWED_NONCES, "elsewhere-7"], PASS),
        (REFUSED_ONES + ALLOWED_ONES, [*ALLOWED_NONCES, "refused-1"], FAIL),
        (REFUSED_ONES + ALLOWED_ONES, ["refused-1"], FAIL),
        (REFUSED_ONES + ALLOWED_ONES, ALLOWED_NONCES[:1], INCONCLUSIVE),
        (REFUSED_ONES + ALLOWED_ONES, [], INCONCLUSIVE),
        (REFUSED_ONES, [], INCONCLUSIVE),
        (ALLOWED_ONES, ALLOWED_NONCES, INCONCLUSIVE),
        (ALLOWED_ONES + exchanges(DENIED, stream="refused", url="http://b/"), [], INCONCLUSIVE),
        (History(), ALLOWED_NONCES, INCONCLUSIVE),
    ],
)
def test_what_was_refused_must_not_be_in_the_backends_record(
    history: History, seen: list[str], outcome: Outcome
) -> None:
    verdict = checks.never_reached(seen, refused=["refused"], allowed=["allowed"])(history)
    assert verdict.outcome is outcome, verdict.reason


@pytest.mark.parametrize(
    ("history", "seen", "reason", "numbers"),
    [
        (
            REFUSED_ONES + ALLOWED_ONES,
            ALLOWED_NONCES,
            "none of 2 refused requests reached the backend",
            {"n": 2, "reached": 0, "control": 2},
        ),
        (
            REFUSED_ONES + ALLOWED_ONES + exchanges(WEB, stream="other"),
            ["refused-1", "allowed-0", "other-0"],
            "1 of 4 were refused and yet reached the backend; the first:"
            " GET http://backend/?nonce=refused-1 as default/frontend, refused 1: 403 by",
            {"n": 2, "reached": 1, "control": 1},
        ),
        (
            REFUSED_ONES + exchanges(WEB, stream="allowed", url="http://b/"),
            [],
            "1 of 3 were sent without a nonce; the first: GET http://b/",
            {"n": 2, "reached": 0, "control": 0},
        ),
        (REFUSED_ONES, [], "no refused request, or no positive control, was sent", {"n": 2}),
        (ALLOWED_ONES, ALLOWED_NONCES, "no refused request, or no", {"n": 0, "control": 2}),
        (
            REFUSED_ONES + ALLOWED_ONES,
            ["allowed-1"],
            "1 of 2 were allowed, but not in the backend's record; the first:",
            {"n": 2, "reached": 0, "control": 1},
        ),
    ],
)
def test_what_the_backends_record_shows_is_said(
    history: History, seen: list[str], reason: str, numbers: dict[str, int]
) -> None:
    verdict = checks.never_reached(seen, refused=["refused"], allowed=["allowed"])(history)
    assert verdict.reason.startswith(reason)
    assert numbers.items() <= verdict.numbers.items()


@given(
    st.integers(0, 3), st.integers(0, 3), st.sets(st.sampled_from(["refused-0", *ALLOWED_NONCES]))
)
def test_a_record_proves_a_refusal_only_if_it_has_every_twin(
    refused: int, allowed: int, seen: set[str]
) -> None:
    history = exchanges(*[DENIED] * refused, stream="refused")
    history += exchanges(*[WEB] * allowed, stream="allowed")
    verdict = checks.never_reached(seen, refused=["refused"], allowed=["allowed"])(history)
    kept = {f"allowed-{n}" for n in range(allowed)} <= seen
    leaked = refused > 0 and "refused-0" in seen
    assert (verdict.outcome is FAIL) == leaked
    assert verdict.passed == (refused > 0 and allowed > 0 and kept and not leaked)


def test_nonces_are_read_from_urls_and_logs_alike() -> None:
    log = (
        "Echoing back request made to /api?nonce=a-1 to client (10.0.0.1:5)\n"
        "Echoing back request made to /?x=1&nonce=b-2&y to client (10.0.0.1:6)\n"
        "Echoing back request made to /nonce=c-3 to client (10.0.0.1:7)\n"
    )
    assert checks.nonces(log) == {"a-1", "b-2"}
    assert checks.nonces("http://b/../%2f?nonce=d-4") == {"d-4"}


@pytest.mark.parametrize(
    ("drops", "outcome"),
    [
        ([drop(port="3001/TCP")], PASS),
        ([drop(port="3000/TCP"), drop(port="3001/TCP")], PASS),
        ([drop(port="3000/TCP")], INCONCLUSIVE),
        ([drop()], INCONCLUSIVE),
    ],
)
def test_a_drop_at_one_port_proves_nothing_of_another(drops: list[Drop], outcome: Outcome) -> None:
    check = checks.denied_l4(drops, ["k8s:app=backend"], ["k8s:app=frontend"], port="3001/TCP")
    assert check(exchanges(TIMEOUT)).outcome is outcome


def test_a_nodes_drop_is_of_whichever_cluster_the_client_is_in() -> None:
    node = frozenset({"reserved:remote-node"})
    drops = [drop(source_labels=node, source_cluster="")]
    assert checks.denied_l4(drops, node)(exchanges(TIMEOUT)).outcome is PASS
    assert checks.not_dropped(drops, node)(exchanges(TIMEOUT)).outcome is FAIL
    assert checks.denied_l4(drops, ["k8s:app=backend"])(exchanges(TIMEOUT)).outcome is INCONCLUSIVE


@pytest.mark.parametrize(
    ("answers", "drops", "outcome"),
    [
        ([WEB] * 3, [], PASS),
        ([WEB] * 3, [drop()], PASS),
        ([WEB, TIMEOUT], [], PASS),
        ([WEB, TIMEOUT], [drop()], FAIL),
        ([WEB, TIMEOUT], [drop(reason="POLICY_DENY")], FAIL),
        ([WEB, RESET], [drop()], PASS),
        ([WEB, TIMEOUT], [drop(reason="CT_MAP_INSERTION_FAILED")], PASS),
        ([WEB, TIMEOUT], [drop(source_cluster="azure-cluster")], PASS),
        ([WEB, TIMEOUT], [drop(source_labels=frozenset({"k8s:app=other"}))], PASS),
        ([WEB, TIMEOUT], [drop(destination_labels=frozenset())], PASS),
        ([], [drop()], INCONCLUSIVE),
    ],
)
def test_silence_that_cilium_owns_up_to_is_a_failure(
    answers: list[Answer], drops: list[Drop], outcome: Outcome
) -> None:
    check = checks.not_dropped(drops, ["k8s:app=backend"], ["k8s:app=frontend"])
    assert check(exchanges(*answers)).outcome is outcome


def test_a_drop_outweighs_the_pressure_that_excuses_silence() -> None:
    history = under(0.95, WEB, TIMEOUT)
    served = checks.all_answered_by("web-service")
    dropped = checks.not_dropped([drop()], ["k8s:app=backend"])
    assert served(history).outcome is INCONCLUSIVE
    assert checks.every(served, dropped)(history).outcome is FAIL
