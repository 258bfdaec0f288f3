"""Observability: what proxies tell of the traffic."""

from __future__ import annotations

import pytest

from fixtures.checks import among, every, known, on, with_positive_control
from fixtures.checks.sequential import SplitTest
from fixtures.checks.unbroken import only_by, unbroken
from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.service_mesh.access_log import tells
from suites.service_mesh.counted import count
from suites.service_mesh.counters import rises
from suites.service_mesh.headers import is_value
from suites.service_mesh.logged import LOGGED, log
from suites.service_mesh.naming import calls_of, count_named
from suites.service_mesh.refused import refuse
from suites.service_mesh.rejects import is_refused, is_told, stood_still
from suites.service_mesh.spans import INSIDE, are_sampled, are_traced, none_traced
from suites.service_mesh.standard_metrics import names_each
from suites.service_mesh.subject import ORIGIN, TRACED, Practised
from suites.service_mesh.tracing import (
    ALL_BY_GATEWAY,
    ALL_INSIDE,
    BEGUN,
    NONE,
    PERCENT,
    TENTH,
    WAYS,
    trace,
)

OBSERVABILITY = "Best Practices/Service Mesh/Observability"
A_TENTH = SplitTest(margin=0.07)
"""What tells a tenth from a thirtieth and from a sixth."""


@requirement("OB1", source=OBSERVABILITY)
def test_each_request_has_its_line(judge: Judge, practised: Practised) -> None:
    """Each request has one line in its client's proxy and one in its backend's, as it was."""
    history, logs = log(practised)
    judge(history, every(*(on(name, tells(logs, what)) for name, what in LOGGED.items())))


@requirement("OB2", source=OBSERVABILITY)
def test_counters_rise_by_what_was_sent(judge: Judge, practised: Practised) -> None:
    """Counters of client's and backends' proxies rise by what was answered, class by class, and
    Prometheus is told the same."""
    history, rise = count(practised)
    judge(history, rises(rise))


@requirement("OB3", source=OBSERVABILITY)
def test_a_trace_goes_on(judge: Judge, practised: Practised) -> None:
    """A trace that a client begins arrives through Gateway and sidecars as it was, and unsampled
    where its client left it so."""
    check = every(
        *(
            on(f"traced.{way}", is_value(name, value))
            for way in ("inside", "gateway")
            for name, value in TRACED.items()
        ),
        *(on("untraced", is_value(name, "")) for name in TRACED),
    )
    judge(practised.trace(), check)


@pytest.mark.nightly
@requirement("OB4", source=OBSERVABILITY, needs="control-planes")
def test_spans_are_told_of_what_is_sampled(judge: Judge, lab: Lab, practised: Practised) -> None:
    """What is sampled is told in one trace each, with every proxy's spans by parent and time: all
    requests, a tenth or none, as declared, and whatever a client has sampled itself."""
    tracing = trace(lab, practised)
    whole = {name: among(name, are_traced(tracing.spans, way)) for name, way in WAYS.items()}
    check = every(
        whole[ALL_INSIDE],
        whole[ALL_BY_GATEWAY],
        on(TENTH, are_sampled(tracing.spans, INSIDE, PERCENT, A_TENTH)),
        with_positive_control(denied=on(NONE, none_traced(tracing.spans)), allowed=whole[BEGUN]),
    )
    judge(tracing.history, check)


@pytest.mark.nightly
@requirement("OB6", source=OBSERVABILITY, needs="control-planes")
def test_what_proxies_refuse_is_told(judge: Judge, lab: Lab, practised: Practised) -> None:
    """A configuration that proxies refuse is told, by them and by istiod, and harmless: they serve
    on by the last good one, and take the next."""
    refused = refuse(lab, practised)
    before, after = refused.before, refused.after
    meanwhile = refused.traces.between(refused.since, refused.until).streams
    check = every(
        known(stood_still(refused.first, before)),
        known(is_refused(before, after, refused.took)),
        known(is_told(before, after)),
        *(known(unbroken(each, {ORIGIN})) for each in refused.traces.streams),
        *(known(only_by(each, {ORIGIN}, "while it was refused")) for each in meanwhile),
        known(refused.taken),
    )
    judge(refused.traces.history, check)


@requirement("OB7", source=OBSERVABILITY, needs="istio-filters")
def test_each_request_is_counted_by_name(judge: Judge, practised: Practised) -> None:
    """Istio's own counters name client and backend of each request, their principals, and whether
    mutual TLS proves them."""
    history, rise = count_named(practised)
    judge(history, names_each(rise, calls_of(practised)))
