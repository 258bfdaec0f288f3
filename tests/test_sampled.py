"""Request spaces: every pair of values is asked, and the cause of what fails is named."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.checks.expectations import Expectation, Rejected, Served
from fixtures.checks.samples import (
    CLIENT,
    METHODS,
    PATHS,
    Oracle,
    Space,
    cause,
    joined,
    pairwise,
    stream,
)
from fixtures.history.streams import HeaderValue
from suites.canary_split import oracle as canary_split
from suites.mobile_routing import oracle as mobile_routing
from suites.rbac_denial import oracle as rbac_denial

SPACES = st.dictionaries(
    st.sampled_from(["method", "path", "query", "agent", "host"]),
    st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=5, unique=True),
    min_size=1,
)
ORACLES = {"mobile": mobile_routing, "canary": canary_split, "rbac": rbac_denial}


@given(SPACES, st.integers(0, 2**32))
def test_every_pair_of_values_is_in_some_row(space: dict[str, list[str]], seed: int) -> None:
    rows = pairwise(space, seed)
    assert rows == pairwise(space, seed)
    for one, other in combinations(space, 2):
        pairs = {(row[one], row[other]) for row in rows}
        assert pairs == {(a, b) for a in space[one] for b in space[other]}
    for name, values in space.items():
        assert {row[name] for row in rows} == set(values)


@pytest.mark.parametrize("name", ORACLES)
def test_every_value_is_asked_about_as_often_as_the_others(name: str) -> None:
    space = ORACLES[name].SPACE
    rows = pairwise(space, seed=5)
    for dimension, values in space.items():
        most = max(Counter(row[dimension] for row in rows).values())
        assert most <= 1.5 * len(rows) / len(values) + 2, dimension


def test_another_seed_asks_other_rows() -> None:
    space = {"method": list(METHODS), "path": list(PATHS), "query": ["a", "b", "c"]}
    assert pairwise(space, 1) != pairwise(space, 2)


@given(SPACES.filter(lambda space: len(space) > 1), st.integers(0, 99), st.data())
def test_one_value_that_is_the_cause_is_named(
    space: dict[str, list[str]], seed: int, data: st.DataObject
) -> None:
    """Unless another value stands in the same rows."""
    rows = pairwise(space, seed)
    name = data.draw(st.sampled_from(sorted(space)))
    value = data.draw(st.sampled_from(space[name]))
    bad = [row for row in rows if row[name] == value]
    named = cause(bad, [row for row in rows if row not in bad])
    assert all(row[k] == v for row in bad for k, v in named.items())
    if all(len(values) > 1 for values in space.values()):
        assert named == {name: value}


def test_without_a_common_value_no_cause_is_named() -> None:
    assert cause([{"a": "1"}, {"a": "2"}], [{"a": "3"}]) == {}
    assert cause([{"a": "1"}], [{"a": "1"}]) == {}
    assert cause([], [{"a": "1"}]) == {}
    both = {"a": "1", "b": "1"}
    assert cause([both], [{"a": "1", "b": "2"}, {"a": "2", "b": "1"}]) == both


WEB = Served(frozenset({"web"}))
SMALL: Space = {
    "method": {"GET": "GET", "PUT": "PUT"},
    "path": {"root": "/", "page": "/cart", "deep": "/a/b"},
    "header": {"none": {}, "tenant": {"x-tenant": "Mobile"}},
    CLIENT: {"one": "identity-of-one", "two": ""},
}


def test_who_asks_is_for_the_oracle_and_is_not_sent() -> None:
    """Its expectation may differ by the client; its request does not."""
    denied = Rejected(403)
    oracle = Oracle(SMALL, lambda chosen: WEB if chosen[CLIENT] else denied)
    for one in oracle.sample(7, "http://198.18.0.1", "t"):
        assert one.expectation == (WEB if one.row[CLIENT] == "one" else denied)
        assert one.stream.headers == SMALL["header"][one.row["header"]]


@given(st.integers(0, 2**32))
def test_what_pairs_leave_to_chance_is_certain_in_a_part(seed: int) -> None:
    part = {"method": ("GET",), "path": ("page", "deep")}
    samples = Oracle(SMALL, lambda _: WEB, (part,)).sample(seed, "http://198.18.0.1", "t")
    rows = [one.row for one in samples]
    own = [row for row in rows if row["method"] == "GET" and row["path"] != "root"]
    for dimension in ("header", CLIENT):
        pairs = {(row["path"], row[dimension]) for row in own}
        assert pairs == {(p, v) for p in part["path"] for v in SMALL[dimension]}
    assert {(row["method"], row["path"]) for row in rows} >= {("PUT", p) for p in SMALL["path"]}
    assert len({one.stream.stream for one in samples}) == len(samples)


@pytest.mark.parametrize("name", ORACLES)
def test_a_behaviours_sample_asks_both_what_it_means_and_what_it_does_not(name: str) -> None:
    oracle = ORACLES[name]
    samples = Oracle(oracle.SPACE, oracle.expectation).sample(7, "http://198.18.0.1", "t")
    assert len({one.stream.stream for one in samples}) == len(samples) < 400
    assert len({one.stream.url for one in samples}) == len(samples)
    meant = {one.expectation for one in samples}
    assert len(meant) == 2
    for one in samples:
        assert one.stream.target.startswith(oracle.SPACE["path"][one.row["path"]])
        assert f"nonce=t-{one.stream.stream.partition('-')[2]}" in one.stream.target


@pytest.mark.parametrize("name", ORACLES)
@given(data=st.data())
def test_what_a_request_must_get_does_not_depend_on_the_version(
    name: str, data: st.DataObject
) -> None:
    oracle = ORACLES[name]
    row = {d: data.draw(st.sampled_from(sorted(values))) for d, values in oracle.SPACE.items()}
    chosen = {dimension: oracle.SPACE[dimension][value] for dimension, value in row.items()}
    old, new = ({**chosen, "http": version} for version in ("1.1", "2"))
    assert oracle.expectation(old) == oracle.expectation(new)
    sent = [stream("s", "http://198.18.0.1", each, "n") for each in (old, new)]
    assert [each.http2 for each in sent] == [False, True]
    assert sent[0].model_copy(update={"http2": True}) == sent[1]


def test_a_request_has_the_values_of_its_row_each_as_a_line_of_its_own() -> None:
    lines = ("application/json", "text/plain")
    chosen = {"http": "2", "path": "/cart", "type": {"Content-Type": lines}, "header": {"X-A": ""}}
    request = stream("s", "http://198.18.0.1", chosen, "n")
    assert (request.http2, request.target) == (True, "/cart?nonce=n")
    assert request.headers == {"Content-Type": lines, "X-A": ""}


@given(st.lists(st.text(max_size=9), min_size=1).map(tuple))
def test_several_lines_are_matched_as_one(lines: tuple[str, ...]) -> None:
    assert joined(lines) == ",".join(lines)
    assert joined(lines[0]) == joined(lines[:1]) == lines[0]


@pytest.mark.parametrize(
    ("agent", "service"),
    [
        (None, "web-service-v1"),
        ("", "web-service-v1"),
        ("mobile", "web-service-v1"),
        ("Mobil", "web-service-v1"),
        ("Mobile", "mobile-service-v2"),
        ("xMobilex", "mobile-service-v2"),
        ("a b Mobile/1 c", "mobile-service-v2"),
        (("curl/8.14.1", "Mobile"), "mobile-service-v2"),
        (("Mobile", "curl/8.14.1"), "mobile-service-v2"),
        (("mobile", "curl/8.14.1"), "web-service-v1"),
        (("Mob", "ile"), "web-service-v1"),
    ],
)
def test_an_agent_with_mobile_in_it_is_mobile(agent: HeaderValue | None, service: str) -> None:
    headers = {} if agent is None else {"User-Agent": agent}
    expected: Expectation = Served(frozenset({service}))
    assert mobile_routing.expectation({"agent": headers, "method": "POST"}) == expected


@pytest.mark.parametrize(
    ("kind", "routed"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", False),
        ("Application/json", False),
        ("", False),
        (None, False),
        (("application/json",), True),
        (("application/json", "text/plain"), False),
        (("text/plain", "application/json"), False),
        (("application/json", "application/json"), False),
    ],
)
def test_json_is_the_whole_value(kind: HeaderValue | None, routed: bool) -> None:
    headers = {} if kind is None else {"content-type": kind}
    expectation = canary_split.expectation(
        {"type": headers, "path": "/anything", "method": "DELETE"}
    )
    assert isinstance(expectation, Served) is routed


@pytest.mark.parametrize(
    ("method", "path", "principal", "served"),
    [
        ("GET", "/api/v1/items", rbac_denial.PRINCIPAL, True),
        ("GET", "/api/v1/", rbac_denial.PRINCIPAL, True),
        ("GET", "/api/v1", rbac_denial.PRINCIPAL, False),
        ("GET", "/api/v2/items", rbac_denial.PRINCIPAL, False),
        ("HEAD", "/api/v1/items", rbac_denial.PRINCIPAL, False),
        ("POST", "/api/v1/items", rbac_denial.PRINCIPAL, False),
        ("GET", "/api/v1/items", f"{rbac_denial.PRINCIPAL}-x", False),
        ("GET", "/api/v1/items", "cluster.local/ns/other/sa/frontend", False),
        ("GET", "/api/v1/items", "", False),
    ],
)
def test_one_principal_method_and_prefix_is_served(
    method: str, path: str, principal: str, served: bool
) -> None:
    expectation = rbac_denial.expectation({"method": method, "path": path}, principal)
    assert isinstance(expectation, Served) is served
    assert isinstance(expectation, Rejected) is not served
