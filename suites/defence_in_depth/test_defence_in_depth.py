"""Defence in depth: conditions of a policy, a policy at the entrance, one above all namespaces."""

from __future__ import annotations

import pytest

from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.defence_in_depth.recorded import are_told
from suites.defence_in_depth.recording import record
from suites.defence_in_depth.renewal import SECONDS, without_a_failure
from suites.defence_in_depth.requests import (
    AT_THE_ENTRANCE,
    AT_THE_WALL,
    CONDITIONS,
    PAST_THE_SIDECAR,
    are_held,
    are_walled_off,
    gain_nothing,
)
from suites.defence_in_depth.subject import Defended, Observation

ACCESS = "Best Practices/Security/Access policies"
MTLS = "Best Practices/Security/mTLS everywhere"
TRUST = "Best Practices/Security/Zero trust"
ISOLATION = "Best Practices/Security/Network isolation"
OBSERVABILITY = "Best Practices/Service Mesh/Observability"


@pytest.mark.nightly
@requirement("AP3", source=ACCESS)
def test_conditions_hold_on_each_side(judge: Judge, observed: Observation) -> None:
    """Conditions of a DENY hold on each side, and what a request lacks opens nothing."""
    judge(observed.history, are_held(CONDITIONS, observed.arrived))


@pytest.mark.nightly
@requirement("AP6", source=ACCESS)
def test_a_gateway_denies(judge: Judge, observed: Observation) -> None:
    """A policy on a Gateway denies there, no backend sees it, and no other Gateway is touched."""
    judge(observed.history, are_held(AT_THE_ENTRANCE, observed.arrived))


@pytest.mark.nightly
@requirement("NI6", source=ISOLATION)
def test_no_namespace_opens_what_is_denied_above(judge: Judge, observed: Observation) -> None:
    """What a CiliumClusterwideNetworkPolicy denies no policy of a namespace opens."""
    judge(observed.history, are_walled_off(AT_THE_WALL, observed.arrived, observed.drops))


@pytest.mark.nightly
@requirement("ZT4", source=TRUST)
def test_past_its_sidecar_nobody_gains(judge: Judge, observed: Observation) -> None:
    """Who steps round its sidecar gains nothing: its plain text is cut off, or is dropped."""
    judge(observed.history, gain_nothing(PAST_THE_SIDECAR, observed.arrived, observed.drops))


@pytest.mark.nightly
@requirement("OB5", source=OBSERVABILITY)
def test_cilium_tells_what_it_did(judge: Judge, defended: Defended) -> None:
    """Cilium tells the verdict of each connection, and of each drop both identities and a count."""
    recorded = record(defended)
    judge(recorded.history, are_told(recorded))


@pytest.mark.nightly
@requirement("MT3", source=MTLS)
def test_certificates_are_renewed_under_load(judge: Judge, defended: Defended, lab: Lab) -> None:
    """Certificates are renewed by half of their life, without a failed request meanwhile."""
    with lab.quiet():
        renewal = defended.renew()
    judge(renewal.history, without_a_failure(renewal.shown, SECONDS))
