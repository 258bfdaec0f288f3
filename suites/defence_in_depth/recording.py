"""Connections to a workload behind network policies, and what Cilium tells and counts of them."""

from __future__ import annotations

from functools import partial

from fixtures.history.streams import with_nonces
from fixtures.lab import convergence, decisions
from fixtures.traffic.client import side_by_side
from suites.defence_in_depth.recorded import CALLS, COUNT, TIMEOUT, Recorded
from suites.defence_in_depth.requests import WALLED
from suites.defence_in_depth.subject import PORT, Defended


def record(defended: Defended) -> Recorded:
    """Have the clients connect, and read what Cilium tells of it.

    By the pod's own address, as a client that looks up a name opens more than was sent. Counters
    are read within the time that Hubble is asked about.

    Raises:
        CommandError: a program could not be started in a pod.
        NotReadyError: Hubble went on telling more.
    """
    agent, mark = defended.agent, convergence.generation()
    host = f"{defended.addresses[WALLED]}:{PORT}"
    opened = agent.now()
    withheld, before = decisions.withheld(agent), decisions.dropped_packets(agent)
    sends = (
        partial(
            defended.clients[call.who].probe,
            with_nonces(call.name, host, mark, count=COUNT, timeout=TIMEOUT),
        )
        for call in CALLS
    )
    history = side_by_side(*sends)
    after = decisions.dropped_packets(agent)
    senders = {call.who: defended.clients[call.who].pod for call in CALLS}
    account = decisions.account(agent, opened, senders.values())
    lost = decisions.withheld(agent) - withheld
    walled = defended.space.kube.pod(defended.space.namespace, f"app={WALLED}")
    pods = {**senders, WALLED: str(walled["metadata"]["name"])}
    return Recorded(history, pods, account, before, after, lost)
