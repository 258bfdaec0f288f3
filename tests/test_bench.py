"""The benchmark measures the split decision as it is, and its arithmetic is right."""

from __future__ import annotations

from itertools import product
from math import inf, log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.checks.sequential import Outcome, SplitTest
from tests.bench import __main__ as bench
from tests.bench import figures
from tests.bench.envoy import Measured
from tests.bench.exact import exact
from tests.bench.rules import CONFORMANCE, ISTIO, RULES
from tests.bench.sample import Sample, draw
from tests.bench.wald import bound
from tests.bench.walks import OUTCOMES, Flags, Walks

COARSE = SplitTest(alpha=1e-2, beta=1e-2)
ERRORS = 5  # standard errors: once in two million

rates = st.floats(1e-6, 0.2)
split_tests = st.builds(
    SplitTest,
    share=st.floats(0.01, 0.99) | st.sampled_from([0.0, 0.9, 1.0]),
    margin=st.floats(0.02, 0.5),
    alpha=rates,
    beta=rates,
    cap=st.integers(1, 500),
)


def walked(test: SplitTest, draws: Flags, blocks: list[int]) -> Walks:
    """All rows walked side by side, in blocks of these sizes, the last one over and over."""
    walks, rows, first = Walks(test, len(draws)), np.arange(len(draws)), 0
    sizes = iter(blocks)
    size = 1
    while first < draws.shape[1] and len(rows := rows[walks.going(rows)]):
        size = next(sizes, size)
        walks.observe(rows, draws[rows, first : first + size])
        first += size
    return walks


def assert_alike(test: SplitTest, draws: Flags, blocks: list[int]) -> None:
    walks = walked(test, draws, blocks)
    for row, outcomes in enumerate(draws.tolist()):
        one = test.decide(outcomes)
        row_of_walks = OUTCOMES[walks.outcome[row]], walks.n[row], walks.hits[row]
        assert row_of_walks == (one.outcome, one.n, one.hits)


@given(split_tests, st.lists(st.sampled_from([1, 7, 30, 500]), min_size=1), st.integers(0, 2**32))
def test_walks_side_by_side_decide_as_one_does(
    test: SplitTest, blocks: list[int], seed: int
) -> None:
    """Draw for draw: the same outcome after as many draws and hits, however they are blocked.

    The share changes on the way, so that a side is asked again after its first answer.
    """
    random = np.random.default_rng(seed)
    near = [test.share, test.low or 0.0, test.high or 1.0, 0.0, 0.5, 1.0]
    before, after = (np.array(pair)[:, None] for pair in zip(*product(near, near), strict=True))
    turn = np.arange(400) < random.integers(0, 100, before.shape)
    share = np.where(turn, before, after)
    assert_alike(test, random.random(share.shape) < share, blocks)


def test_a_side_keeps_its_first_answer() -> None:
    """It accepted after 18 hits; the misses after that would make it reject at draw 38."""
    test = SplitTest(share=0.9, margin=0.5)
    draws = np.array([[True] * 20 + [False] * 40])
    assert test.decide(draws[0].tolist()).outcome is Outcome.ACCEPT
    for block in (1, 7, 30):
        assert_alike(test, draws, [block])


@pytest.mark.parametrize("true", [0.5, 0.85, 0.88, 0.9, 0.92, 0.95, 1.0])
def test_they_do_so_at_the_setting_that_is_measured(true: float) -> None:
    random = np.random.default_rng(8)
    assert_alike(SplitTest(), random.random((6, SplitTest().cap)) < true, [500])


@given(split_tests, st.floats(0, 1))
def test_the_exact_chances_are_those_of_all_that_can_be_drawn(test: SplitTest, true: float) -> None:
    """Each sequence of draws decided by SplitTest itself, and its chance added up."""
    short = SplitTest(test.share, test.margin, test.alpha, test.beta, cap=min(test.cap, 8))
    chance, mean = dict.fromkeys(OUTCOMES, 0.0), 0.0
    for outcomes in product([True, False], repeat=short.cap):
        decision = short.decide(outcomes)
        weight = true ** sum(outcomes) * (1 - true) ** (short.cap - sum(outcomes))
        chance[decision.outcome] += weight
        mean += weight * decision.n
    summed = exact(short, [true])
    assert summed.chance[0] == pytest.approx(list(chance.values()), abs=1e-12)
    assert summed.mean_n[0] == pytest.approx(mean)
    assert summed.ended[0].sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def samples() -> dict[float, Sample]:
    shares = (0.85, 0.9, 0.95)
    return {true: draw(COARSE, true, 4_000, (9, round(100 * true)), RULES) for true in shares}


