"""CPU that sidecars take for a request, beside what the backend takes for it."""

from __future__ import annotations

import pytest

from fixtures.history.verdict import Outcome
from fixtures.lab.cgroups import parse_seconds
from suites.performance.thrift import BUDGET, Use, takes_no_more
from tests.histories import FAIL, INCONCLUSIVE, PASS, WEB, exchanges

BACKEND = Use(1.0, 0.0, 10.0)


def test_what_is_taken_at_rest_is_not_for_requests() -> None:
    assert Use(2.0, 0.05, 10.0).own == 1.5
    assert Use(0.1, 0.05, 10.0).own == 0.0


@pytest.mark.parametrize(
    ("one", "other", "backend", "outcome"),
    [
        (Use(1.0, 0, 10), Use(1.0, 0, 10), BACKEND, PASS),
        (Use(BUDGET, 0, 10), Use(0.1, 0, 10), BACKEND, FAIL),
        (Use(BUDGET, 0.02, 10), Use(0.1, 0, 10), BACKEND, PASS),
        (Use(1.0, 0, 10), Use(1.0, 0, 10), Use(0.01, 0, 10), INCONCLUSIVE),
    ],
)
def test_two_sidecars_may_take_so_many_times_the_backends_cpu(
    one: Use, other: Use, backend: Use, outcome: Outcome
) -> None:
    uses = {"one": one, "other": other, "backend": backend}
    assert takes_no_more(uses, "backend", 10)(exchanges(*[WEB] * 10)).outcome is outcome


def test_what_was_not_served_is_no_measure_of_cost() -> None:
    uses = {"one": BACKEND, "backend": BACKEND}
    check = takes_no_more(uses, "backend", 2)
    assert check(exchanges(WEB, {"status": 503})).outcome is FAIL
    assert check(exchanges(WEB)).outcome is INCONCLUSIVE
    assert check(exchanges(WEB, WEB)).numbers["one.us"] == 500_000


def test_both_versions_of_cgroups_are_read() -> None:
    assert parse_seconds("usage_usec 2500000\nuser_usec 1\n") == 2.5
    assert parse_seconds("2500000000\n") == 2.5
    with pytest.raises(ValueError, match="invalid literal"):
        parse_seconds("")
