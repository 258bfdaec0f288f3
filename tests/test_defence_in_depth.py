"""Defence in depth: what must become of each request, by histories made by hand."""

from __future__ import annotations

import pytest

from clusters.components.authority import Authority, new_root
from fixtures.checks import Drop
from fixtures.checks.denials import nonces
from fixtures.history import History
from fixtures.history.certificates import Handshake
from fixtures.history.verdict import Outcome
from suites.defence_in_depth.renewal import (
    KEEP_ALIVE,
    NEW,
    are_renewed,
    is_renewed,
    without_a_failure,
)
from suites.defence_in_depth.requests import (
    ALL,
    AT_THE_ENTRANCE,
    AT_THE_WALL,
    CONDITIONS,
    COUNT,
    GUEST,
    PAST_THE_SIDECAR,
    RUNAWAY,
    STRICT,
    WALLED,
    Request,
    are_held,
    are_walled_off,
    gain_nothing,
)
from suites.security.presented import Wanted, mint
from tests.histories import (
    DENIED,
    FAIL,
    INCONCLUSIVE,
    PASS,
    RESET,
    TIMEOUT,
    UNAVAILABLE,
    Answer,
    exchanges,
)

DROPS = tuple(
    Drop(
        reason="POLICY_DENY",
        source_labels=frozenset({f"k8s:app={who}"}),
        destination_labels=frozenset({f"k8s:app={WALLED}"}),
        source_cluster="aws-cluster",
        port="3000/TCP",
    )
    for who in (GUEST, RUNAWAY)
)
CUT_OFF = {r.name: RESET for r in PAST_THE_SIDECAR if not r.served and r.target == STRICT}
BOTH = [*CONDITIONS, *AT_THE_ENTRANCE]


def served(request: Request) -> Answer:
    return {"status": 200, "service": request.service}


def history(
    requests: tuple[Request, ...], refusal: Answer, other: dict[str, Answer] | None = None
) -> History:
    """What must become of each, but for the `other` answers by stream."""
    answers = {r.name: served(r) if r.served else refusal for r in requests} | (other or {})
    parts = (
        exchanges(*[answer] * COUNT, stream=f"{number}")
        for number, answer in enumerate(answers.values())
    )
    renamed = (
        History(e.model_copy(update={"stream": name}) for e in part)
        for name, part in zip(answers, parts, strict=True)
    )
    return sum(renamed, History())


def arrived(some: History) -> frozenset[str]:
    """The nonces of those that a backend answered."""
    return frozenset(n for e in some if e.service for n in nonces(e.url))


def test_each_stream_has_a_name_of_its_own() -> None:
    assert len({request.name for request in ALL}) == len(ALL)


def test_each_condition_is_asked_on_each_side() -> None:
    paths = {request.path for request in CONDITIONS} - {"elsewhere"}
    for path in paths:
        assert {r.served for r in CONDITIONS if r.path == path} == {True, False}, path


@pytest.mark.parametrize("requests", [CONDITIONS, AT_THE_ENTRANCE])
def test_what_is_as_it_should_be_passes(requests: tuple[Request, ...]) -> None:
    sent = history(requests, DENIED)
    assert are_held(requests, arrived(sent))(sent).outcome is PASS


@pytest.mark.parametrize("wrong", BOTH, ids=lambda request: request.name)
def test_one_stream_that_is_treated_as_the_other_side_is_a_failure(wrong: Request) -> None:
    requests = CONDITIONS if wrong in CONDITIONS else AT_THE_ENTRANCE
    sent = history(requests, DENIED, {wrong.name: DENIED if wrong.served else served(wrong)})
    assert are_held(requests, arrived(sent))(sent).outcome is FAIL


def test_what_was_denied_and_yet_arrived_is_a_failure() -> None:
    sent = history(CONDITIONS, DENIED)
    every = frozenset(n for e in sent for n in nonces(e.url))
    assert are_held(CONDITIONS, every)(sent).outcome is FAIL


