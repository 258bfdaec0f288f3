"""Properties: what holds for every check and every history."""

from __future__ import annotations

from itertools import islice
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from fixtures import checks
from fixtures.history import History
from fixtures.history.verdict import Outcome, Verdict
from tests.histories import (
    BAD_PATH,
    DENIED,
    FAIL,
    FORBIDDEN_BY_APP,
    INCONCLUSIVE,
    MADE,
    MOBILE,
    NOT_FOUND,
    OLD,
    STARVED,
    TIMEOUT,
    UNAVAILABLE,
    WEB,
    Answer,
    denied_l4,
    drop,
    exchanges,
    made,
    window,
)

ANSWERS = st.sampled_from(
    [WEB, MOBILE, OLD, DENIED, FORBIDDEN_BY_APP, BAD_PATH, NOT_FOUND, UNAVAILABLE, TIMEOUT, STARVED]
)
few = st.lists(ANSWERS, max_size=6) | st.builds(
    lambda *n: [n[0]] * n[1], ANSWERS, st.integers(3, 9)
)
names = st.sampled_from(sorted(MADE))

WRONG: dict[str, Answer] = {
    "all_answered_by": OLD,
    "only_answered_by": UNAVAILABLE,
    "never_answered": OLD,
    "status_is": WEB,
    "denied_http": WEB,
    "denied_http_or_400": {**WEB, "status": 400},
    "denied_l4": DENIED,
    "denied_l4_unproven": DENIED,
    "denied_l4_otherwise": DENIED,
    "denied_l4_elsewhere": DENIED,
    "denied_l4_another_source": DENIED,
    "denied_l4_another_target": DENIED,
    "not_dropped": TIMEOUT,
    "served_under_load": UNAVAILABLE,
    "served_by_under_load": MOBILE,
    "denied_under_load": WEB,
    "split": UNAVAILABLE,
}
"""For each check an answer that no history makes good."""


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Of up to three clients, each with lines of its own; often of one kind, as a pass wants it."""
    clients = draw(st.lists(few, max_size=3))
    return sum(
        (exchanges(*answers, caller=f"caller-{n}") for n, answers in enumerate(clients)), History()
    )


def worse(outcome: Outcome) -> Outcome:
    """What is left of an outcome once the history is known not to be whole."""
    return FAIL if outcome is FAIL else INCONCLUSIVE


@given(names, histories())
def test_every_check_has_a_verdict_for_every_history(name: str, history: History) -> None:
    verdict = made(name)(history)
    assert isinstance(verdict, Verdict)
    assert verdict.reason
    assert all(isinstance(value, (int, float, str, bool)) for value in verdict.numbers.values())


@given(names, histories(), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_does_not_matter(name: str, history: History, random: Any) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)
    told, again = made(name)(history), made(name)(History(shuffled))
    assert (again.outcome, again.numbers) == (told.outcome, told.numbers)


@given(st.sampled_from(sorted(WRONG)), histories())
def test_a_wrong_answer_fails_whatever_else_there_is(name: str, history: History) -> None:
    wrong = exchanges(WRONG[name], caller="another")
    assert made(name)(history + wrong).outcome is FAIL
    assert made(name)(history + wrong + exchanges(STARVED, caller="third")).outcome is FAIL


@given(names, histories())
def test_what_was_starved_or_died_never_passes_and_hides_no_failure(
    name: str, history: History
) -> None:
    expected = worse(made(name)(history).outcome)
    for spoilt in (exchanges(STARVED, caller="another"), History((), [window(died="killed")])):
        assert made(name)(history + spoilt).outcome is expected


@given(names, histories(), st.data())
def test_what_is_lost_or_doubled_never_passes(name: str, history: History, data: Any) -> None:
    lines = list(history)
    inner = [
        e for e in lines if e.seq and any(f.seq > e.seq and f.caller == e.caller for f in lines)
    ]
    assume(inner)
    line = data.draw(st.sampled_from(inner))
    assert not made(name)(History(e for e in lines if e is not line)).passed
    assert not made(name)(History([*lines, line])).passed


@given(st.sampled_from(sorted(MADE.keys() - {"lasted", "not_dropped"})), histories())
def test_too_few_never_pass(name: str, history: History) -> None:
    assert not made(name)(History(islice(history, 2))).passed


@given(names, histories(), st.floats(0, 1))
def test_pressure_excuses_nothing_but_silence(name: str, history: History, share: float) -> None:
    busy = History((), [window(ended=10, stalled=10 * share)])
    calm, pressed = made(name)(history).outcome, made(name)(history + busy).outcome
    silent = any(e.error == "timeout" for e in history)
    excused = calm is FAIL and pressed is INCONCLUSIVE
    assert pressed is calm or (excused and silent and share > 0.79)


@given(histories())
def test_a_denial_passes_only_if_each_answer_is_one(history: History) -> None:
    denied = all(e.status == 403 and e.body == "RBAC: access denied" for e in history)
    assert checks.denied_http(1)(history).passed == (len(history) > 0 and denied)


@given(histories())
def test_a_success_among_the_denied_is_always_a_failure(history: History) -> None:
    leak = exchanges(WEB, caller="another")
    assert checks.denied_http(1)(history + leak).outcome is FAIL
    assert denied_l4(drop())(history + leak).outcome is FAIL
