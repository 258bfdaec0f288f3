"""Latency optimization over clusters: what the way to another cluster adds to a call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.checks import Check, every, on, only_answered_by
from fixtures.checks.paired import Allowance, those_add_at_most
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.multi_cloud.distance import COUNTS, stream_name, walk
from suites.multi_cloud.subject import ACROSS, Everywhere, Place

LATENCY = "Best Practices/Performance/Latency optimization"
ALLOWED = Allowance(times=2.0)
"""Of what a call at home takes. Measured: a tenth at the median (docs/performance.md)."""


@pytest.mark.alone
@pytest.mark.nightly
@requirement("LA3", source=LATENCY)
def test_another_cluster_is_not_far(judge: Judge, everywhere: Everywhere) -> None:
    """A call to a pod of another cluster takes no longer than one to a pod at home allows."""
    judge(walk(everywhere), every(*_checks(everywhere)))


def _checks(everywhere: Everywhere) -> Iterator[Check]:
    pods = [place.service(ACROSS) for place in everywhere.places.values()]
    for here, there in everywhere.ways:
        for mode, count in COUNTS.items():
            name = stream_name(here, mode)
            yield on(name, only_answered_by(pods, count))
            yield on(name, _adds_little(here, there, count // (2 * len(pods))))


def _adds_little(here: Place, there: Place, minimum: int) -> Check:
    return those_add_at_most(ALLOWED, there.is_answer, here.is_answer, minimum)
