"""Defence in depth: conditions of a policy, a policy at the entrance, one above all namespaces."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.defence_in_depth.subject import in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"cilium", "cluster-wide", "gateway-api", "istio"}),
    in_force=in_force,
    ephemeral=True,
    only_cluster=1,
    shared_clients=False,
)
