"""Least privilege: in a namespace of nothing by default, who reaches what is what is declared."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.least_privilege.subject import in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"cilium", "istio"}),
    in_force=in_force,
    ephemeral=True,
    only_cluster=0,
)
