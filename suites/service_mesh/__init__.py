"""Service mesh: what its proxies do with traffic, and what they tell of it."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.service_mesh import hosts
from suites.service_mesh.subject import in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"istio", "gateway-api"}),
    in_force=in_force,
    early=(hosts.MANIFEST,),  # its pod takes as long to start as a workload's
    shared_clients=False,
    ephemeral=True,
    only_cluster=0,
)
