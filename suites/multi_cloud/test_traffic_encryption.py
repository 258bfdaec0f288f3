"""Multi-cloud, traffic encryption: what is said between clusters is sealed, and by whom."""

from __future__ import annotations

import pytest

from fixtures.checks import (
    all_answered_by,
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
from suites.multi_cloud import sealed as by_gateway
from suites.multi_cloud.backends import HOST, OTHER_BY_HOSTNAME, RIGHT, WRONG
from suites.multi_cloud.believed import come_by_name, is_unbelieved
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


@pytest.mark.nightly
@requirement("TE4", source=ENCRYPTION)
def test_a_backend_of_the_gateway_is_believed_by_name_and_authority(
    judge: Judge, by_tls: by_gateway.Observation
) -> None:
    """A Gateway speaks TLS to another cluster's backend outside the service mesh, which gets no
    request unless its certificate is of its name and by its authority."""
    served = {name: by_tls.served[name] for name in (RIGHT, *WRONG)}
    secret = every(
        *(on(name, is_unbelieved(by_tls.logged, by_gateway.COUNT)) for name in WRONG),
        known(come_by_name(served, RIGHT, HOST)),
        known(sealed(by_tls.capture, [by_tls.sealed_pair])),
    )
    controls = every(
        on(RIGHT, all_answered_by(RIGHT, by_gateway.COUNT)),
        on(by_gateway.OPEN, status_is(200, by_gateway.OPEN_COUNT)),
        known(readable(by_tls.capture, by_tls.readable_pair, by_gateway.OPEN_READ)),
    )
    judge(by_tls.history, with_positive_control(denied=secret, allowed=controls))


@pytest.mark.nightly
@requirement("TE6", source=ENCRYPTION)
def test_a_hostname_is_verified(judge: Judge, by_tls: by_gateway.Observation) -> None:
    """A backend's certificate must be of the policy's hostname where the policy names no others."""
    unbelieved = on(OTHER_BY_HOSTNAME, is_unbelieved(by_tls.logged, by_gateway.COUNT))
    right = on(by_gateway.RIGHT_BY_HOSTNAME, all_answered_by(RIGHT, by_gateway.COUNT))
    judge(by_tls.history, with_positive_control(denied=unbelieved, allowed=right))
