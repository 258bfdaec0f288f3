"""Performance: what a service mesh adds to a call, and how it shapes, caches and speaks it."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.performance.subject import in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"istio", "gateway-api"}),
    in_force=in_force,
    ephemeral=True,
    only_cluster=0,
    shared_clients=False,
)