def test_a_record_that_lacks_what_was_served_proves_nothing() -> None:
    assert are_held(CONDITIONS, frozenset())(history(CONDITIONS, DENIED)).outcome is INCONCLUSIVE


def test_silence_is_no_denial_by_rbac() -> None:
    sent = history(CONDITIONS, TIMEOUT)
    assert are_held(CONDITIONS, arrived(sent))(sent).outcome is INCONCLUSIVE


def test_a_wall_drops() -> None:
    sent = history(AT_THE_WALL, TIMEOUT)
    assert are_walled_off(AT_THE_WALL, arrived(sent), DROPS)(sent).outcome is PASS


def test_silence_that_nobody_owns_up_to_is_no_wall() -> None:
    sent = history(AT_THE_WALL, TIMEOUT)
    assert are_walled_off(AT_THE_WALL, arrived(sent), ())(sent).outcome is INCONCLUSIVE


@pytest.mark.parametrize("wrong", AT_THE_WALL, ids=lambda request: request.name)
def test_a_wall_of_others_is_a_failure(wrong: Request) -> None:
    sent = history(AT_THE_WALL, TIMEOUT, {wrong.name: TIMEOUT if wrong.served else served(wrong)})
    assert are_walled_off(AT_THE_WALL, arrived(sent), DROPS)(sent).outcome is FAIL


def test_past_the_sidecar_one_is_cut_off_or_dropped() -> None:
    sent = history(PAST_THE_SIDECAR, TIMEOUT, CUT_OFF)
    assert gain_nothing(PAST_THE_SIDECAR, arrived(sent), DROPS)(sent).outcome is PASS


def test_silence_without_a_drop_past_the_sidecar_proves_nothing() -> None:
    sent = history(PAST_THE_SIDECAR, TIMEOUT, CUT_OFF)
    assert gain_nothing(PAST_THE_SIDECAR, arrived(sent), ())(sent).outcome is INCONCLUSIVE


@pytest.mark.parametrize("wrong", PAST_THE_SIDECAR, ids=lambda request: request.name)
def test_one_gain_past_the_sidecar_is_a_failure(wrong: Request) -> None:
    other = CUT_OFF | {wrong.name: UNAVAILABLE if wrong.served else served(wrong)}
    sent = history(PAST_THE_SIDECAR, TIMEOUT, other)
    assert gain_nothing(PAST_THE_SIDECAR, arrived(sent), DROPS)(sent).outcome is FAIL


def shown(authority: Authority, certificates: int) -> list[Handshake]:
    """What somebody shows who has had so many certificates, each looked at twice."""
    own = [mint(authority, Wanted(), "").certificate for _ in range(certificates)]
    return [Handshake(chain=(pem,)) for pem in own for _ in range(2)]


@pytest.mark.parametrize(
    ("others", "outcome"), [(4, PASS), (5, PASS), (3, FAIL), (1, FAIL), (0, INCONCLUSIVE)]
)
def test_certificates_are_renewed_often_enough(others: int, outcome: Outcome) -> None:
    authority = new_root("the lab's")
    every = {"alpha": shown(authority, 4), STRICT: shown(authority, others)}
    assert are_renewed(every).outcome is outcome
    assert is_renewed(every) is (outcome is PASS)


def test_a_handshake_that_failed_is_no_certificate() -> None:
    authority = new_root("the lab's")
    every = {STRICT: [*shown(authority, 3), Handshake(error="reset")]}
    assert are_renewed(every).outcome is FAIL


@pytest.mark.parametrize(("last", "outcome"), [({}, PASS), (UNAVAILABLE, FAIL)])
def test_one_failed_request_during_a_renewal_is_a_failure(last: Answer, outcome: Outcome) -> None:
    every = {STRICT: shown(new_root("the lab's"), 4)}
    well = {"status": 200, "service": STRICT}
    answers = [*[well] * 99, {**(last or well), "received": 40.0}]
    sent = exchanges(*answers, stream=KEEP_ALIVE) + exchanges(*answers, stream=NEW)
    assert without_a_failure(every, 35)(sent).outcome is outcome
