"""Histories: what is written can be read again, and what is asked for is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fixtures.history import Exchange, History, Window

times = st.floats(0, 1e6)
exchanges = st.builds(
    Exchange,
    stream=st.sampled_from(["allowed", "denied"]),
    seq=st.integers(0, 9),
    caller=st.text(max_size=5),
    cluster=st.just("aws-cluster"),
    identity=st.text(max_size=5),
    sent=times,
    received=times,
    url=st.text(max_size=20),
    request_headers=st.dictionaries(
        st.text(max_size=5),
        st.text(max_size=5) | st.lists(st.text(max_size=5), min_size=1, max_size=3).map(tuple),
        max_size=2,
    ),
    http2=st.booleans(),
    status=st.sampled_from([0, 200, 403]),
    body=st.text(max_size=20),
    error=st.sampled_from(["", "timeout", "dns"]),
)


def exchange(stream: str = "allowed", seq: int = 0) -> Exchange:
    return Exchange(
        stream=stream,
        seq=seq,
        caller="frontend-1",
        cluster="aws-cluster",
        identity="default/frontend",
        sent=10.0,
        received=10.25,
        url="http://backend/",
    )


@settings(max_examples=40)
@given(st.lists(exchanges, max_size=5))
def test_what_is_printed_is_read_back(made: list[Exchange]) -> None:
    lines = [e.model_dump_json(exclude_defaults=True) for e in made]
    assert list(History.parse(lines)) == made


def test_what_is_saved_is_loaded_and_defaults_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "new" / "run" / "CS1.jsonl"
    history = History([exchange(), exchange("denied", 1)])
    history.save(path)
    assert list(History.load(path)) == list(history)
    assert len(path.read_text().splitlines()) == 2
    assert "status" not in path.read_text()
    assert "http2" not in path.read_text()


def test_windows_are_saved_after_the_exchanges_and_stay_with_any_part(tmp_path: Path) -> None:
    window = Window(
        caller="c", cluster="a", identity="i", began=10, ended=20, lines=1, stalled=4, late=0.5
    )
    path = tmp_path / "CS1.jsonl"
    History([exchange()], [window]).save(path)
    assert path.read_text().splitlines()[-1].startswith('{"window":')
    assert "died" not in path.read_text()
    loaded = History.load(path)
    assert loaded.windows == loaded.stream("none").windows == (window,)
    assert (loaded + loaded).windows == (window, window)
    assert window.pressure == 0.4
    assert Window(caller="c", cluster="a", identity="i").pressure == 0


def test_blank_lines_are_passed_over_and_others_are_not() -> None:
    assert len(History.parse(["", "\n", exchange().model_dump_json()])) == 1
    with pytest.raises(ValidationError):
        History.parse(["Defaulted container"])
    with pytest.raises(ValidationError, match="colour"):
        History.parse([exchange().model_dump_json()[:-1] + ',"colour":1}'])


def test_streams_are_named_in_order_and_can_be_taken_out() -> None:
    history = History([exchange("b"), exchange("a"), exchange("b", 1)])
    assert history.streams() == ("b", "a")
    assert [e.seq for e in history.stream("b")] == [0, 1]
    assert len(history + history.stream("a")) == 4
    assert len(history.where(lambda e: e.seq == 1)) == 1


def test_latency_is_from_sending_to_the_answer() -> None:
    assert exchange().latency == 0.25


def test_an_exchange_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        exchange().status = 200  # type: ignore[misc]
