"""Load balancing: which pod of a service a client's proxy chooses, and which it leaves alone."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.load_balancing.subject import in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"istio"}),
    in_force=in_force,
    shared_clients=False,
    ephemeral=True,
    only_cluster=1,
)
