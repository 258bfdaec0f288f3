"""Verdicts compose: the worst wins, and no number is lost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.history.verdict import Outcome, Verdict, combine, failed, inconclusive, passed

verdicts = st.builds(Verdict, st.sampled_from(Outcome), st.sampled_from("abc"))


def test_no_verdict_at_all_is_inconclusive() -> None:
    assert combine([]) == inconclusive("nothing was checked")


def test_a_failure_outweighs_an_inconclusive_which_outweighs_a_pass() -> None:
    good, open_, bad = passed("good"), inconclusive("open"), failed("bad")
    assert combine([good, open_, bad])[:2] == (Outcome.FAIL, "bad")
    assert combine([good, open_])[:2] == (Outcome.INCONCLUSIVE, "open")
    assert combine([good])[:2] == (Outcome.PASS, "good")


def test_all_numbers_are_kept_and_each_reason_is_said_once() -> None:
    verdict = combine([failed("a", n=1), passed("b", m=2), failed("a", k=3), failed("c")])
    assert verdict.numbers == {"n": 1, "m": 2, "k": 3}
    assert verdict.reason == "a; c"


def test_a_verdict_has_the_outcome_it_is_made_with() -> None:
    assert passed("a", n=1) == Verdict(Outcome.PASS, "a", {"n": 1})
    assert failed("b", n=2) == Verdict(Outcome.FAIL, "b", {"n": 2})
    assert inconclusive("c", n=3) == Verdict(Outcome.INCONCLUSIVE, "c", {"n": 3})


def test_only_a_pass_has_passed() -> None:
    assert passed("").passed
    assert not failed("").passed
    assert not inconclusive("").passed


@settings(max_examples=30)
@given(st.lists(verdicts, min_size=1, max_size=6))
def test_the_outcome_does_not_depend_on_the_order(parts: list[Verdict]) -> None:
    assert combine(parts).outcome is combine(reversed(parts)).outcome
    assert combine(parts).passed == all(part.passed for part in parts)


@settings(max_examples=30)
@given(st.lists(verdicts, min_size=1, max_size=6), st.lists(verdicts, min_size=1, max_size=6))
def test_composition_may_be_nested(some: list[Verdict], others: list[Verdict]) -> None:
    assert combine([combine(some), combine(others)]).outcome is combine(some + others).outcome


def test_of_many_reasons_the_first_are_told() -> None:
    few = combine(failed(f"reason {n}") for n in range(5))
    assert few.reason == "; ".join(f"reason {n}" for n in range(5))
    six = combine(failed(f"reason {n}") for n in range(6))
    assert six.reason == "reason 0; reason 1; reason 2; reason 3; and 2 more like these"
    many = combine(failed(f"reason {n}") for n in range(40))
    assert many.reason == "reason 0; reason 1; reason 2; reason 3; and 36 more like these"
