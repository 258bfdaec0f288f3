"""Connections to a workload behind network policies, and what Cilium tells and counts of them."""

from __future__ import annotations

from functools import partial

from fixtures.history.streams import with_nonces
from fixtures.lab import convergence, decisions
from fixtures.traffic.client import side_by_side
from suites.defence_in_depth.recorded import CALLS, COUNT, TIMEOUT, Recorded
from suites.defence_in_depth.requests import HTTP2, PLAIN, WALLED
from suites.defence_in_depth.subject import PORT, Defended


def record(defended: Defended) -> Recorded:
    """Have the clients connect, and read what Cilium tells of it.

    By the pod's own address, as a client that looks up a name opens more than was sent. Counters
    are read within the time that Hubble is asked about, and something more is let in before it is.

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
    _follow(defended)
    senders = {call.who: defended.clients[call.who].pod for call in CALLS}
    account = decisions.account(agent, opened, senders.values())
    lost = decisions.withheld(agent) - withheld
    walled = defended.space.kube.pod(defended.space.namespace, f"app={WALLED}")
    pods = {**senders, WALLED: str(walled["metadata"]["name"])}
    return Recorded(history, pods, account, before, after, lost)


def _follow(defended: Defended) -> None:
    """Let in a connection to another port, as Hubble tells of an event only once another one has
    followed it (cilium, pkg/hubble/container/ring.go, LastWriteParallel)."""
    host = f"{defended.addresses[WALLED]}{HTTP2}"
    stream = with_nonces("afterwards", host, convergence.generation(), timeout=2.0, http2=True)
    defended.clients[PLAIN].probe(stream)
