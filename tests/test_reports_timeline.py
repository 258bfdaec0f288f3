"""The timeline of an upgrade, and the words and sums that its forms share."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.of_upgrade import report
from reports.upgrade_charts import timeline
from reports.upgrade_layout import between, extent, tracks
from reports.upgrade_schema import KINDS, Upgrade
from reports.upgrade_wording import cost, time_in, version_changes
from reports.wording import span
from tests import upgrade_samples as made


@pytest.fixture(scope="module")
def upgrade() -> Upgrade:
    return made.upgrade()


# --- the timeline ----------------------------------------------------------------------------


def test_the_timeline_shows_every_kind_in_its_colour_with_its_title() -> None:
    outages = [made.outage(kind, started=9.0 * i) for i, kind in enumerate(KINDS)]
    svg = timeline(made.bare(made.stream("fail", *outages), phases=(made.phase(),)))
    for kind in KINDS:
        assert f"var(--kind-{kind})" in svg
        assert f"<title>{kind} at " in svg
    assert "<title>istiod: done, began at 34 s, took 31 s" in svg


def test_ten_milliseconds_of_ten_minutes_are_seen() -> None:
    short = made.stream("pass", made.outage("leak", started=300.0, low=0.01, high=0.02))
    svg = timeline(made.bare(short.model_copy(update={"rate": 1.0, "n": 600})))
    (mark,) = re.findall(r'd="M[\d.]+,[\d.]+h([\d.]+)v[^"]*"[^>]*fill="var\(--kind-leak\)"', svg)
    assert float(mark) == pytest.approx(4.0, abs=0.01)


def test_the_narrow_timeline_is_for_a_phone(upgrade: Upgrade) -> None:
    svg = timeline(upgrade, narrow=True)
    assert float(re.findall(r'<svg[^>]* width="([\d.]+)"', svg)[0]) < 400


SPANS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)).map(lambda p: (min(p), max(p))))


@given(SPANS)
def test_tracks_hold_nothing_that_overlaps(extents: list[tuple[float, float]]) -> None:
    rows = tracks(extents)
    assert len(rows) == len(extents)
    for i, (low, high) in enumerate(extents):
        for j in range(i):
            if rows[i] == rows[j]:
                assert high <= extents[j][0] or low >= extents[j][1]


@given(SPANS)
def test_what_is_watched_and_the_gaps_make_the_whole(gaps: list[tuple[float, float]]) -> None:
    left = between(gaps, 0.0, 100.0)
    assert all(low < high for low, high in left)
    for instant in (low + (high - low) / 2 for low, high in left):
        assert not any(low < instant < high for low, high in gaps)
    missing = 100.0 - sum(high - low for low, high in left)
    assert missing <= sum(high - low for low, high in gaps) + 1e-6


def test_the_time_of_a_watch_holds_all_that_is_of_it(upgrade: Upgrade) -> None:
    assert extent(upgrade) == (0.0, made.SECONDS)
    late = made.stream("fail", made.outage(started=900.0, low=2.0))
    assert extent(made.bare(late, phases=(made.phase(started=-5.0),))) == (-5.0, 902.0)
    assert extent(made.bare()) == (0.0, 1.0)


def matters(upgrade: Upgrade) -> str:
    return report(upgrade).lead


# --- the words -------------------------------------------------------------------------------


def test_what_matters_most_is_the_worst_outage(upgrade: Upgrade) -> None:
    assert matters(upgrade) == (
        "Worst: aws-cluster/policy-other-new leaked for 0 to 19 ms during cilium "
        "(1 request: 200 from frontend-7c9 of aws-cluster)."
    )
    longest = made.stream("pass", made.outage("dropped"), made.outage("refused", high=2.0))
    assert "was refused" in matters(made.bare(longest))


def test_without_outages_what_is_red_matters_most() -> None:
    rolled = made.phase(outcome="rolled back", note="not ready within 120 s")
    red = made.bare(made.stream(), phases=(rolled,))
    assert matters(red) == "istiod: rolled back after 31 s: not ready within 120 s"
    assert matters(made.bare(made.stream())).endswith("no stream was blind for over 31.0 ms.")


def test_findings_are_all_that_is_red(upgrade: Upgrade) -> None:
    assert [(f.sort, f.key, f.verdict) for f in report(upgrade).red] == [
        ("stream", "aws-cluster/policy-other-new", "fail"),
        ("stream", "azure-cluster/desktop-new", "fail"),
        ("compared", "MR3", "fail"),
        ("stream", "azure-cluster/rbac-other-kept", "inconclusive"),
    ]


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.0, 0.02, "0 to 20 ms"),
        (0.4, 1.02, "400 ms to 1.02 s"),
        (2.01, 2.04, "2.01 to 2.04 s"),
        (0.01, 0.01, "10 ms"),
        (59.0, 75.0, "59 s to 1 min 15 s"),
        (61.0, 75.0, "1 min 01 s to 1 min 15 s"),
    ],
)
def test_bounds_for_people(low: float, high: float, told: str) -> None:
    assert span(low, high) == told


def test_what_a_component_cost_stands_beside_its_budget(upgrade: Upgrade) -> None:
    assert cost(upgrade, "gateway", ("dropped", "refused")) == (
        "2.01 to 2.04 s in aws-cluster/canary-new"
    )
    assert cost(upgrade, "istio-base", ("dropped", "refused")) == "none"
    twice = [made.phase(cluster=c, started=s) for c, s in (("one", 0.0), ("other", 50.0))]
    shut = made.stream("fail", made.outage(started=9.0), made.outage(started=60.0, high=0.05))
    assert cost(made.bare(shut, phases=twice), "istiod", ("dropped",)).startswith("10 to 50 ms")
    assert time_in(made.stream("fail", made.outage(), made.outage()), ("dropped",)) == "20 to 60 ms"


def test_versions_tell_what_they_became(upgrade: Upgrade) -> None:
    assert version_changes(upgrade)["istio"] == "1.30.1 → 1.31.0"
    assert version_changes(made.bare(versions_to={}))["istio"] == "1.30.1"
