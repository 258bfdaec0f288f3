"""The figures: from samples, exact chances and a real Envoy's splits to the page's sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np

from fixtures.checks.sequential import Interval, Outcome, SplitTest, exact_interval
from tests.bench.chart import operating_characteristic
from tests.bench.envoy import Measured
from tests.bench.exact import Exact, exact
from tests.bench.page import Claim, Section, Table
from tests.bench.rules import CONFORMANCE, RULES
from tests.bench.sample import Estimate, Sample, draw
from tests.bench.wald import bound, told_apart

DECLARED = SplitTest()
TRUE = (0.50, 0.80, 0.85, 0.88, 0.90, 0.92, 0.95, 1.00)
WRONG = (0.85, 0.95)  # the nearest shares that must be caught
RATES = (1e-2, 1e-3)  # error rates large enough to be seen in a sample
WITHIN = 1.1  # times Wald's bound
AGREE = 5  # standard errors: once in two million
REJECTED = (Outcome.TOO_FEW, Outcome.TOO_MANY)
KINDS = ((Outcome.ACCEPT,), REJECTED, (Outcome.UNDECIDED,))
SPLITS = ((50, 50), (80, 20), (90, 10), (95, 5), (98, 2), (99, 1), (999, 1))
CURVE = tuple(number / 400 for number in range(320, 401))  # from 0.80 in steps of a quarter point

Samples = Mapping[float, Sample]


def sampled(test: SplitTest, shares: Sequence[float], walks: int, seed: int) -> Samples:
    """A sample by each true share; the fixed rules see the same draws."""
    # One seed each: of the run, of the test and of the share.
    key = seed, round(1 / test.alpha)
    return {true: draw(test, true, walks, (*key, round(1000 * true)), RULES) for true in shares}


def by_rate(samples: Samples, walks: int, seed: int) -> dict[float, Samples]:
    """Samples by error rate: at the larger rates new ones, at that in use the given ones."""
    tests = {rate: replace(DECLARED, alpha=rate, beta=rate) for rate in RATES}
    shares = (WRONG[0], DECLARED.share, WRONG[1])
    drawn = {rate: sampled(test, shares, walks, seed) for rate, test in tests.items()}
    return drawn | {DECLARED.alpha: samples}


def known() -> Exact:
    """The exact chances of all true shares that are shown."""
    return exact(DECLARED, sorted({*TRUE, *CURVE}))


# --- decisions and requests ----------------------------------------------------------------


def decisions(samples: Samples, known: Exact) -> Section:
    """How each true share is decided, after how many requests, and beside Wald's bound."""
    rows, claims, apart = [], [], []
    for true, sample in samples.items():
        n, mean, least = sample.walks.n, float(known.at(true).mean_n[0]), bound(DECLARED, true)
        apart.append(abs(n.mean() - mean) / (n.std() / np.sqrt(len(n)) or 1))
        rows.append(
            (
                f"{true:.2f}",
                *(_percent(sample.came(*kind).mean()) for kind in KINDS),
                _percent(sample.came_of_two(Outcome.UNDECIDED).mean()),
                f"{n.mean():,.1f}",
                f"{mean:,.1f}",
                f"{np.percentile(n, 99):,.0f}",
                *((f"{least:,.1f}", f"{mean / least:.3f}") if least else ("", "")),
            )
        )
        if least:
            text = f"a true {true:.2f} takes {mean:,.1f} requests, {mean / least:.3f} of the bound"
            claims.append(Claim(mean <= WITHIN * least, f"{text}; at most {WITHIN} is allowed"))
    text = f"each mean of the simulation is the exact one within {AGREE} standard errors"
    claims.append(Claim(bool(max(apart) <= AGREE), text))
    ended = ("accepted", "rejected", "undecided", "undecided twice")
    columns = ("true share", *ended, "mean N", "exact", "99 % within")
    return Section(
        "Decisions and requests",
        f"A declared share of {DECLARED.share}, tested as suite canary_split does: against the "
        f"nearest wrong shares {WRONG[0]} and {WRONG[1]}, with both error rates "
        f"{DECLARED.alpha:g} and at most {DECLARED.cap:,} requests. N is the number of requests "
        "until the decision; *exact* is its mean without sampling. Between the wrong shares, at "
        "0.88 and 0.92, either decision is right. What is undecided is asked once more "
        "([a second sitting](validation.md#a-second-sitting)): *undecided twice* is what that "
        f"leaves open.\n\n{_about_bound()}",
        Table((*columns, "Wald's bound", "exact / bound"), rows),
        claims,
    )


