"""Performance: what a service mesh adds to a call."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.performance.latency import metered_in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"istio", "gateway-api"}),
    in_force=metered_in_force,
    shared_clients=False,
    ephemeral=True,
    only_cluster=0,
)
