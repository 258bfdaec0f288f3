"""Security policies: which tokens are believed, and whom a workload is told that its client is."""

from __future__ import annotations

import pytest

from fixtures.checks import all_answered_by, denied_http, every, known, never_reached, on
from fixtures.history.verdict import combine
from fixtures.lab import Lab
from fixtures.lab.trust import spiffe_id
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.service_mesh.authorized import closed, decided
from suites.service_mesh.authorizing import AWAY, CLIENTS, OPEN, authorize
from suites.service_mesh.claiming import claim
from suites.service_mesh.forwarded import last_is, never_told
from suites.service_mesh.headers import is_value
from suites.service_mesh.hosts import Entrance
from suites.service_mesh.insiders import ignored, obeyed
from suites.service_mesh.own_certificates import (
    OLD,
    is_renewed,
    knows_no_other,
    refuses_the_old,
    shows_its_own,
)
from suites.service_mesh.subject import (
    CLAIM,
    FEW,
    INSIDER,
    ORIGIN,
    POSE,
    Observation,
    Practised,
    token_stream,
)
from suites.service_mesh.tokens import (
    GROUP,
    NOT_MEANT,
    OTHER_AUDIENCE,
    REFUSED,
    RIGHT,
    WRONG,
    refused,
)

POLICIES = "Best Practices/Service Mesh/Security policies"


@pytest.fixture(scope="module")
def presented(practised: Practised) -> Observation:
    """What was answered to tokens of all kinds, and what arrived."""
    return practised.present()


@requirement("SP1", source=POLICIES)
def test_only_a_right_token_is_taken(judge: Judge, presented: Observation) -> None:
    """Only a token that is right in every part is taken."""
    wrong = {token_stream(name): REFUSED for name in WRONG}
    statuses = {**wrong, token_stream(OTHER_AUDIENCE): NOT_MEANT}
    served = token_stream(RIGHT)
    check = every(
        *(on(stream, refused(status, FEW)) for stream, status in statuses.items()),
        never_reached(frozenset(presented.attempts), list(statuses), [served]),
        on(served, all_answered_by(ORIGIN, FEW)),
    )
    judge(presented.history, check)


@requirement("SP2", source=POLICIES)
def test_a_claim_comes_from_the_token(judge: Judge, presented: Observation) -> None:
    """What asks for a claim gets it from the token alone, and no header stands for it."""
    denied = ["claim.other", "claim.none", "claim.claimed-without"]
    check = every(
        *(on(stream, denied_http(FEW)) for stream in denied),
        never_reached(frozenset(presented.attempts), denied, ["claim.right"]),
        on("claim.right", is_value(CLAIM, GROUP)),
        on("claim.claimed-beside", is_value(CLAIM, GROUP)),
        on("claim.claimed-open", is_value(CLAIM, "")),
    )
    judge(presented.history, check)


@pytest.mark.nightly
@requirement("SP3", source=POLICIES, needs="control-planes")
def test_an_authorizer_is_asked_first(
    judge: Judge, lab: Lab, practised: Practised, seed: int
) -> None:
    """An external authorizer decides before anything is served; while it fails or is away nothing
    is, and what it allows is again within T of its return."""
    authorization = authorize(lab, practised, seed)
    records = authorization.records
    away, unchecked = ([phase + client for client in CLIENTS] for phase in (AWAY, OPEN))
    check = every(
        decided(authorization.decisions, records),
        closed(away, records, unchecked),
        known(authorization.back),
    )
    judge(authorization.history, check)


@requirement("SP4", source=POLICIES)
def test_nobody_passes_for_another(judge: Judge, practised: Practised) -> None:
    """What a client claims of its certificate is gone, or what its proxy saw comes last."""
    insider = spiffe_id(practised.space.namespace, INSIDER)
    check = every(
        on("honest", last_is(insider)),
        on("posing.inside", last_is(insider)),
        on("posing.outside", never_told(POSE)),
        on("posing.gateway", never_told(POSE)),
    )
    judge(practised.pose(), check)


@requirement("SP5", source=POLICIES)
def test_nobody_borrows_an_address(judge: Judge, practised: Practised) -> None:
    """An X-Forwarded-For that a client made up opens nothing at the Gateway."""
    check = every(
        on("address.claimed", denied_http(FEW)),
        on("address.other", denied_http(FEW)),
        on("address.right", all_answered_by(ORIGIN, FEW)),
    )
    judge(practised.forward(), check)


@requirement("SP6", source=POLICIES)
def test_nobody_outside_gives_orders(judge: Judge, practised: Practised, seed: int) -> None:
    """Envoy's own headers that come from outside have no effect at the Gateway and are not handed
    on: no other attempts, no other timeout, no word for whoever comes next."""
    observed, outside, inside = claim(practised, seed)
    attempts = observed.attempts
    judge(observed.history, every(ignored(outside, attempts), obeyed(inside, attempts)))


@requirement("SP7", source=POLICIES)
def test_each_host_has_its_own_certificate(judge: Judge, entrance: Entrance) -> None:
    """A Gateway shows each host its own certificate, takes TLS 1.2 and later only, knows no other
    host, and has a renewed Secret in force within T without a failed handshake."""
    shown = entrance.shake()
    old = {host: each for (host, version), each in shown.items() if version == OLD}
    taken = {key: each for key, each in shown.items() if key[1] != OLD}
    verdicts = (
        shows_its_own(taken, entrance.digests),
        refuses_the_old(old),
        knows_no_other(entrance.shake_as_others()),
        is_renewed(entrance.renew(), entrance.deadline),
    )
    judge.conclude(combine(verdicts))
