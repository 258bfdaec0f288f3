"""Multi-cloud, zero trust: a certificate does not tell its holder's cluster, and a policy does."""

from __future__ import annotations

import pytest

from fixtures.lab import Lab, namespace_of
from fixtures.lab.trust import spiffe_id
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.multi_cloud.apart import told_apart
from suites.multi_cloud.namesakes import POLICY, namesakes
from suites.multi_cloud.subject import CLIENT, NAME, Everywhere

ZERO_TRUST = "Best Practices/Security/Zero trust"


@pytest.mark.nightly
@requirement("ZT6", source=ZERO_TRUST)
def test_one_principal_is_told_apart_by_its_cluster(
    judge: Judge, lab: Lab, everywhere: Everywhere
) -> None:
    """Of one principal in all clusters a network policy admits one cluster's alone: its namesake,
    served without the policy, is dropped with its cluster's name."""
    observed = namesakes(everywhere).ask(lab.manifests.given(POLICY))
    who = spiffe_id(namespace_of(NAME), CLIENT)
    judge(observed.history, told_apart(who, observed.arrived, observed.drops, everywhere.places))
