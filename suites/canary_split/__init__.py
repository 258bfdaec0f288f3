"""Canary split: the reference's HTTPRoute shares requests with one header between two services."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.canary_split.meaning import meaning
from suites.canary_split.probes import load, probes
from suites.canary_split.subject import in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"gateway-api"}),
    documents=("gateway", "httproute"),
    in_force=in_force,
    probes=probes,
    load=load,
    meaning=meaning,
    early=("gateway",),  # a Gateway's own pod takes as long to start as a workload's
)
