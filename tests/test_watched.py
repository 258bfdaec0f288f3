"""Watched: each way in which a stream can pass, fail, or leave it open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fixtures.checks.watched import Asked, Change, entry, shares, wrong
from fixtures.history.traces import Answer, Trace
from reports.upgrade_schema import Budget, Phase, Stream
from tests.traces import (
    BEGAN,
    DENIED,
    INTERVAL,
    MAY,
    MAY_NOT,
    REFUSED,
    SERVED,
    SILENT,
    STARVED,
    UNANSWERED,
    UNAVAILABLE,
    WRONG,
    trace,
    traces,
)

QUIET = Phase(name="quiet", started=0.0, seconds=1.0)
CILIUM = Phase(name="agents", component="cilium", started=1.0, seconds=2.0)
CHANGE = Change(BEGAN, (QUIET, CILIUM), (Budget(component="cilium", closed=0.1, misrouted=0.0),))
BEFORE = [SERVED] * 150  # 1.2 s


def judged(asked: Asked, *parts: Trace, alive: bool = True, change: Change = CHANGE) -> Stream:
    return entry(asked, [traces(part, alive=alive) for part in parts], change)


def test_what_was_served_throughout_passes() -> None:
    stream = judged(MAY, trace([SERVED] * 400))
    assert (stream.verdict, stream.n, stream.counts, stream.watched) == ("pass", 400, {}, 1.0)
    assert (stream.rate, stream.connections, stream.demand) == (125.0, "new", "allow")
    assert [(each.period, each.n) for each in stream.latencies] == [
        ("before", 125),
        ("during", 250),
        ("after", 25),
    ]
    assert all(1.9 < each.p50_ms < 2.1 for each in stream.latencies)
    assert stream.reason == (
        "all 400 requests are told of; it was served; watched for 100% of the time, "
        "unseen 8 ms at most"
    )


def test_a_denial_that_held_passes_and_says_so() -> None:
    assert "; nothing was let through; " in judged(MAY_NOT, trace([DENIED] * 400)).reason


def test_what_nobody_sent_is_told_as_unseen() -> None:
    stream = entry(MAY, [], CHANGE)
    assert (stream.verdict, stream.n, stream.rate, stream.watched, stream.blind) == (
        "inconclusive", 0, 0.0, 0.0, 1e6,
    )  # fmt: skip
    assert [*stream.gaps, *stream.episodes, *stream.latencies] == []
    assert stream.reason.startswith("a client sent nothing; ")


def test_new_and_keep_alive_connections_watch_together() -> None:
    kept = Asked("web-kept", MAY.suite, MAY.cluster, MAY.sentence, MAY.expectation)
    every = [SERVED, STARVED]  # each of the two asks every 16 ms, and they take turns
    both = traces(
        trace(every * 100), trace(every * 100, name="web-kept", began=BEGAN + INTERVAL),
        trace([SERVED] * 100, name="other"),
    )  # fmt: skip
    for asked in (MAY, kept):
        stream = entry(asked, [both], CHANGE)
        assert (stream.watched, stream.n) == (1.0, 200)
    lone = entry(MAY, [traces(trace(every * 100))], CHANGE)
    assert lone.watched == 0


def test_a_stream_over_keep_alive_connections_says_so() -> None:
    read = trace([SERVED] * 400)
    kept = replace(read, stream=read.stream.model_copy(update={"kept": True}))
    assert judged(MAY, kept).connections == "kept"


def test_one_leak_fails_whatever_else_is_unknown() -> None:
    stream = judged(MAY_NOT, trace([DENIED] * 5 + [SERVED]), alive=False)
    assert stream.verdict == "fail"
    assert "1 of 6 requests were let through" in stream.reason
    assert [(e.kind, e.n) for e in stream.episodes] == [("leak", 1)]


def test_a_denial_without_its_cause_is_borne_in_small_numbers() -> None:
    few = trace([DENIED] * 100 + [UNAVAILABLE] * 2 + [DENIED] * 100)
    many = trace([DENIED] * 10 + [UNAVAILABLE] * 10)
    most = trace([DENIED] * 190 + [UNAVAILABLE] * 10)
    assert judged(MAY_NOT, few).verdict == "pass"
    assert judged(MAY_NOT, most).verdict == "pass"
    assert judged(MAY_NOT, many).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("bad", "verdict"),
    [(REFUSED, "pass"), (SILENT, "pass"), (WRONG, "fail"), (UNAVAILABLE, "pass")],
)
def test_within_its_budget_a_component_may_shut_but_not_misroute(bad: Answer, verdict: str) -> None:
    stream = judged(MAY, trace([*BEFORE, *[bad] * 5, *BEFORE]))
    assert stream.verdict == verdict


def test_a_budget_that_even_the_least_exceeds_fails() -> None:
    stream = judged(MAY, trace([*BEFORE, *[SILENT] * 20, *BEFORE]))
    assert stream.verdict == "fail"
    assert stream.reason == (
        "shut during cilium for 0.152 to 0.170 s (20 requests), 0.1 s are allowed"
    )


def test_what_was_led_astray_is_told_as_such() -> None:
    stream = judged(MAY, trace([*BEFORE, WRONG, *BEFORE]))
    assert "answered wrongly during cilium for 0.000 to 0.018 s (1 requests)" in stream.reason


def test_what_is_of_no_phase_is_held_against_nobody_s_budget() -> None:
    stream = judged(MAY, trace([*[SERVED] * 390, SILENT, *BEFORE]))
    assert stream.episodes[0].phase == ""
    assert stream.verdict == "fail"
    assert stream.reason == (
        "shut while nothing was done for 0.000 to 0.018 s (1 requests), 0 s are allowed"
    )


def test_a_budget_that_only_the_most_exceeds_is_left_open() -> None:
    stream = judged(MAY, trace([*BEFORE, *[SILENT] * 12, *BEFORE]))
    assert 11 * INTERVAL <= 0.1 < 13 * INTERVAL
    assert stream.verdict == "inconclusive"


def test_nothing_may_be_shut_while_nothing_is_done() -> None:
    stream = judged(MAY, trace([SERVED] * 20 + [SILENT] + [SERVED] * 300))
    assert stream.verdict == "fail"
    assert "while nothing was done" in stream.reason


def test_late_answers_are_told_and_forgiven() -> None:
    took = [0.002] * 150 + [0.6] + [0.002] * 100
    stream = judged(MAY, trace([SERVED] * 251, took=took))
    assert (stream.verdict, stream.counts) == ("pass", {"late": 1})


def test_a_generator_that_fell_behind_leaves_it_open() -> None:
    stream = judged(MAY, trace([SERVED] * 100 + [STARVED] * 300 + [SERVED] * 100))
    assert stream.verdict == "inconclusive"
    assert stream.reason == (
        "the generator fell behind: a window of 10 ms could be missed for 60% of the time, "
        "2408 ms at most"
    )


def test_a_generator_is_held_to_the_window_that_it_was_asked_for() -> None:
    gaps = trace(([SERVED] * 2 + [STARVED] * 3) * 50 + [SERVED])
    assert judged(MAY, gaps).verdict == "inconclusive"
    assert judged(MAY, gaps, change=replace(CHANGE, window=0.050)).verdict == "pass"


def test_silence_by_a_machine_that_could_not_send_says_nothing_and_a_leak_does() -> None:
    silent = trace([SERVED] * 100 + [STARVED] * 300 + [SILENT] * 5 + [SERVED] * 100)
    assert judged(MAY, silent).verdict == "inconclusive"
    leaky = trace([DENIED] * 100 + [STARVED] * 300 + [SERVED] + [DENIED] * 100)
    assert judged(MAY_NOT, leaky).verdict == "fail"
    wrong_too = trace([SERVED] * 100 + [STARVED] * 300 + [WRONG] + [SERVED] * 100)
    assert judged(MAY, wrong_too).verdict == "fail"


def test_a_client_that_died_or_sent_nothing_leaves_it_open() -> None:
    dead = judged(MAY, trace([SERVED] * 400), alive=False)
    assert (dead.verdict, dead.reason) == ("inconclusive", "a client died before its end")
    assert judged(MAY).verdict == "inconclusive"
    assert judged(MAY, trace([])).verdict == "inconclusive"


def test_a_lost_line_leaves_it_open() -> None:
    whole = trace([SERVED] * 400)
    kept = np.arange(400) != 200
    columns = ("seq", "due", "sent", "received", "answer")
    holed = replace(whole, **{name: getattr(whole, name)[kept] for name in columns})
    assert judged(MAY, whole).verdict == "pass"
    stream = judged(MAY, holed)
    assert stream.verdict == "inconclusive"
    assert "1 requests have no line" in stream.reason


def test_a_part_of_a_trace_that_begins_later_has_lost_nothing() -> None:
    part = trace([SERVED] * 400).between(BEGAN + 0.1, BEGAN + 9)
    assert part.seq[0] > 0
    assert judged(MAY, part).verdict == "pass"


def test_a_successor_leaves_a_gap_and_no_blame() -> None:
    later = trace([SERVED] * 200, began=BEGAN + 10)
    stream = judged(MAY, trace([SERVED] * 200), later)
    assert stream.verdict == "pass"
    ((from_, to),) = stream.gaps
    assert from_ == pytest.approx(199 * INTERVAL)
    assert to == pytest.approx(10.0)


def test_before_its_first_client_and_after_its_last_nothing_was_watched() -> None:
    (head, tail) = judged(MAY, trace([SERVED] * 10, began=BEGAN + 1.5)).gaps
    assert list(head) == pytest.approx([0.0, 1.5])
    assert list(tail) == pytest.approx([1.5 + 9 * INTERVAL, 3.0])


def test_a_watch_without_phases_has_no_gap_after_it() -> None:
    alone = Change(BEGAN, (), ())
    stream = judged(MAY, trace([SERVED] * 10), change=alone)
    assert stream.gaps == ()
    assert [each.period for each in stream.latencies] == ["before"]
    (gap,) = judged(MAY, trace([SERVED], began=BEGAN + 2.5), change=alone).gaps
    assert list(gap) == pytest.approx([0.0, 2.5])


def test_what_was_not_good_is_kept_as_lines() -> None:
    history = wrong(MAY, [traces(trace([SERVED, SILENT, WRONG, SERVED]))])
    assert [(e.seq, e.error or e.service) for e in history] == [
        (2, "mobile-service"),
        (1, "timeout"),
    ]


# --- the split -----------------------------------------------------------------------------

SPLIT = "split-kept"
WEIGHTS = {"web-service": 90, "mobile-service": 10}


def drawn(nines: int, of: int, n: int) -> Trace:
    return trace([SERVED if i % of < nines else WRONG for i in range(n)], name=SPLIT)


@pytest.mark.parametrize(
    ("nines", "of", "n", "verdict", "reason"),
    [
        (9, 10, 4000, "pass", "accepted"),
        (5, 10, 4000, "fail", "too few"),
        (9, 10, 50, "pass", "too few to decide, and they agree"),
        (1, 10, 9, "inconclusive", "too few to decide"),
    ],
)
def test_the_split_is_decided_in_all_and_by_phase(
    nines: int, of: int, n: int, verdict: str, reason: str
) -> None:
    entries = list(shares("aws-cluster", SPLIT, WEIGHTS, [drawn(nines, of, n)], CHANGE))
    assert entries[0].phase == "in all"
    assert (entries[0].verdict, entries[0].n) == (verdict, n)
    assert entries[1].phase == "quiet"
    assert entries[1].n == min(n, 125)
    n_of = {each.phase: each.n for each in entries}
    assert n_of.get("agents", 0) == min(max(n - 125, 0), 250)
    assert entries[0].reason == reason


def test_what_no_service_answered_is_no_draw() -> None:
    read = trace([SERVED, SILENT, UNAVAILABLE, SERVED], name=SPLIT)
    (whole, *_) = shares("aws-cluster", SPLIT, WEIGHTS, [read], CHANGE)
    assert (whole.n, whole.hits, whole.declared) == (2, 2, 0.9)
    assert list(shares("aws-cluster", SPLIT, WEIGHTS, [], CHANGE)) == []


def test_a_split_that_silence_may_account_for_is_not_rejected() -> None:
    """Half of what the service was sent came back: of those answered, far too few are its own."""
    round_ = ([SERVED] * 9 + [UNANSWERED] * 9 + [WRONG] * 2) * 60
    (whole, *_) = shares("aws-cluster", SPLIT, WEIGHTS, [trace(round_, name=SPLIT)], CHANGE)
    assert (whole.verdict, whole.n, whole.hits) == ("inconclusive", 660, 540)
    assert whole.reason == "too few of those answered, but 540 were not"


@pytest.mark.parametrize("unanswered", [UNANSWERED, STARVED])
def test_a_split_that_silence_cannot_account_for_is_rejected(unanswered: Answer) -> None:
    half = ([SERVED, WRONG] * 20 + [unanswered]) * 20
    (whole, *_) = shares("aws-cluster", SPLIT, WEIGHTS, [trace(half, name=SPLIT)], CHANGE)
    assert (whole.verdict, whole.reason) == ("fail", "too few")


def test_what_another_service_answered_is_no_draw() -> None:
    read = trace([SERVED, WRONG, SERVED], name=SPLIT)
    (whole, *_) = shares("aws-cluster", SPLIT, {"web-service": 90, "another": 10}, [read], CHANGE)
    assert (whole.n, whole.hits) == (2, 2)