def _about_bound() -> str:
    alone = " and ".join(
        f"{told_apart(DECLARED.share, wrong, DECLARED.alpha, DECLARED.beta):,.1f} against {wrong}"
        for wrong in WRONG
    )
    return (
        "Wald's bound is the least mean N of any test with these error rates "
        "([formula and source](../tests/bench/wald.py)). It is known for two shares. A test of "
        "one share against two wrong ones tells it from either, so the larger of two bounds "
        f"holds for it: of {alone}. What comes on top at {DECLARED.share} is the wait for the "
        "later of the two sides; at the wrong shares it is that alpha is shared between them."
    )


# --- error rates ---------------------------------------------------------------------------


class Error(NamedTuple):
    """A wrong decision: the share that is true, and the outcomes that are wrong then."""

    name: str
    true: float
    outcomes: tuple[Outcome, ...]


ERRORS = (
    Error("0.90 is rejected", DECLARED.share, REJECTED),
    *(Error(f"{true} is accepted", true, (Outcome.ACCEPT,)) for true in WRONG),
)


class Rate(NamedTuple):
    """How often an error comes: seen in so many walks, estimated from other draws, and exact.

    And how often in two sittings, the second only where the first is undecided, and how often
    that is.
    """

    error: Error
    allowed: float
    seen: int
    walks: int
    estimated: Estimate
    known: float
    seen_of_two: int
    known_of_two: float
    undecided: float

    @property
    def interval(self) -> Interval:
        return exact_interval(self.seen, self.walks)

    @property
    def row(self) -> tuple[str, ...]:
        interval = f"{self.interval.low:.1e} to {self.interval.high:.1e}"
        return (
            self.error.name,
            f"{self.allowed:g}",
            f"{self.seen:,} of {self.walks:,}",
            interval if self.seen else f"at most {self.interval.high:.1e}",
            f"{self.estimated.value:.2e} ± {self.estimated.error:.0e}",
            f"{self.known:.2e}",
            f"{self.seen_of_two:,}",
            f"{self.known_of_two:.2e}",
        )


def errors(by_rate: Mapping[float, Samples]) -> Section:
    """Each wrong decision's rate, by the error rate that is allowed."""
    rates: list[Rate] = []
    claims = []
    for allowed, samples in by_rate.items():
        some = list(_rates(allowed, samples))
        rates += some
        most = max(rate.known for rate in some)
        of_two = max(rate.known_of_two for rate in some)
        holds = of_two <= allowed and all(rate.interval.low <= allowed for rate in some)
        text = f"the commonest error comes at {most:.2e}, in two sittings at {of_two:.2e}"
        claims.append(Claim(holds, f"allowed {allowed:g}: {text}"))
    undecided = max(rate.undecided for rate in rates)
    in_use = max(rate.known for rate in rates if rate.allowed == DECLARED.alpha)
    one = ("seen", "99 % interval", "from other draws", "exact")
    columns = ("a true", "allowed", *one, "seen in two sittings", "exact, two sittings")
    return Section(
        "Error rates",
        "One wrong decision in a million cannot be seen in a sample of this size: no error in n "
        "walks says no more than the interval's upper end (Clopper and Pearson). So the bound is "
        "shown at work where it can be seen, at larger rates, and beside it are two ways that "
        "need no error to be seen. *From other draws*: the walks of a share under which the "
        "decision is common, each counted by its likelihood ratio (importance sampling, with its "
        "standard error; for an acceptance it counts the side against that share, which is no "
        "less than both). *Exact*: the chances of all that can be drawn, summed up (Aroian's "
        "direct method).\n\n"
        "*Two sittings*: each walk that is undecided is followed by one of new draws, whose "
        "decision counts. That adds the chance to be undecided, at these shares "
        f"{undecided:.0e} at most, times the rate of one sitting. A run's first sitting is left "
        "open by the environment far more often; however often that is, two sittings err at most "
        f"twice as often as one: {2 * in_use:.1e}, where {DECLARED.alpha:g} is allowed for one.",
        Table(columns, [rate.row for rate in rates]),
        claims,
    )


