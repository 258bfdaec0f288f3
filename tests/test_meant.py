"""What of a sample was treated otherwise than the reference means: each way is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.checks.expectations import BY_RBAC, NO_ROUTE, Dropped, Expectation, Served
from fixtures.checks.meant import as_meant
from fixtures.checks.samples import Sample, stream
from fixtures.history import Arrived, Exchange, History, Window
from fixtures.history.streams import HeaderValue
from fixtures.history.verdict import Outcome

ORIGIN = "http://198.18.0.1"
SERVED = Served(frozenset({"web"}))
ROWS = [{"method": m, "path": p} for m in ("GET", "POST") for p in ("root", "cart")]


def made(number: int, row: dict[str, str], expectation: Expectation = SERVED) -> Sample:
    chosen = {"method": row["method"], "path": {"root": "/", "cart": "/cart"}[row["path"]]}
    headers = {"header": {"X-Sent": "yes"}}
    return Sample(stream(f"s{number}", ORIGIN, chosen | headers, f"n{number}"), row, expectation)


def answer(sample: Sample, **other: Any) -> Exchange:
    """What the reference means of a sample, but for `other`."""
    request = sample.stream
    fields: dict[str, Any] = {
        "stream": request.stream, "seq": 0, "caller": "c", "cluster": "aws", "identity": "i",
        "sent": 1.0, "received": 1.01, "method": request.method, "url": f"{ORIGIN}{request.target}",
        "request_headers": request.headers, "status": 200, "service": "web",
        "answer_headers": {"date": "now", "x-envoy-upstream-service-time": "1"},
        "arrived": Arrived(
            method=request.method, path=request.target, host="198.18.0.1",
            headers={"x-sent": "yes", "x-request-id": "1"},
        ),
    }  # fmt: skip
    return Exchange.model_validate(fields | other)


SAMPLES = [made(number, row) for number, row in enumerate(ROWS)]
ARRIVED = {f"n{number}": ["web"] for number in range(len(ROWS))}
CALM = Window(caller="c", cluster="aws", identity="i", began=0, ended=10, lines=4)


def judged(places: Any = None, window: Window = CALM, **other: Any) -> Any:
    answers = [answer(s, **(other if n == 2 else {})) for n, s in enumerate(SAMPLES)]
    return as_meant(SAMPLES, ARRIVED | (places or {}))(History(answers, [window]))


def test_what_is_as_meant_passes() -> None:
    verdict = judged()
    assert verdict.outcome is Outcome.PASS, verdict.reason
    assert (verdict.numbers["n"], verdict.numbers["hits"]) == (4, 4)


@pytest.mark.parametrize(
    ("other", "seen"),
    [
        ({"service": "mobile"}, "200 by mobile, expected 200 by web"),
        ({"status": 404, "service": ""}, "404 by no backend"),
        ({"arrived": ["n2", []]}, "it arrived 0 times (nowhere)"),
        ({"arrived": ["n2", ["web", "web"]]}, "it arrived 2 times (web, web)"),
        ({"arrived": ["n2", ["web", "mirror"]]}, "it arrived 2 times (mirror, web)"),
        ({"received": 3.1}, "took 2.1 s"),
        ({"answer_headers": {"x-added": "1"}}, "the answer has x-added"),
        ({"arrived": {"method": "GET", "path": "/"}}, "it arrived as GET /"),
        ({"arrived": {"headers": {"x-sent": "no"}}}, "x-sent arrived as 'no'"),
        ({"arrived": {"headers": {}}}, "x-sent arrived as 'nothing'"),
        ({"arrived": {"headers": {"x-sent": "yes", "x-set": ""}}}, "it arrived with x-set"),
        ({"status": 0, "service": "", "error": "timeout"}, "timeout, expected 200 by web"),
    ],
)
def test_each_other_treatment_fails(other: dict[str, Any], seen: str) -> None:
    places = None
    match other.get("arrived"):
        case [nonce, services]:
            other, places = {}, {nonce: services}
        case dict(fields):
            target = SAMPLES[2].stream.target
            whole = {"method": "POST", "path": target, "host": "198.18.0.1",
                     "headers": {"x-sent": "yes"}}  # fmt: skip
            other = {"arrived": Arrived.model_validate(whole | fields)}
    verdict = judged(places, **other)
    assert verdict.outcome is Outcome.FAIL
    assert seen in verdict.reason
    assert "1 of 4 were not treated as meant" in verdict.reason


LINES = ("a, b", "c")


@pytest.mark.parametrize(
    ("sent", "arrived", "unchanged"),
    [
        (LINES, "a, b,c", True),
        (LINES, "a, b, c", True),
        (LINES, "c,a, b", False),
        (LINES, "a, b", False),
        (LINES, "a, bc", False),
        ("a, b", "a, b", True),
        ("a, b", "a,b", False),
        (("a", "a"), "a", False),
        ("ab", "a, b", False),
    ],
)
def test_several_lines_may_be_joined_on_the_way(
    sent: HeaderValue, arrived: str, unchanged: bool
) -> None:
    chosen = {"http": "2", "header": {"X-Sent": sent}}
    sample = Sample(stream("s0", ORIGIN, chosen, "n0"), {"http": "2"}, SERVED)
    request = sample.stream
    came = Arrived(
        method="GET", path=request.target, host="198.18.0.1", headers={"x-sent": arrived}
    )
    history = History([answer(sample, arrived=came, http2=True)], [CALM])
    verdict = as_meant([sample], {"n0": ["web"]})(history)
    assert verdict.outcome is (Outcome.PASS if unchanged else Outcome.FAIL)
    assert unchanged or f"x-sent arrived as {arrived!r}" in verdict.reason


def test_a_failure_is_told_whole() -> None:
    web_or_mobile = Served(frozenset({"web", "mobile"}))
    samples = [made(n, row, web_or_mobile) for n, row in enumerate(ROWS)]
    answers = [answer(s, service="other" if n in (0, 3) else "web") for n, s in enumerate(samples)]
    verdict = as_meant(samples, ARRIVED)(History(answers, [CALM]))
    assert verdict.reason.split("; 4 requests")[0] == (
        "2 of 4 were not treated as meant; the first: GET http://198.18.0.1/?nonce=n0"
        " (method: GET, path: root): 200 by other, expected 200 by mobile or web"
    )
    assert (verdict.numbers["n"], verdict.numbers["hits"]) == (4, 2)


@pytest.mark.parametrize(
    ("expectation", "meaning"),
    [(NO_ROUTE, "expected 404 by no backend"), (Dropped(), "expected no answer")],
)
def test_what_was_expected_in_the_place_of_an_answer_is_told(
    expectation: Expectation, meaning: str
) -> None:
    sample = made(0, ROWS[0], expectation)
    verdict = as_meant([sample], ARRIVED)(History([answer(sample)], [CALM]))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("1 of 1 were not treated as meant")
    assert meaning in verdict.reason


def test_several_things_are_divided_by_commas() -> None:
    assert "the answer has x-a, x-b" in judged(answer_headers={"x-b": "1", "x-a": "1"}).reason
    denied = made(0, ROWS[0], BY_RBAC)
    refusal = answer(denied, status=403, service="", body=BY_RBAC.body, arrived=None)
    verdict = as_meant([denied], {"n0": ["web", "mobile"]})(History([refusal], [CALM]))
    assert "it arrived at mobile, web" in verdict.reason
    headers = {"x-sent": "yes", "x-set": "", "x-too": ""}
    target = SAMPLES[2].stream.target
    whole = {"method": "POST", "path": target, "host": "198.18.0.1", "headers": headers}
    assert "it arrived with x-set, x-too" in judged(arrived=Arrived.model_validate(whole)).reason


@pytest.mark.parametrize(
    ("header", "arrived", "outcome"),
    [
        ({"Host": "shop.example"}, "shop.example", Outcome.PASS),
        ({"Host": "shop.example"}, "198.18.0.1", Outcome.FAIL),
        ({}, "198.18.0.1", Outcome.PASS),
        ({}, "shop.example", Outcome.FAIL),
    ],
)
def test_a_request_arrives_for_the_host_that_it_was_sent_for(
    header: dict[str, str], arrived: str, outcome: Outcome
) -> None:
    sample = Sample(stream("s0", ORIGIN, {"header": header}, "n0"), ROWS[0], SERVED)
    came = Arrived(method="GET", path=sample.stream.target, host=arrived, headers={})
    verdict = as_meant([sample], {"n0": ["web"]})(History([answer(sample, arrived=came)], [CALM]))
    assert verdict.outcome is outcome
    assert (f"for the host {arrived}" in verdict.reason) == (outcome is Outcome.FAIL)


def test_no_machine_is_so_slow_that_it_answers_nobody_for_a_quarter_of_a_minute() -> None:
    pressed = CALM.model_copy(update={"stalled": 9.0})
    for seconds, outcome in ((14.0, Outcome.INCONCLUSIVE), (15.0, Outcome.FAIL)):
        silent = [
            answer(s, status=0, service="", error="timeout", arrived=None, received=1.0 + seconds)
            for s in SAMPLES
        ]
        assert as_meant(SAMPLES, {})(History(silent, [pressed])).outcome is outcome
        one = [answer(SAMPLES[0]), *silent[1:]]
        verdict = as_meant(SAMPLES, ARRIVED)(History(one, [pressed]))
        assert verdict.outcome is Outcome.INCONCLUSIVE


def test_numbers_are_of_the_sample_alone_whatever_the_verdict() -> None:
    beside = answer(SAMPLES[0], stream="beside", service="other")
    pressed = CALM.model_copy(update={"stalled": 8.0})
    silent = answer(SAMPLES[2], status=0, service="", error="timeout")
    others = [answer(SAMPLES[n]) for n in (0, 1, 3)]
    for answers, window in (([silent, *others], pressed), (others, CALM)):
        verdict = as_meant(SAMPLES, ARRIVED)(History([beside, *answers], [window]))
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert (verdict.numbers["n"], verdict.numbers["hits"]) == (len(answers), 3)


def test_a_sample_of_which_too_little_was_sent_is_no_pass() -> None:
    verdict = as_meant(SAMPLES, ARRIVED)(History([], [CALM]))
    assert "4 are needed" in verdict.reason


def test_an_answer_after_just_a_second_is_in_time() -> None:
    assert judged(sent=1.0, received=2.0).outcome is Outcome.PASS


def test_what_fails_alike_is_told_by_its_cause() -> None:
    answers = [
        answer(s, status=404 if s.row["method"] == "POST" else 200, service="web") for s in SAMPLES
    ]
    verdict = as_meant(SAMPLES, ARRIVED)(History(answers, [CALM]))
    assert "2 of 4 were not treated as meant, all with method: POST and none else" in verdict.reason


def test_a_pressed_machine_excuses_what_is_late_or_silent() -> None:
    pressed = CALM.model_copy(update={"stalled": 9.0})
    silent = judged(window=pressed, status=0, service="", error="timeout")
    assert silent.outcome is Outcome.INCONCLUSIVE
    assert judged(window=pressed, received=3.1).outcome is Outcome.PASS
    assert judged(window=pressed, service="mobile").outcome is Outcome.FAIL


def test_what_was_not_asked_is_inconclusive() -> None:
    verdict = as_meant(SAMPLES, ARRIVED)(History(map(answer, SAMPLES[:3]), [CALM]))
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_what_was_not_asked_any_more_is_told_beside_what_was_wrong() -> None:
    silent = answer(SAMPLES[0], status=0, service="", error="timeout")
    verdict = as_meant(SAMPLES, ARRIVED)(History([silent], [CALM]))
    assert verdict.outcome is Outcome.FAIL
    assert f"expected 200 by web; {len(SAMPLES) - 1} more were not asked" in verdict.reason


@pytest.mark.parametrize("expectation", [BY_RBAC, NO_ROUTE])
def test_a_denied_request_arrives_nowhere(expectation: Any) -> None:
    sample = made(0, ROWS[0], expectation)
    denied = answer(
        sample, status=expectation.status, service="", body=expectation.body, arrived=None
    )
    history = History([denied], [CALM])
    assert as_meant([sample], {})(history).outcome is Outcome.PASS
    assert "arrived at web" in as_meant([sample], {"n0": ["web"]})(history).reason
    served = History([answer(sample)], [CALM])
    assert as_meant([sample], {})(served).outcome is Outcome.FAIL


@pytest.mark.parametrize(("expectation", "status"), [(SERVED, 200), (BY_RBAC, 403)])
def test_an_answer_to_head_is_known_by_the_logs(expectation: Expectation, status: int) -> None:
    sample = made(0, {"method": "HEAD", "path": "root"}, expectation)
    history = History([answer(sample, status=status, service="", arrived=None)], [CALM])
    places = {"n0": ["web"]} if status == 200 else {}
    assert as_meant([sample], places)(history).outcome is Outcome.PASS
    assert as_meant([sample], {"n0": ["mobile"]})(history).outcome is Outcome.FAIL