def test_samples_and_their_weights_agree_with_the_exact_chances(
    samples: dict[float, Sample],
) -> None:
    """Three ways to one number: counted, counted under another share, and summed."""
    known = exact(COARSE, list(samples))
    ways = {
        (0.85, Outcome.ACCEPT): samples[0.9].accepts(0),
        (0.95, Outcome.ACCEPT): samples[0.9].accepts(1),
        (0.9, Outcome.TOO_FEW): samples[0.85].rejects(0),
        (0.9, Outcome.TOO_MANY): samples[0.95].rejects(1),
    }
    for (true, error), weighed in ways.items():
        chance = known.at(true).of(error)[0]
        counted = samples[true].came(error)
        assert abs(counted.mean() - chance) < ERRORS * np.sqrt(chance / len(counted))
        assert abs(weighed.value - chance) < ERRORS * weighed.error
        assert weighed.error < chance / 50
    for true, sample in samples.items():
        n = sample.walks.n
        assert abs(n.mean() - known.at(true).mean_n[0]) < ERRORS * n.std() / np.sqrt(len(n))


def test_a_second_sitting_decides_what_the_first_one_left_open() -> None:
    """New draws for each walk that is undecided; a decision of the first sitting stands."""
    test = SplitTest(alpha=0.1, beta=0.1, cap=150)
    known = exact(test, [0.85, 0.9])
    for number, true in enumerate(known.true):
        sample = draw(test, float(true), 4_000, (9, number))
        left = sample.came(Outcome.UNDECIDED)
        assert 400 < left.sum() == len(sample.again.n) < 3_600
        for outcome in OUTCOMES:
            first, both = sample.came(outcome), sample.came_of_two(outcome)
            second = sample.again.outcome == OUTCOMES.index(outcome)
            assert (both[~left] == first[~left]).all()
            assert (both[left] == second).all()
            chance = known.of_two(outcome)[number]
            error = np.sqrt(chance * (1 - chance) / len(sample))
            assert abs(both.mean() - chance) < ERRORS * error + 1 / len(sample)
            known_once = known.of(outcome)[number]
            assert chance <= 2 * known_once
        assert sum(known.of_two(outcome)[number] for outcome in OUTCOMES) == pytest.approx(1)


def test_a_second_sitting_takes_none_of_the_first_ones_draws() -> None:
    """Those would leave it undecided again, every time."""
    test = SplitTest(cap=200)
    sample = draw(test, 0.9, 300, (9, 1))
    left = sample.walks.hits[sample.came(Outcome.UNDECIDED)]
    assert len(left) > 200
    assert (left != sample.again.hits).any()


def test_where_nothing_is_left_open_there_is_no_second_sitting() -> None:
    sample = draw(COARSE, 0.5, 300, (9, 1))
    assert len(sample.again.n) == 0
    assert (sample.came_of_two(Outcome.TOO_FEW) == sample.came(Outcome.TOO_FEW)).all()


def test_the_same_seed_draws_the_same(samples: dict[float, Sample]) -> None:
    again = draw(COARSE, 0.9, 4_000, (9, 90), RULES)
    assert (again.walks.n == samples[0.9].walks.n).all()
    other = draw(COARSE, 0.9, 4_000, (10, 90), RULES)
    assert (other.walks.n != samples[0.9].walks.n).any()