def _rates(allowed: float, samples: Samples) -> Iterator[Rate]:
    test = samples[DECLARED.share].walks.test
    summed = exact(test, [error.true for error in ERRORS])
    for number, error in enumerate(ERRORS):
        sample, outcomes = samples[error.true], error.outcomes
        yield Rate(
            error,
            allowed,
            seen=int(sample.came(*outcomes).sum()),
            walks=len(sample),
            estimated=_estimated(samples, error),
            known=float(summed.of(*outcomes)[number]),
            seen_of_two=int(sample.came_of_two(*outcomes).sum()),
            known_of_two=float(summed.of_two(*outcomes)[number]),
            undecided=float(summed.of(Outcome.UNDECIDED)[number]),
        )


def _estimated(samples: Samples, error: Error) -> Estimate:
    """An error's rate from draws of a share under which what is wrong is common."""
    if error.true == DECLARED.share:
        below, above = (samples[wrong].rejects(side) for side, wrong in enumerate(WRONG))
        return below + above
    return samples[DECLARED.share].accepts(WRONG.index(error.true))


# --- beside the fixed rules ----------------------------------------------------------------


def beside(samples: Samples, known: Exact) -> Section:
    """False passes and false fails of each rule on the same draws, and their requests."""
    rows = []
    for true, sample in samples.items():
        passed = [sample.came(Outcome.ACCEPT), *(each.passed for each in sample.tries.values())]
        failed = [sample.came(*REJECTED), *(~each.passed for each in sample.tries.values())]
        numbers = [sample.walks.n, *(each.asked for each in sample.tries.values())]
        shown = zip(failed if true == DECLARED.share else passed, numbers, strict=True)
        cells = ((_percent(each.mean()), f"{n.mean():,.0f}") for each, n in shown)
        rows.append((f"{true:.2f}", _shown(true), *chain.from_iterable(cells)))
    names = ("sequential", *(rule.name for rule in RULES))
    passes = float(CONFORMANCE.accept(np.array([WRONG[0]]))[0])
    return Section(
        "Beside fixed-N rules",
        "How often each rule is wrong, on the same draws, and the requests it makes on average. "
        + " ".join(f"*{rule.name}*: {rule}." for rule in RULES)
        + " Istio's framework repeats a call that fails until a deadline: one try flatters it.\n\n"
        f"By the binomial distribution, the first of these passes a true {WRONG[0]} in "
        f"{passes:.2%} of runs. The second passes a canary that gets nothing at all.",
        Table(("true share", "counted", *chain(*((name, "mean N") for name in names))), rows),
        picture=_curves(known),
    )


def _shown(true: float) -> str:
    """What is counted at a true share."""
    if true == DECLARED.share:
        return "false fail"
    return "pass (right too)" if WRONG[0] < true < WRONG[1] else "false pass"


def _curves(known: Exact) -> str:
    """The chance to accept, by rule, over the true share; exact."""
    shown = known.true >= CURVE[0]
    true = known.true[shown]
    accept = {"sequential": known.of(Outcome.ACCEPT)[shown]}
    accept |= {rule.name: rule.accept(true) for rule in RULES}
    return operating_characteristic(true, accept)


