"""Streams: what the clients read is what the suites wrote, and nonsense is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fixtures.history.streams import ClientId, Load, Plan, Stream, marked, nonce, with_nonces

HEADERS = {"User-Agent": "", "X-Line": ("one", "two")}
WHO = ClientId(caller="frontend-1", cluster="aws-cluster", identity="default/frontend")


def test_a_plan_survives_the_way_into_the_pod() -> None:
    stream = Stream(stream="a", url="http://b/{seq}", headers=HEADERS, first=600, http2=True)
    plan = Plan(who=WHO, streams=(stream,))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_a_load_survives_the_way_into_the_pod() -> None:
    load = Load(who=WHO, streams=(Stream(stream="a", url="http://b/"),), users=20, seconds=10)
    assert Load.model_validate_json(load.model_dump_json()) == load


@pytest.mark.parametrize(
    "field",
    [
        {"count": 0},
        {"concurrency": 0},
        {"timeout": 0},
        {"first": -1},
        {"retries": 3},
        {"headers": {"a": ()}},
    ],
)
def test_a_stream_that_asks_nothing_or_unknown_things_is_refused(field: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(field))):
        Stream.model_validate({"stream": "a", "url": "http://b/", **field})


def test_a_plan_without_streams_is_refused() -> None:
    with pytest.raises(ValidationError):
        Plan(who=WHO, streams=())


def test_a_load_without_an_end_is_refused() -> None:
    with pytest.raises(ValidationError):
        Load(who=WHO, streams=(Stream(stream="a", url="http://b/"),), seconds=0)


def test_a_load_speaks_no_http2() -> None:
    with pytest.raises(ValidationError, match="no HTTP/2"):
        Load(who=WHO, streams=(Stream(stream="a", url="http://b/", http2=True),), seconds=9)


def test_requests_with_nonces_are_told_from_all_others() -> None:
    plain = marked("a->b:80", "host", "g1", count=2)
    assert plain.url == "http://host/?nonce=a--b-80-g1-{seq}_"
    moody = marked("a", "host:81", "g1", "delay=2", "/page")
    assert moody.url == "http://host:81/page?nonce=a-g1-{seq}_&delay=2"
    assert with_nonces("a", "host", "g1").url == "http://host/?nonce=a-g1-{seq}_"
    assert nonce("a b", "g1", "3") == "a-b-g1-3_"
