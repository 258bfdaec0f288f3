"""Names with CoreDNS and without it: what must be known to whom and when, by handmade histories."""

from __future__ import annotations

import pytest

from fixtures.history import History
from fixtures.history.verdict import Outcome
from suites.performance.names import (
    BEFORE,
    CLIENTS,
    DNS,
    INFORMED,
    NOBODY,
    SERVICES,
    TIMES,
    UNINFORMED,
    WITHOUT,
    resolve_by_themselves,
    stream,
)
from tests.histories import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    REFUSED,
    STARVED,
    TIMEOUT,
    UNAVAILABLE,
    Answer,
    drop,
    exchanges,
)

UNKNOWN: Answer = {"error": "dns", "detail": "gaierror: Name or service not known"}
DROPS = [drop(source_labels=frozenset({f"k8s:app={who}"}), port=DNS) for who in CLIENTS]
CELLS = [(when, who, name) for when in TIMES for who in CLIENTS for name in (*SERVICES, NOBODY)]


def answer(when: str, who: str, name: str) -> Answer:
    """What a client must get that asks for a name."""
    if name == NOBODY or (when, who) == (WITHOUT, UNINFORMED):
        return UNKNOWN
    return {"status": 200, "service": SERVICES[name]}


def history(other: dict[tuple[str, str, str], Answer] | None = None) -> History:
    wanted = {cell: answer(*cell) for cell in CELLS} | (other or {})
    return sum((exchanges(a, stream=stream(*cell)) for cell, a in wanted.items()), History())


def outcome(some: History, drops: object = None) -> Outcome:
    return resolve_by_themselves(DROPS if drops is None else drops)(some).outcome  # type: ignore[arg-type]


def test_names_that_are_known_when_they_must_be_pass() -> None:
    assert len({stream(*cell) for cell in CELLS}) == len(CELLS)
    assert outcome(history()) is PASS


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: stream(*cell))
def test_one_name_that_is_known_or_not_as_it_must_not_be_is_a_failure(
    cell: tuple[str, str, str],
) -> None:
    served: Answer = {"status": 200, "service": SERVICES.get(cell[2], "nobody")}
    other = served if answer(*cell) is UNKNOWN else UNKNOWN
    assert outcome(history({cell: other})) is FAIL


@pytest.mark.parametrize("wrong", [UNAVAILABLE, REFUSED, TIMEOUT])
def test_a_name_that_nobody_knows_fails_as_a_name(wrong: Answer) -> None:
    assert outcome(history({(WITHOUT, INFORMED, NOBODY): wrong})) is FAIL


def test_what_another_answers_is_a_failure() -> None:
    first = next(iter(SERVICES))
    other: Answer = {"status": 200, "service": "another"}
    assert outcome(history({(BEFORE, INFORMED, first): other})) is FAIL


@pytest.mark.parametrize("who", CLIENTS)
def test_a_client_of_which_no_lookup_was_dropped_may_have_had_coredns(who: str) -> None:
    drops = [each for each in DROPS if f"k8s:app={who}" not in each.source_labels]
    assert outcome(history(), drops) is INCONCLUSIVE


@pytest.mark.parametrize("other", [{"port": "80/TCP"}, {"reason": "STALE_OR_UNROUTABLE_IP"}])
def test_a_drop_of_something_else_is_none_of_a_lookup(other: dict[str, str]) -> None:
    labels = frozenset({f"k8s:app={INFORMED}"})
    fields = {"source_labels": labels, "port": DNS, **other}
    assert outcome(history(), [drop(**fields), DROPS[1]]) is INCONCLUSIVE


def test_what_was_never_asked_leaves_it_open() -> None:
    first = next(iter(SERVICES))
    assert outcome(history({(WITHOUT, INFORMED, first): STARVED})) is INCONCLUSIVE
