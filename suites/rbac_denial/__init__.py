"""RBAC denial: the reference's AuthorizationPolicy admits one principal, method and path."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.rbac_denial.faults import FAULTS
from suites.rbac_denial.meaning import meaning
from suites.rbac_denial.probes import load, probes
from suites.rbac_denial.subject import in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"istio"}),
    documents=("authorizationpolicy",),
    in_force=in_force,
    probes=probes,
    load=load,
    meaning=meaning,
    faults=FAULTS,
)
