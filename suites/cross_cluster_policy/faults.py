"""Faults of the cross-cluster policy: packets dropped, no policy, and control planes that end."""

from __future__ import annotations

import time

from clusters.components import cilium, clustermesh
from fixtures.lab.faults import SETTLE, Effect, Injection, Site, no_effect
from fixtures.lab.hubble import Agent
from suites.cross_cluster_policy.subject import Guarded
from suites.cross_cluster_policy.who import AWS, AZURE


def dropped_for_10_ms(guarded: Guarded, site: Site) -> Effect:
    """frontend's packets are dropped for 10 ms."""
    return _drop(guarded, site, 0.010)


def dropped_for_200_ms(guarded: Guarded, site: Site) -> Effect:
    """frontend's packets are dropped for 200 ms."""
    return _drop(guarded, site, 0.200)


def agent_killed(guarded: Guarded, site: Site) -> Effect:
    """Cilium's agent is killed: nothing opens and nothing shuts."""
    kube, began = guarded.space.kube, time.time()
    agent = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": guarded.agent.pod}}
    kube.delete(agent, clustermesh.NAMESPACE)
    cilium.wait_ready(kube, site.lab.deadline("cilium"))
    guarded.agent = Agent.of(kube, guarded.target)
    return no_effect(began)


def clustermesh_cut(guarded: Guarded, _site: Site) -> Effect:
    """ClusterMesh's control planes are away for a while: nothing opens, and what was, stays."""
    began = time.time()
    with guarded.without_clustermesh():
        time.sleep(SETTLE)
    return no_effect(began)


def policy_deleted_for_50_ms(guarded: Guarded, _site: Site) -> Effect:
    """The network policy is deleted, and applied again after 50 ms."""
    space, former, began = guarded.space, _admitted(guarded), time.time()
    space.kube.delete(guarded.policy.document, space.namespace)
    time.sleep(0.050)
    guarded.uid = ""
    guarded.protect()
    ended = time.time()
    # Cilium may put both changes into one: then nothing was open, and nothing must be found.
    if not _admitted(guarded) - former:
        return no_effect(began)
    return Effect(f"{AWS}/backend", "leak", (began, ended, ended, ended))


def _drop(guarded: Guarded, site: Site, seconds: float) -> Effect:
    times = site.firewall(guarded.target, "DROP", seconds)
    return Effect(f"{AZURE}/backend", "dropped", times)


def _admitted(guarded: Guarded) -> frozenset[int]:
    """The connections that frontend's node let in although the policy forbids them."""
    address = str(guarded.target["status"]["podIP"])
    return guarded.agent.admitted(guarded.address(f"{AWS}/backend"), address)


FAULTS = (
    Injection(dropped_for_10_ms),
    # Long enough to be seen on two busy cores.
    Injection(dropped_for_200_ms, frozenset({"short"})),
    Injection(agent_killed),
    Injection(clustermesh_cut),
    # What it cut off leaks for minutes: see `in_force`.
    Injection(policy_deleted_for_50_ms, last=True),
)
