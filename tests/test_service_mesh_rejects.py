"""What is told of a configuration that proxies refuse."""

from __future__ import annotations

import pytest

from fixtures.history.verdict import Outcome
from suites.service_mesh.rejects import (
    Counts,
    is_refused,
    is_told,
    parse_metrics,
    parse_statistics,
    stood_still,
)
from tests.histories import FAIL, INCONCLUSIVE, PASS

METRICS = """
# HELP pilot_total_xds_rejects Total number of XDS responses from pilot rejected by proxy.
# TYPE pilot_total_xds_rejects counter
pilot_total_xds_rejects{type="lds"} 3
pilot_total_xds_rejects{type="rds"} 1e+02
pilot_xds_lds_reject{err="Internal",node="origin-1.n"} 3
"""
STATISTICS = """
listener_manager.lds.update_rejected: 2
cluster.lds.update_rejected: 7
"""
BEFORE = Counts(5, {"a": 1, "b": 0})


def test_all_kinds_are_counted_and_nothing_else() -> None:
    assert parse_metrics(METRICS) == 103
    assert parse_metrics("") == 0
    assert parse_metrics("pilot_total_xds_rejects 2\n") == 2
    assert parse_statistics(STATISTICS) == 2
    assert parse_statistics("") == 0


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (BEFORE, PASS),
        (Counts(6, {"a": 1, "b": 0}), INCONCLUSIVE),
        (Counts(5, {"a": 1, "b": 1}), INCONCLUSIVE),
    ],
)
def test_nothing_is_refused_before(after: Counts, outcome: Outcome) -> None:
    assert stood_still(BEFORE, after).outcome is outcome


@pytest.mark.parametrize(
    ("after", "took", "outcome"),
    [
        (Counts(7, {"a": 2, "b": 1}), set(), PASS),
        (Counts(7, {"a": 2, "b": 1}), {"b"}, FAIL),
        (Counts(6, {"a": 2, "b": 0}), set(), FAIL),
        (Counts(5, {"a": 1, "b": 0}), {"a", "b"}, FAIL),
        (Counts(5, {}), set(), FAIL),
    ],
)
def test_each_proxy_refuses(after: Counts, took: set[str], outcome: Outcome) -> None:
    assert is_refused(BEFORE, after, took).outcome is outcome


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (Counts(7, {"a": 2, "b": 1}), PASS),
        (Counts(9, {"a": 2, "b": 1}), PASS),
        (Counts(6, {"a": 2, "b": 1}), FAIL),
        (Counts(5, {"a": 2, "b": 1}), FAIL),
        (Counts(5, {"a": 1, "b": 0}), FAIL),
    ],
)
def test_istiod_counts_each_refusal(after: Counts, outcome: Outcome) -> None:
    assert is_told(BEFORE, after).outcome is outcome
