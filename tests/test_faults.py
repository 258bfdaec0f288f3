"""Faults: what counts as found, and what a fault is held against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import pytest

import suites
from clusters.errors import FaultsError
from fixtures import manifests
from fixtures.behaviour import discover
from fixtures.lab.faults import Effect, Injection, Site
from reports.upgrade_schema import Fault, Kind, Outage, Phase, Stream
from suites.mobile_routing.faults import all_to_the_last
from suites.runs import faults
from suites.runs.faults import InjectedFault, choose, inject, judge

BEHAVIOURS = discover(suites)
PHASES = [
    Phase(name="dropped", started=0.0, seconds=3.0, outcome="done"),
    Phase(name="istiod killed", started=3.0, seconds=4.0, outcome="done"),
]
INJECTED = InjectedFault(
    "dropped", "packets are dropped", "a/web", "dropped", 10.0, 10.2, 0.010, 0.030
)


def found_by(injected: InjectedFault, streams: Sequence[Stream]) -> Fault:
    return judge(injected, streams, PHASES)


def stream(*outages: Outage, name: str = "web", blind: float = 0.01, watched: float = 1) -> Stream:
    return Stream(
        name=name, suite="s", cluster="a", sentence="it is served", demand="allow",
        connections="new", rate=125, n=1000, watched=watched, blind=blind, verdict="fail",
        reason="", episodes=outages,
    )  # fmt: skip


def outage(low: float, high: float, kind: Kind = "dropped", phase: str = "dropped") -> Outage:
    return Outage(
        kind=kind, phase=phase, started=1.0, low=low, high=high, n=2, of=2, seen="timeout"
    )


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.008, 0.024, "pass"),
        (0.000, 0.010, "pass"),
        (0.030, 0.050, "pass"),
        (0.000, 0.009, "fail"),
        (0.031, 0.050, "fail"),
    ],
)
def test_a_fault_is_found_when_the_bounds_agree(low: float, high: float, verdict: str) -> None:
    fault = found_by(INJECTED, [stream(outage(low, high))])
    assert (fault.verdict, fault.found, fault.found_low, fault.found_high) == (
        verdict, "dropped", low, high,
    )  # fmt: skip


@pytest.mark.parametrize(("watched", "verdict"), [(0.5, "fail"), (0.49, "inconclusive")])
def test_a_stream_that_was_hardly_watched_tells_nothing_of_a_length(
    watched: float, verdict: str
) -> None:
    longer = stream(outage(1.7, 5.0), watched=watched)
    assert found_by(INJECTED, [longer]).verdict == verdict
    agreeing = stream(outage(0.01, 0.02), watched=watched)
    assert found_by(INJECTED, [agreeing]).verdict == "pass"


@pytest.mark.parametrize(
    "seen",
    [
        (),
        (outage(0.01, 0.02, kind="leak"),),
        (outage(0.01, 0.02, phase="another"),),
    ],
)
def test_another_kind_or_another_time_is_not_it(seen: tuple[Outage, ...]) -> None:
    fault = found_by(INJECTED, [stream(*seen), stream(outage(0.01, 0.02), name="other")])
    assert (fault.verdict, fault.found) == ("fail", "")


def test_what_a_generator_may_have_missed_is_left_open() -> None:
    assert found_by(INJECTED, [stream(blind=0.02)]).verdict == "inconclusive"
    assert found_by(INJECTED, []).verdict == "inconclusive"
    assert found_by(INJECTED, [stream(outage(0.008, 0.024), blind=0.02)]).verdict == "pass"


def test_what_must_change_nothing_is_held_against_every_stream() -> None:
    istiod = InjectedFault("istiod killed", "istiod is killed", "", "", 10.0, 10.2, 0.0, 0.0)
    late = outage(0.1, 0.2, kind="late", phase="istiod killed")
    shut = outage(0.1, 0.2, phase="istiod killed")
    assert found_by(istiod, [stream(late)]).verdict == "pass"
    fault = found_by(istiod, [stream(), stream(late, shut, name="other")])
    assert (fault.verdict, fault.reason) == ("fail", "a/other: dropped for 0.200 s")


def test_nothing_is_not_said_of_what_nobody_asked() -> None:
    istiod = InjectedFault("istiod killed", "istiod is killed", "", "", 10.0, 10.2, 0.0, 0.0)
    away = stream(name="away").model_copy(update={"gaps": ((1.0, 9.0),)})
    seldom = stream(name="seldom").model_copy(update={"watched": 0.1})
    fault = found_by(istiod, [stream(), away, seldom])
    assert fault.verdict == "inconclusive"
    assert fault.reason == "not watched throughout: a/away, a/seldom"
    before = stream().model_copy(update={"gaps": ((0.0, 3.0),)})
    assert found_by(istiod, [before]).verdict == "pass"
    assert found_by(istiod, []).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("which", "names"),
    [
        ("none", []),
        ("short", ["dropped_for_200_ms", "rbac_deleted"]),
        ("clustermesh_cut", ["clustermesh_cut"]),
    ],
)
def test_faults_are_chosen_together_or_by_name(which: str, names: list[str]) -> None:
    assert [fault.id for _, fault in choose(BEHAVIOURS, which).faults] == names


def test_the_short_faults_watch_what_they_show_in_and_all_others_everything() -> None:
    short = choose(BEHAVIOURS, "short").behaviours
    assert {behaviour.name for behaviour in short} == {"cross_cluster_policy", "rbac_denial"}
    assert choose(BEHAVIOURS, "all").behaviours == BEHAVIOURS
    assert choose(BEHAVIOURS, "misrouted").behaviours == BEHAVIOURS


def test_what_leaves_something_behind_is_the_last() -> None:
    (*_, (_, last)) = choose(BEHAVIOURS, "all").faults
    assert last.id == "policy_deleted_for_50_ms"


def test_a_fault_is_injected_as_a_phase_and_told_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def dropped_for_a_while(subject: str, _site: Site) -> Effect:
        """Packets of somebody are dropped."""
        return Effect(f"a/{subject}", "dropped", (10.0, 10.01, 10.03, 10.05))

    monkeypatch.setattr(faults, "SETTLE", 0)
    phases: list[str] = []

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        phases.append(name)
        yield

    chosen = [(BEHAVIOURS[0], Injection(dropped_for_a_while))]
    site = cast("Site", None)
    (told,) = inject(chosen, {BEHAVIOURS[0].name: "web"}, site, phase)
    assert phases == [told.name] == ["dropped for a while"]
    assert (told.sentence, told.stream) == ("Packets of somebody are dropped.", "a/web")
    assert told.least == pytest.approx(0.02)
    assert told.most == pytest.approx(0.05)
    with pytest.raises(FaultsError, match="to be watched for the fault dropped_for_a_while"):
        inject(chosen, {}, site, phase)


def test_a_fault_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(FaultsError, match="none, short, all, dropped_for_10_ms"):
        choose(BEHAVIOURS, "some")


def test_the_wrong_route_is_the_reference_but_for_where_it_leads() -> None:
    right = manifests.load().given("virtualservice").document
    wrong = all_to_the_last(right)
    rules = wrong["spec"]["http"]
    assert [rule["route"][0]["destination"]["host"] for rule in rules] == ["web-service"] * 2
    assert rules[0]["match"] == right["spec"]["http"][0]["match"]
    assert right["spec"]["http"][0]["route"][0]["destination"]["host"] == "mobile-service"
