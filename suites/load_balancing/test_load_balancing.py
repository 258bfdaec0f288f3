"""Load balancing: who is chosen, who is spared, and who is left alone."""

from __future__ import annotations

import pytest

from fixtures.checks import every, known, on, split, status_is
from fixtures.checks.sequential import SplitTest
from fixtures.history import History
from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.load_balancing.choices import (
    by_chance,
    by_pods,
    came_back,
    each_in_one_place,
    ejected,
    in_turn,
    left_alone,
    none_arrived,
    not_spared,
    settled,
    spared,
    stayed,
)
from suites.load_balancing.newcomer import SPANS, come
from suites.load_balancing.subject import (
    BY_NUMBER,
    CHANCE,
    DISTRIBUTED,
    EJECTED,
    ERRORS,
    FEW,
    INTERVAL,
    LEAST,
    PODS,
    SLOW,
    SOME,
    TURN,
    UNAVAILABLE,
    WARMING,
    Balanced,
)
from suites.load_balancing.warmed import warms_up

BALANCING = "Best Practices/Service Mesh/Load balancing"
SHARE = 1 / PODS
"""Of each pod, where nothing else decides."""
MOVED = 1 / 3
"""Share of other pods' keys that may move when one of four goes: a sixth is what does."""

NEAR, FAR = "near", "far"
"""The services that the pods of either zone say that they are."""
WEIGHTS, NUMBERS = {NEAR: 80, FAR: 20}, {NEAR: 1, FAR: 2}
"""The practice's weights of the two zones, and their numbers of pods."""
ZONES, BY_CHANCE = SplitTest(margin=0.1), SplitTest(margin=0.15)
"""By weights zones are drawn in turn, so that few requests tell; by number a pod is by chance."""


@pytest.fixture(scope="module")
def drawn(balanced: Balanced) -> History:
    """What was asked of pods in turn and of pods by chance."""
    return balanced.draw()


@requirement("LB1", source=BALANCING)
def test_the_algorithm_is_the_one_that_is_named(
    judge: Judge, balanced: Balanced, drawn: History
) -> None:
    """Pods are asked strictly in turn by ROUND_ROBIN, and evenly and by chance alone by RANDOM."""
    pods = balanced.names
    judge(drawn, every(on(TURN, in_turn(pods)), on(CHANCE, by_chance(pods))))


@requirement("LB2", source=BALANCING)
def test_a_slow_pod_gets_less(judge: Judge, balanced: Balanced) -> None:
    """By LEAST_REQUEST a slow pod gets less than half of its share, and its clients do not wait."""
    slow = balanced.pods[0].pod
    judge(
        balanced.slow_down(),
        every(
            on(LEAST, spared(slow, SHARE / 2, SLOW)),
            on(TURN, not_spared(slow, SHARE, SLOW)),
        ),
    )


@pytest.mark.nightly
@requirement("LB3", source=BALANCING)
def test_a_key_stays_on_its_pod(judge: Judge, balanced: Balanced) -> None:
    """A key stays on its pod; when a pod goes most keys of others stay, and all come back with
    it."""
    keyed, pods = balanced.keys(), balanced.names
    judge(
        keyed.before + keyed.without + keyed.again,
        every(
            known(each_in_one_place(pods)(keyed.before)),
            known(each_in_one_place(pods - {keyed.pod})(keyed.without)),
            known(each_in_one_place(pods)(keyed.again)),
            known(stayed(keyed.before, keyed.without, keyed.pod, MOVED)),
            known(came_back(keyed.before, keyed.again)),
        ),
    )


@pytest.mark.nightly
@requirement("LB4", source=BALANCING)
def test_a_pod_that_fails_is_left_for_its_time(judge: Judge, balanced: Balanced) -> None:
    """A pod that fails three times in a row gets nothing for its time, and half of them stay."""
    failing = balanced.eject()
    judge(
        failing.one + failing.most,
        every(
            known(ejected(failing.pod, ERRORS, EJECTED, INTERVAL)(failing.one)),
            known(settled(left_alone(balanced.names, PODS // 2), SOME)(failing.most)),
        ),
    )


@pytest.mark.nightly
@requirement("LB5", source=BALANCING)
def test_weights_of_zones_hold(judge: Judge, balanced: Balanced) -> None:
    """Declared weights of zones hold, whatever number of pods each has; without any it decides."""
    judge(
        balanced.draw_zones(),
        every(
            on(DISTRIBUTED, split(WEIGHTS, ZONES)),
            on(BY_NUMBER, split(NUMBERS, BY_CHANCE)),
        ),
    )


@pytest.mark.nightly
@requirement("LB6", source=BALANCING)
def test_a_pod_that_is_not_ready_gets_nothing(judge: Judge, balanced: Balanced) -> None:
    """A pod that is not ready gets no request, even if none is ready, and its turn once it is."""
    unready, pods = balanced.be_unready(), balanced.names
    judge(
        unready.without + unready.nobody + unready.since,
        every(
            known(unready.left),
            on(TURN, settled(by_pods(pods - {unready.pod}), FEW)),
            known(unready.all_left),
            on("nobody", settled(status_is(UNAVAILABLE, FEW), FEW)),
            known(none_arrived(unready.arrived)),
            known(unready.back),
            on("since", settled(in_turn(pods), FEW)),
        ),
    )


@pytest.mark.nightly
@requirement("LB7", source=BALANCING)
def test_a_new_pod_warms_up(judge: Judge, lab: Lab, balanced: Balanced) -> None:
    """With a warm-up the share of a new pod rises, and is whole only after it; without one it is
    whole at once."""
    newcomer = come(lab, balanced)
    warming, at_once = (newcomer.trace(service) for service in (WARMING, TURN))
    fair = 1 / (PODS + 1)
    judge(
        newcomer.traces.history,
        known(warms_up(warming, at_once, newcomer.pod, fair, SPANS)),
    )