# --- other splits --------------------------------------------------------------------------


def splits() -> Section:
    """What other weights cost, exactly, when they are the true ones."""
    columns = ("split", "against", "accepted", "undecided", "twice", "mean N", "99 % within")
    return Section(
        "Other splits",
        "The same setting for other declared weights, each of them true; exact. Where the wrong "
        "shares on both sides are equally hard to tell, waiting for both costs the most. A canary "
        f"of one per cent or less is often, or always, undecided after {DECLARED.cap:,} requests: "
        "inconclusive, not wrong. *Twice*: so is a second sitting. It needs a larger cap.",
        Table((*columns, "Wald's bound"), [_split(*weights) for weights in SPLITS]),
    )


def _split(stable: int, canary: int) -> tuple[str, ...]:
    test = replace(DECLARED, share=stable / (stable + canary))
    known = exact(test, [test.share])
    return (
        f"{stable}/{canary}",
        f"{test.low:.4g}, {test.high:.4g}",
        _percent(known.of(Outcome.ACCEPT)[0]),
        _percent(known.of(Outcome.UNDECIDED)[0]),
        _percent(known.of_two(Outcome.UNDECIDED)[0]),
        f"{known.mean_n[0]:,.0f}",
        f"{known.within(0.99)[0]:,.0f}",
        f"{bound(test, test.share):,.0f}",
    )


# --- a real Envoy --------------------------------------------------------------------------


def real(measured: Sequence[Measured], known: Exact) -> Section:
    """The splits of a real Envoy, by each rule."""
    columns = ("weights", "seen", "rule", "accepted", "rejected", "undecided", "mean N", "exact")
    return Section(
        "Through a real Envoy",
        "Weighted clusters of one Envoy before two echo servers, asked by the suites' own prober. "
        "Each split goes on where the one before it stopped; the fixed rules see the same answers.",
        Table(columns, [row for each in measured for row in _real(each, known)]),
        [_right(each) for each in measured],
    )


def _real(each: Measured, known: Exact) -> Iterator[tuple[str, ...]]:
    """How many splits ended how by each rule, and their mean N, once beside the exact one."""
    ended = [decision.outcome for decision in each.decisions]
    counts = (str(sum(map(ended.count, kind))) for kind in KINDS)
    n = np.array([decision.n for decision in each.decisions])
    mean = f"{n.mean():,.0f} ± {n.std() / np.sqrt(len(n)):.0f}"
    summed = f"{known.at(each.percent / 100).mean_n[0]:,.0f}"
    yield _weights(each), f"{each.answers.mean():.4f}", "sequential", *counts, mean, summed
    for rule in RULES:
        passed, asked = zip(*each.fixed(rule), strict=True)
        counts = (f"{number:,}" for number in (sum(passed), len(passed) - sum(passed)))
        yield _weights(each), "", rule.name, *counts, "", f"{np.mean(asked):,.0f}", ""


def _right(each: Measured) -> Claim:
    """The true weights are accepted every time, and others rejected every time."""
    declared = each.percent == round(100 * DECLARED.share)
    kind, word = (0, "accepted") if declared else (1, "rejected")
    ended = [decision.outcome for decision in each.decisions]
    good = sum(map(ended.count, KINDS[kind]))
    effort = f"{len(each.answers):,} requests in {each.seconds:.0f} s"
    text = f"{good} of {len(ended)} splits of {_weights(each)} were {word}; {effort}"
    return Claim(good == len(ended), text)


def _weights(each: Measured) -> str:
    return f"{each.percent}/{100 - each.percent}"


def _percent(share: float) -> str:
    """A share in per cent, to four digits; only nothing shows as 0, and only all as 100."""
    if 0 < share < 1e-4:
        return "< 0.01 %"
    return "> 99.99 %" if 1 - 1e-4 < share < 1 else f"{100 * share:.4g} %"
