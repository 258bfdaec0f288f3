"""Security: mTLS everywhere, by the service mesh's own authority and no other."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.security.subject import in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"authority", "cilium", "istio", "node-network"}),
    in_force=in_force,
    ephemeral=True,
    only_cluster=1,
)
