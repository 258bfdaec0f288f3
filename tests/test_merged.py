"""What Locust merged of a distributed load, and what it means."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.checks.expectations import BY_RBAC, Dropped
from fixtures.checks.merged import Load, as_expected, usual
from fixtures.checks.sequential import SplitTest
from fixtures.history import Exchange, History, Window
from fixtures.history.merged import Answers, Merged, bucket, percentile
from fixtures.history.streams import Usual
from fixtures.lab.probes import served_by
from tests.test_locustfile import WHO as WORKER

A, B = served_by("a"), served_by("a", "b")
WHO = WORKER.model_dump()


def answers(outcome: str, *seconds: int, stream: str = "s") -> Answers:
    """So many answers in each second, of two milliseconds each."""
    return Answers(stream, outcome, {2.0: sum(seconds)}, dict(enumerate(seconds)))


def line(status: int = 0, service: str = "", **more: object) -> Exchange:
    fields = {"stream": "s", "seq": 0, "sent": 0.0, "received": 0.1, "url": "http://a/"}
    return Exchange.model_validate({**fields, **WHO, "status": status, "service": service, **more})


def load(*counted: Answers, lines: Sequence[Exchange] = (), due: int = 0, **window: object) -> Load:
    """A load whose one worker tells of what was counted, and of what else is said of it."""
    said = {"ended": 1.0, "requests": sum(each.n for each in counted), **window}
    windows = [Window.model_validate({**WHO, **said})]
    return Load(Merged(counted), History(lines, windows), due)


def locusts(entries: Sequence[Answers]) -> str:
    """As Locust writes them."""
    return json.dumps(
        [
            {
                "method": each.stream,
                "name": each.outcome,
                "response_times": each.times,
                "num_reqs_per_sec": each.seconds,
            }
            for each in entries
        ]
    )


def test_what_locust_writes_is_read_as_it_is_meant() -> None:
    entries = (answers("200 a", 3, 4), answers("unusual: 503", 1))
    merged = Merged.parse(locusts(entries))
    assert merged == Merged(entries)
    assert (merged.n, merged.unusual()) == (8, 1)
    assert merged.by_second(["a"]) == [{"a": 3}, {"a": 4}]
    assert merged.by_status() == {"200": (3, 4), "unusual": (1, 0)}


TIMES = st.floats(0.002, 100_000)


@given(st.lists(TIMES, min_size=1, max_size=200))
def test_three_digits_of_a_time_are_what_the_histogram_keeps(times: list[float]) -> None:
    """Merging buckets loses nothing: each percentile is within a part in a hundred of the time
    that it stands for."""
    counts: dict[float, int] = {}
    for time in times:
        counts[bucket(time)] = counts.get(bucket(time), 0) + 1
    histogram = Merged((Answers("s", "200 a", counts, {}),)).histogram()
    assert histogram.get_total_count() == len(times)
    assert percentile(histogram, 100) == pytest.approx(max(times), rel=0.01, abs=0.001)
    assert percentile(histogram, 0) <= min(times) * 1.01 + 0.001


@given(st.lists(st.sampled_from([(200, "a"), (200, "b"), (503, "")]), max_size=50))
def test_lines_and_counts_of_the_same_load_say_the_same(made: list[tuple[int, str]]) -> None:
    lines = [line(status, service, seq=n) for n, (status, service) in enumerate(made)]
    merged = Merged.of(History(lines), {"s": usual(A)})
    assert merged.n == len(made)
    assert merged.unusual() == sum(answer != (200, "a") for answer in made)
    wrong = [each for each in lines if each.service != "a"]
    verdict = as_expected(load(*merged, lines=wrong), "s", A, 1, {})
    assert verdict.outcome == ("inconclusive" if not made else "fail" if wrong else "pass")


@given(st.lists(st.booleans(), max_size=3_000))
def test_draws_that_are_counted_one_by_one_are_decided_as_they_are_drawn(draws: list[bool]) -> None:
    batches = [(int(hit), int(not hit)) for hit in draws]
    assert SplitTest().decide_by(batches) == SplitTest().decide(draws)


def test_a_usual_answer_is_what_a_stream_must_get() -> None:
    assert usual(B) == (Usual(status=200, service="a"), Usual(status=200, service="b"))
    assert usual(BY_RBAC) == (Usual(status=403, body="RBAC: access denied"),)
    with pytest.raises(ValueError, match="nobody answers"):
        usual(Dropped())


@pytest.mark.parametrize(
    ("judged", "outcome", "reason"),
    [
        (load(answers("200 a", 60)), "pass", "all 60"),
        (load(answers("200 a", 9)), "inconclusive", "too few"),
        (load(), "inconclusive", "0 requests"),
        (load(answers("200 a", 60), requests=61), "inconclusive", "61 requests were sent"),
        (load(answers("200 a", 60), died="137"), "inconclusive", "died"),
        (
            load(answers("200 a", 60), answers("unusual: 200 b", 1), lines=[line(200, "b")]),
            "fail",
            "1 misrouted of 61",
        ),
        (
            load(answers("200 a", 60), answers("unusual: 200 b", 2), lines=[line(200, "b")]),
            "fail",
            "1 misrouted of 62",
        ),
        (
            load(answers("200 a", 60), answers("unusual: 503", 1)),
            "inconclusive",
            "0 of 1 unusual answers have a line",
        ),
        (
            load(
                answers("200 a", 60),
                answers("unusual: timeout", 1),
                lines=[line(error="timeout")],
                stalled=0.9,
            ),
            "inconclusive",
            "waited for a core",
        ),
        (
            load(
                answers("200 a", 60), answers("unusual: timeout", 1), lines=[line(error="timeout")]
            ),
            "fail",
            "1 dropped",
        ),
        (
            load(
                answers("200 a", 60), answers("unusual: starved", 1), lines=[line(error="starved")]
            ),
            "inconclusive",
            "starved generator",
        ),
        (load(answers("200 a", 100), due=100, delayed=1), "pass", "all 100"),
        (load(answers("200 a", 100), due=100, delayed=2), "inconclusive", "not open"),
        (load(answers("200 a", 98), due=100), "inconclusive", "2 of 100"),
    ],
)
def test_a_stream_that_must_be_served(judged: Load, outcome: str, reason: str) -> None:
    verdict = as_expected(judged, "s", A, 50, {})
    assert (verdict.outcome, reason in verdict.reason) == (outcome, True), verdict.reason


def test_a_leak_fails_whatever_else_is_known() -> None:
    judged = load(
        answers("403", 9), answers("unusual: 200 a", 1), lines=[line(200, "a")], died="137"
    )
    verdict = as_expected(judged, "s", BY_RBAC, 50, {})
    assert verdict.outcome == "fail"
    assert verdict.numbers["leak"] == 1


@pytest.mark.parametrize(
    ("hits", "misses", "outcome"),
    [(900, 100, "pass"), (800, 200, "fail"), (90, 10, "inconclusive")],
)
def test_shares_are_decided_second_by_second(hits: int, misses: int, outcome: str) -> None:
    seconds = 4
    judged = load(answers("200 a", *[hits] * seconds), answers("200 b", *[misses] * seconds))
    assert as_expected(judged, "s", B, 50, {"a": 90, "b": 10}).outcome == outcome
