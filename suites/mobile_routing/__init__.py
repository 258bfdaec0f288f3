"""Mobile routing: the reference's VirtualService picks a service by the user agent."""

from pathlib import Path

from fixtures.behaviour import Behaviour
from suites.mobile_routing.faults import FAULTS
from suites.mobile_routing.meaning import meaning
from suites.mobile_routing.probes import load, probes
from suites.mobile_routing.subject import in_force

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset({"istio"}),
    documents=("virtualservice",),
    in_force=in_force,
    probes=probes,
    load=load,
    meaning=meaning,
    faults=FAULTS,
)
