"""Multi-cloud: services of several clusters as one, and what is said between clusters is sealed."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.multi_cloud.policies import ROLES
from suites.multi_cloud.probes import probes
from suites.multi_cloud.subject import in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"clustermesh", "istio-multicluster", "node-network"}),
    in_force=in_force,
    probes=probes,
    across=True,
    roles=ROLES,
    ephemeral=True,
    shared_clients=False,
)
