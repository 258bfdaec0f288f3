"""Multi-cloud, traffic encryption: what is said between clusters is sealed, and by whom."""

from __future__ import annotations

from fixtures.checks import (
    every,
    known,
    never_reached,
    on,
    readable,
    reset,
    sealed,
    status_is,
    unread,
    with_positive_control,
)
from fixtures.lab import namespace_of
from fixtures.lab.trust import root_of, spiffe_id
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.multi_cloud.identity import are_themselves
from suites.multi_cloud.served import served_across
from suites.multi_cloud.subject import (
    ACROSS,
    COUNT,
    FEW,
    NAME,
    PLAIN,
    Everywhere,
    Observation,
    plain_name,
)

ENCRYPTION = "Best Practices/Multi-Cloud/Traffic encryption"
MARKS = 95  # of 100: a call that was cut short is no reason to believe that nobody looks


@requirement("TE1", source=ENCRYPTION)
def test_nothing_can_be_read_between_the_nodes(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """Nothing of a call between sidecars of two clusters can be read between their nodes."""
    secret = every(
        served_across(everywhere), known(sealed(observed.capture, everywhere.sealed_pairs))
    )
    controls = (readable(observed.capture, pair, MARKS) for pair in everywhere.readable_pairs)
    judge(
        observed.history, with_positive_control(denied=secret, allowed=every(*map(known, controls)))
    )


@requirement("TE5", source=ENCRYPTION, needs="transparent-encryption")
def test_nothing_outside_the_service_mesh_can_be_read_either(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """With encryption of the network nothing of any call can be read between the nodes."""
    every_call = known(unread(observed.capture, everywhere.readable_pairs))
    streams = [plain_name(PLAIN, here, there) for here, there in everywhere.ways]
    served = (on(stream, status_is(200, COUNT)) for stream in streams)
    judge(observed.history, with_positive_control(denied=every_call, allowed=every(*served)))


@requirement("TE2", source=ENCRYPTION)
def test_each_side_is_who_it_says(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """Across clusters each side is who it says, by its own cluster's authority under one root."""
    roots = {c: root_of(p.space) for c, p in everywhere.places.items()}
    shown = are_themselves(everywhere.shake(), spiffe_id(namespace_of(NAME), ACROSS), roots)
    judge(observed.history, every(known(shown), served_across(everywhere)))


@requirement("TE3", source=ENCRYPTION)
def test_there_is_no_way_back_to_plain_text(
    judge: Judge, everywhere: Everywhere, observed: Observation
) -> None:
    """Across clusters who has no sidecar is cut off, and nothing of its requests arrives."""
    streams = [plain_name(ACROSS, here, there) for here, there in everywhere.ways]
    controls = [plain_name(PLAIN, here, there) for here, there in everywhere.ways]
    cut_off = every(
        *(on(stream, reset(FEW)) for stream in streams),
        never_reached(observed.arrived, streams, controls),
    )
    judge(
        observed.history,
        with_positive_control(denied=cut_off, allowed=served_across(everywhere)),
    )
