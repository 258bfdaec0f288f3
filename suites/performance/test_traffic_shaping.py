"""Traffic shaping: who asks too much is told so, and who fails is not asked more for it."""

from __future__ import annotations

import pytest

from fixtures.checks import all_answered_by, every, on, with_positive_control
from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.performance import bandwidth, shared_limit
from suites.performance.limits import (
    faster_than,
    held_over_all,
    held_to_bucket,
    held_to_budget,
    held_to_pool,
    held_to_rate,
    tried_again,
)
from suites.performance.shaping import (
    ALONE,
    COUNT,
    CROWD,
    DELAY,
    FAST,
    FEW,
    LIMITED,
    LOUD,
    MODEST,
    OWN_TOKENS,
    PER,
    QUEUE,
    QUIET,
    RATE,
    SIZE,
    SLOWED,
    STORM,
    TOKENS,
    UNLIMITED,
    Observation,
)
from suites.performance.subject import Stage

SHAPING = "Best Practices/Performance/Traffic shaping"
ORIGIN = "origin"


@requirement("TS1", source=SHAPING)
def test_a_bucket_serves_what_is_in_it(judge: Judge, shaped: Observation) -> None:
    """A bucket of 20 a minute serves 20 of 60 requests; the rest get 429 and never arrive."""
    nonces = {arrival.nonce for arrival in shaped.arrivals}
    limited = on(LIMITED, held_to_bucket(TOKENS, PER, nonces))
    free = on(UNLIMITED, all_answered_by(ORIGIN, COUNT))
    judge(shaped.history, with_positive_control(denied=limited, allowed=free))


@requirement("TS2", source=SHAPING)
def test_a_full_pool_turns_away_at_once(judge: Judge, shaped: Observation) -> None:
    """A full pool turns away at once, and its backend never has more at a time than allowed."""
    crowd = on(CROWD, held_to_pool(1, 1, DELAY, shaped.of(CROWD)))
    one_by_one = on(QUEUE, all_answered_by(ORIGIN, FEW))
    judge(shaped.history, with_positive_control(denied=crowd, allowed=one_by_one))


@requirement("TS3", source=SHAPING)
def test_retries_do_not_multiply_a_failure(judge: Judge, shaped: Observation) -> None:
    """Retries do not multiply a failure: a backend gets at most 1.3 times what 20 users send."""
    storm = on(STORM, held_to_budget(1.3, ORIGIN, shaped.of(STORM)))
    alone = on(ALONE, tried_again(ORIGIN, shaped.of(ALONE)))
    judge(shaped.history, every(storm, alone))


@requirement("TS4", source=SHAPING)
def test_a_download_is_held_to_its_rate(judge: Judge, shaped: Observation) -> None:
    """A download is held to its rate: 1 MiB at 256 KiB a second takes 3 to 5 s, unheld under 2."""
    slowed, fast = on(SLOWED, held_to_rate(SIZE, RATE)), on(FAST, faster_than(2.0))
    judge(shaped.history, with_positive_control(denied=slowed, allowed=fast))


@requirement("TS5", source=SHAPING)
def test_one_clients_excess_costs_another_nothing(judge: Judge, shaped: Observation) -> None:
    """One client's excess costs another nothing: each has a bucket of its own, by its identity."""
    nonces = {arrival.nonce for arrival in shaped.arrivals}
    loud = on(LOUD, held_to_bucket(OWN_TOKENS, PER, nonces))
    quiet = on(QUIET, all_answered_by("bulk", MODEST))
    judge(shaped.history, with_positive_control(denied=loud, allowed=quiet))


@pytest.mark.nightly
@requirement("TS6", source=SHAPING, needs="global-rate-limit")
def test_a_limit_holds_over_all_replicas(judge: Judge, shared: Stage) -> None:
    """A limit holds over all replicas together: of 60 requests to two of them 20 are served; the
    rest get 429 and never arrive, and another budget is not touched."""
    spending = shared_limit.spend(shared)
    hours, pods, arrived = spending.hours, spending.pods, spending.nonces
    held = on(shared_limit.SPENT, held_over_all(shared_limit.LIMIT, hours, pods, arrived))
    free = on(shared_limit.OTHER, all_answered_by(shared_limit.SERVICE, shared_limit.MODEST))
    judge(spending.history, with_positive_control(denied=held, allowed=free))


@requirement("TS7", source=SHAPING, needs="bandwidth-manager")
def test_a_pods_bandwidth_holds(judge: Judge, lab: Lab, stage: Stage, seed: int) -> None:
    """A pod sends no more than its egress-bandwidth says, and receives no more than its
    ingress-bandwidth."""
    downloads = bandwidth.download(lab, stage, seed)
    held = held_to_rate(downloads.size, bandwidth.RATE, bandwidth.LATER)
    narrow = (on(stream, held) for stream in (bandwidth.SENDING, bandwidth.RECEIVING))
    free = on(bandwidth.UNBOUND, faster_than(2.0))
    judge(downloads.history, with_positive_control(denied=every(*narrow), allowed=free))
