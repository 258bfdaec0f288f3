"""Cross-cluster policy: the reference's CiliumNetworkPolicy admits one workload of one cluster."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.cross_cluster_policy.faults import FAULTS
from suites.cross_cluster_policy.meaning import meaning
from suites.cross_cluster_policy.probes import probes
from suites.cross_cluster_policy.subject import in_force
from suites.cross_cluster_policy.who import ROLES

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"clustermesh", "node-network"}),
    documents=("ciliumnetworkpolicy", "ciliumclustermeshconfig"),
    in_force=in_force,
    probes=probes,
    faults=FAULTS,
    meaning=meaning,
    across=True,
    roles=ROLES,
)