def test_the_fixed_rules_are_those_of_their_sources(samples: dict[float, Sample]) -> None:
    hits = np.arange(501)
    assert hits[CONFORMANCE.passes(hits)].tolist() == list(range(426, 476))
    assert hits[:101][ISTIO.passes(hits[:101])].tolist() == list(range(80, 101))
    assert CONFORMANCE.accept(np.array([0.85]))[0] == pytest.approx(0.9986, abs=5e-5)
    for true, sample in samples.items():
        for rule in RULES:
            known, tries = rule.accept(np.array([true]))[0], sample.tries[rule.name]
            error = np.sqrt(known * (1 - known) / len(sample))
            assert abs(tries.passed.mean() - known) <= ERRORS * error + 1 / len(sample)
            assert set(tries.asked) <= {rule.requests * number for number in range(1, 11)}
    assert samples[0.85].tries[CONFORMANCE.name].asked.max() > 2 * CONFORMANCE.requests


def test_walds_bound_is_that_of_the_harder_wrong_share() -> None:
    test = SplitTest()
    assert bound(test, 0.9) == pytest.approx(test.expected_n, rel=1e-4)
    per_draw = 0.85 * log(0.85 / 0.9) + 0.15 * log(0.15 / 0.1)
    assert bound(test, 0.85) == pytest.approx(log(1e6) / per_draw, rel=1e-4)
    assert bound(test, 0.87) is None
    one_sided = SplitTest(1.0, margin=0.1)
    assert bound(one_sided, 1.0) == pytest.approx(one_sided.expected_n, rel=1e-4)
    for true in (0.85, 0.9, 0.95):
        assert (bound(test, true) or inf) < exact(test, [true]).mean_n[0]


def test_answers_go_to_one_split_after_another() -> None:
    """The fixed rules take the answers in turn, and none of them twice."""
    good, bad = [True] * 450 + [False] * 50, [False] * 500
    measured = Measured(90, [], np.array(bad * 2 + good + bad * 10 + good + good[:499]), 1.0)
    assert measured.fixed(CONFORMANCE) == [(True, 1_500), (False, 5_000), (True, 500)]


def test_the_page_says_what_was_measured_and_fails_with_its_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = {"TRUE": (0.85, 0.9, 0.95), "CURVE": (0.85, 0.9), "RATES": (1e-2,), "SPLITS": ()}
    for name, value in small.items():
        monkeypatch.setattr(figures, name, value)
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    page = tmp_path / "bench.md"
    options = ["--walks", "400", "--seed", "3", "--splits", "0"]
    assert bench.main([*options, "--write", str(page)]) == 0
    (row,) = (
        r for r in page.read_text().splitlines() if r.startswith("| 0.85 is accepted | 1e-06")
    )
    assert row.startswith("| 0.85 is accepted | 1e-06 | 0 of 400 | at most")
    assert row.endswith("| 9.72e-07 | 0 | 9.72e-07 |")
    assert "the commonest error comes at 9.72e-07, in two sittings at 9.72e-07" in page.read_text()
    assert "at most twice as often as one: 1.9e-06, where 1e-06 is allowed" in page.read_text()
    assert "bench.svg" in page.read_text()
    assert "envoy:" not in page.read_text()
    assert (tmp_path / "bench.svg").read_text().startswith("<svg")
    assert "Beside fixed-N rules" in capsys.readouterr().out
    monkeypatch.setattr(figures, "WITHIN", 1.0)
    assert bench.main(options) == 1
    assert "✗ a true 0.90 takes 1,343.4 requests" in capsys.readouterr().out


def test_a_real_envoys_splits_are_counted_and_judged() -> None:
    """What is accepted that should not be, or is undecided, breaks the claim."""
    draws = np.random.default_rng(11).random((3, SplitTest().cap)) < 0.9
    decisions = [SplitTest().decide(row) for row in draws.tolist()]
    n = sum(decision.n for decision in decisions)
    true, wrong = (Measured(p, decisions, draws[0][:5_000], 1.0) for p in (90, 85))
    section = figures.real([true, wrong], exact(SplitTest(), [0.85, 0.9]))
    assert [claim.holds for claim in section.claims] == [True, False]
    share = f"{draws[0][:5_000].mean():.4f}"
    assert section.table.rows[0][:6] == ("90/10", share, "sequential", "3", "0", "0")
    assert section.table.rows[0][6].startswith(f"{n / 3:,.0f} ± ")
    assert section.table.rows[1][:3] == ("90/10", "", CONFORMANCE.name)
