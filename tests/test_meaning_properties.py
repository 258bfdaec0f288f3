"""Meanings of Istio's two kinds: what holds for any document, in whatever order it says it."""

from __future__ import annotations

from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from suites.mobile_routing.meaning import STEM as ROUTING
from suites.rbac_denial.meaning import STEM as POLICY
from tests.test_meaning_istio import DOCUMENTS, FRONTEND, changed, meaning_of

T = TypeVar("T")
TEXTS = st.sampled_from(["GET", "P*", "*T", "*", "HEAD", "PUT", "TRACE"])
ACCOUNTS = st.sampled_from([FRONTEND, f"{FRONTEND}*", "*/frontend", "*", "cluster.local/ns/*"])


def some(values: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    return st.lists(values, min_size=1, max_size=3)


def rules(draw: st.DataObject) -> list[dict[str, Any]]:
    source = some(ACCOUNTS).map(lambda values: {"source": {"principals": values}})
    operation = some(TEXTS).map(lambda values: {"operation": {"methods": values}})
    rule = st.fixed_dictionaries({"from": some(source), "to": some(operation)})
    return draw.draw(some(rule))


def shuffled(value: Any, draw: st.DataObject) -> Any:
    """The same with every list in another order."""
    if isinstance(value, dict):
        return {key: shuffled(inner, draw) for key, inner in value.items()}
    if isinstance(value, list):
        return [shuffled(inner, draw) for inner in draw.draw(st.permutations(value))]
    return value


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(["ALLOW", "DENY", "AUDIT"]))
def test_alternatives_of_a_policy_have_no_order(draw: st.DataObject, action: str) -> None:
    spec = {"action": action, "rules": rules(draw)}
    one, other = ({**DOCUMENTS[POLICY], "spec": s} for s in (spec, shuffled(spec, draw)))
    assert meaning_of(POLICY, one) == meaning_of(POLICY, other)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_rule_more_admits_and_never_denies(draw: st.DataObject) -> None:
    admitted, more = rules(draw), rules(draw)
    few, many = (
        meaning_of(POLICY, {**DOCUMENTS[POLICY], "spec": {"rules": each}})
        for each in (admitted, [*admitted, *more])
    )
    assert all(many[name] == "served" for name, which in few.items() if which == "served")


MATCHES = st.sampled_from([
    {"method": {"exact": "GET"}}, {"uri": {"prefix": "/cart"}}, {"headers": {"cookie": {}}},
    {"queryParams": {"version": {"exact": "v2"}}}, {"withoutHeaders": {"x-canary": {}}},
])  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.data(), some(MATCHES), some(st.integers(1, 9)))
def test_matches_and_weighted_destinations_of_a_route_have_no_order(
    draw: st.DataObject, matches: list[Any], weights: list[int]
) -> None:
    route = [
        {"destination": {"host": host, "subset": "v1"}, "weight": weight}
        for host, weight in zip(
            ("mobile-service", "web-service", "elsewhere"), weights, strict=False
        )
    ]
    one, other = (
        changed(ROUTING, "/spec/http/0", entry)
        for entry in ({"match": matches, "route": route},
                      shuffled({"match": matches, "route": route}, draw))
    )  # fmt: skip
    assert meaning_of(ROUTING, one) == meaning_of(ROUTING, other)
