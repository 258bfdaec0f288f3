"""Security: network isolation, by who may come, who may leave, and by which ports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from fixtures.checks import (
    Check,
    all_answered_by,
    every,
    never_reached,
    on,
    with_positive_control,
)
from fixtures.lab import OUTSIDER, Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.security.by_name import (
    ADDRESS,
    AGAIN,
    BEYOND,
    FIRST,
    OTHER_ADDRESS,
    SEEKER,
    Sought,
    seek,
)
from suites.security.isolated import answered, are_held, dropped, reached, refused
from suites.security.isolation import (
    ABOVE,
    API,
    API_PORT,
    BELOW,
    COUNT,
    HOST,
    ISLAND,
    KUBELET,
    LAST,
    LEAVER,
    METADATA,
    PORT,
    RANGED,
    WAYS,
    WORLD,
    Isolation,
    asked_at,
    labels_of,
    name,
)
from suites.security.newborn import FREE, GUARDED, bear
from suites.security.subject import INSIDER
from suites.security.undisturbed import undisturbed
from suites.security.without_agent import kill_agent

ISOLATION = "Best Practices/Security/Network isolation"
AT_HOST = frozenset({"reserved:host"})
IN_WORLD = frozenset({"reserved:world"})
INSIDERS = labels_of(INSIDER)
OUTSIDERS = frozenset({"k8s:io.kubernetes.pod.namespace=default"})


def served(streams: Iterable[str], whom: str) -> list[Check]:
    """Each of the streams was served by a workload."""
    return [on(stream, all_answered_by(whom, COUNT)) for stream in streams]


@requirement("NI1", source=ISOLATION)
def test_a_namespace_is_an_island(judge: Judge, isolated: Isolation) -> None:
    """Who lets its own namespace in is reached from no other, by pod, service, name or node."""
    outside = [name(OUTSIDER, way) for way in WAYS]
    inside = [name(INSIDER, way) for way in WAYS]
    silent = dropped(isolated.drops, OUTSIDERS, labels_of(ISLAND), f"{PORT}/TCP", COUNT)
    judge(
        isolated.history.where(lambda e: e.stream in (*outside, *inside)),
        with_positive_control(
            denied=every(
                *(on(stream, silent) for stream in outside),
                never_reached(isolated.arrived, outside, inside),
            ),
            allowed=every(*served(inside, ISLAND)),
        ),
    )


@requirement("NI2", source=ISOLATION)
def test_what_leaves_is_what_is_named(judge: Judge, isolated: Isolation) -> None:
    """Who may leave for a name leaves for nothing else: no node, API, metadata, world or pod."""
    targets = {
        RANGED: (labels_of(RANGED), PORT),
        API: (AT_HOST, API_PORT),
        HOST: (AT_HOST, KUBELET),
        METADATA: (IN_WORLD, 80),
        WORLD: (IN_WORLD, KUBELET),
    }
    streams = isolated.history.streams()
    silent = [
        on(name(LEAVER, whom), dropped(isolated.drops, labels_of(LEAVER), at, f"{port}/TCP", COUNT))
        for whom, (at, port) in targets.items()
        if name(LEAVER, whom) in streams
    ]
    controls = [name(INSIDER, whom) for whom in (API, HOST, WORLD)]
    judge(
        isolated.history,
        with_positive_control(
            denied=every(*silent),
            allowed=every(
                *served([name(LEAVER, ISLAND)], ISLAND),
                *(on(control, answered(COUNT)) for control in controls if control in streams),
            ),
        ),
    )


@pytest.mark.nightly
@requirement("NI3", source=ISOLATION, needs="cilium-dns")
def test_a_name_opens_its_own_addresses(judge: Judge, lab: Lab, cluster: str, seed: int) -> None:
    """Who may leave for a name reaches that name's addresses, none before it has looked the name
    up, and none of any other name."""
    sought = seek(lab, cluster, seed)
    controls = (on(name(INSIDER, other), reached(COUNT)) for other in sought.others)
    judge(
        sought.history,
        with_positive_control(
            denied=every(*_unopened(sought)),
            allowed=every(
                on(name(SEEKER, BEYOND), answered(COUNT)),
                on(name(INSIDER, BEYOND), answered(COUNT)),
                *controls,
            ),
        ),
    )


def _unopened(sought: Sought) -> Iterator[Check]:
    """What the name opens to nobody: see `seek`."""
    own, others = (
        dropped(sought.drops, labels_of(SEEKER), IN_WORLD, f"{port}/TCP", COUNT)
        for port in sought.ports
    )
    yield on(name(SEEKER, ADDRESS), own)
    yield on(name(SEEKER, OTHER_ADDRESS), others)
    for other in sought.others:
        for when in (FIRST, AGAIN):
            yield on(name(SEEKER, other) + when, others)


@pytest.mark.nightly
@requirement("NI4", source=ISOLATION)
def test_a_new_pod_is_never_without_its_policy(judge: Judge, lab: Lab, cluster: str) -> None:
    """A pod is under its policy from its first instruction on."""
    born = bear(lab, cluster)
    guarded = {name: born.knocks[name] for name in GUARDED}
    judge.conclude(are_held(guarded, born.knocks[FREE], born.drops))


@pytest.mark.alone
@pytest.mark.nightly
@requirement("NI5", source=ISOLATION)
def test_without_an_agent_nothing_opens_and_nothing_closes(
    judge: Judge, lab: Lab, cluster: str
) -> None:
    """Nothing opens and nothing closes while Cilium's agent is killed and comes back."""
    killed = kill_agent(lab, cluster)
    judge(killed.history, undisturbed(killed))


@requirement("NI7", source=ISOLATION)
def test_a_range_means_its_bounds(judge: Judge, isolated: Isolation) -> None:
    """A range of ports is its bounds and what is between them, and a protocol is itself."""
    outside = [f"{BELOW}/TCP", f"{ABOVE}/TCP", f"{PORT}/UDP"]
    silent = (
        on(asked_at(RANGED, at), dropped(isolated.drops, INSIDERS, labels_of(RANGED), at, COUNT))
        for at in outside
    )
    bounds = [f"{PORT}/TCP", f"{LAST}/TCP"]
    judge(
        isolated.history,
        with_positive_control(
            denied=every(*silent),
            allowed=every(
                *served((asked_at(RANGED, at) for at in bounds), RANGED),
                # What no policy is of shows that each of them comes to an answer.
                *served([asked_at(ISLAND, f"{PORT}/UDP")], ISLAND),
                *(on(asked_at(ISLAND, at), refused(COUNT)) for at in outside[:2]),
            ),
        ),
    )
