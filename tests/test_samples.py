"""Samples: rows with every pair of values, and the requests that are made of them."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.checks.expectations import Served
from fixtures.checks.samples import (
    CLIENT,
    Oracle,
    by_client,
    cause,
    headers_of,
    joined,
    matched,
    pairwise,
    ports_of,
    stream,
)

ORIGIN = "http://198.18.0.1"
WEB = Served(frozenset({"web"}))
SPACES = st.dictionaries(
    st.sampled_from("abcdef"), st.integers(1, 4).map(lambda n: list("wxyz"[:n])), min_size=2
)


def test_a_request_has_what_its_row_says() -> None:
    chosen = {
        "method": "PUT", "path": "/cart", "query": "a=1&a=2", "port": "8080", "http": "2",
        "header": {"X-Tenant": "one"}, "agent": {"User-Agent": "Mobile"},
    }  # fmt: skip
    request = stream("s", ORIGIN, chosen, "n7")
    assert (request.stream, request.method, request.http2, request.whole) == (
        "s",
        "PUT",
        True,
        True,
    )
    assert request.url == f"{ORIGIN}:8080/?a=1&a=2&nonce=n7"
    assert request.target == "/cart?a=1&a=2&nonce=n7"
    assert request.headers == {"X-Tenant": "one", "User-Agent": "Mobile"}


def test_what_a_row_does_not_say_is_the_plainest_request() -> None:
    request = stream("s", ORIGIN, {"query": "", "port": "", "http": "1.1"}, "n7")
    assert request == stream("s", ORIGIN, {}, "n7")
    assert (request.method, request.http2) == ("GET", False)
    assert request.url == f"{ORIGIN}/?nonce=n7"
    assert request.target == "/?nonce=n7"
    assert request.headers == {}


def test_headers_are_all_that_is_no_text() -> None:
    chosen = {"method": "GET", "header": {"A": "1", "B": ("2", "3")}, "cookie": {"Cookie": "c"}}
    assert headers_of(chosen) == {"A": "1", "B": ("2", "3"), "Cookie": "c"}
    assert matched(headers_of(chosen)) == {"a": "1", "b": "2,3", "cookie": "c"}
    assert (joined("a, b"), joined(("a, b", "c"))) == ("a, b", "a, b,c")


def test_the_first_port_is_the_origins_own() -> None:
    assert ports_of([80, "8080", 3001]) == {"80": "", "8080": "8080", "3001": "3001"}


@settings(max_examples=60)
@given(SPACES, st.integers(0, 2**32))
def test_every_pair_of_values_is_in_some_row(space: dict[str, list[str]], seed: int) -> None:
    rows = pairwise(space, seed)
    assert rows == pairwise(space, seed)
    wanted = {
        frozenset(((a, x), (b, y)))
        for a, b in combinations(space, 2)
        for x, y in product(space[a], space[b])
    }
    assert {frozenset(pair) for row in rows for pair in combinations(row.items(), 2)} == wanted


def test_another_seed_makes_other_rows() -> None:
    space = dict.fromkeys("abc", "wxyz")
    assert pairwise(space, 1) != pairwise(space, 2)


def test_a_space_of_one_dimension_has_a_row_for_each_value() -> None:
    rows = pairwise({"a": "wxyz"}, 3)
    assert sorted(row["a"] for row in rows) == list("wxyz")
    assert all(set(row) == {"a"} for row in rows)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_free_in_a_row_is_spread_evenly(seed: int) -> None:
    """A dimension of few values beside two of many: each is there about as often."""
    rows = pairwise({"a": "01234567", "b": "01234567", "c": "xy", "d": "uvw"}, seed)
    for name, most in (("c", 2), ("d", 3)):
        used = Counter(row[name] for row in rows)
        assert max(used.values()) - min(used.values()) <= most, used


def test_a_sample_is_named_numbered_and_marked() -> None:
    space = {"method": {"GET": "GET", "PUT": "PUT"}, CLIENT: {"one": "a", "two": ""}}
    oracle = Oracle(space, lambda _: WEB, ({"method": ("PUT",)},), name="part")
    samples = oracle.sample(7, ORIGIN, "g1")
    assert [s.stream.stream for s in samples] == [f"part-{n}" for n in range(6)]
    assert [s.stream.target for s in samples] == [f"/?nonce=g1-{n}" for n in range(6)]
    assert [s.row["method"] for s in samples[4:]] == ["PUT", "PUT"]
    assert all(s.expectation is WEB and not s.stream.headers for s in samples)
    own = by_client(samples)
    assert {name: {s.row[CLIENT] for s in part} for name, part in own.items()} == {
        "one": {"one"}, "two": {"two"},
    }  # fmt: skip
    assert sum(map(len, own.values())) == len(samples)


A, B, C = {"x": "1", "y": "1"}, {"x": "1", "y": "2"}, {"x": "2", "y": "1"}


@pytest.mark.parametrize(
    ("failing", "others", "found"),
    [
        ([A, B], [C], {"x": "1"}),
        ([A], [B, C], {"x": "1", "y": "1"}),
        ([A, C], [B], {"y": "1"}),
        ([A, B, C], [], {}),
        ([B, C], [A], {}),
        ([], [A], {}),
    ],
)
def test_a_cause_is_what_all_that_fails_has_and_nothing_else(
    failing: list[dict[str, str]], others: list[dict[str, str]], found: dict[str, str]
) -> None:
    assert cause(failing, others) == found
