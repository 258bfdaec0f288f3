"""Pods that have only just begun to be, under a policy that lets them reach nobody, and one under
none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clusters.kube import Document
from clusters.waiting import wait_for
from fixtures.checks import Drop
from fixtures.lab import Lab
from fixtures.lab.hubble import Agent
from fixtures.lab.space import Space
from fixtures.traffic.client import PROGRAMS
from suites.security.isolated import Knocks
from suites.security.isolation import ISLAND, PORT, labels_of
from suites.security.subject import INSIDER, NAME

POLICY = "ciliumnetworkpolicy-newborn"
NEWBORN, FREE = "newborn", "free"
GUARDED = tuple(f"{NEWBORN}-{number}" for number in range(5))
SECONDS, INTERVAL = 3.0, 0.01
"""For how long each knocks, and how often: of what is dropped Hubble tells some."""
ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Born:
    """What each new pod counted, and what the agent dropped meanwhile."""

    knocks: Mapping[str, Knocks]
    drops: tuple[Drop, ...]


def bear(lab: Lab, cluster: str) -> Born:
    """Have pods begin under the policy, each to knock at a workload that takes all of them.

    Raises:
        NotReadyError: the agent did not take the policy, or a pod did not end, in time.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    agent = Agent.any_of(space.kube)
    _enforce(lab, space, agent, deadline)
    peer = str(space.kube.pod(space.namespace, f"app={ISLAND}")["status"]["podIP"])
    image = str(space.kube.pod(space.namespace, f"app={INSIDER}")["spec"]["containers"][0]["image"])
    pods = [_pod(name, NEWBORN, image, peer) for name in GUARDED] + [_pod(FREE, FREE, image, peer)]
    opened = agent.now()
    try:
        for pod in pods:
            space.kube.delete(pod, space.namespace)
            space.apply(pod)
        knocks = {name: _ended(space, name, lab.deadline("workload")) for name in (*GUARDED, FREE)}
    finally:
        for pod in pods:
            space.kube.delete(pod, space.namespace)
    own = labels_of(NEWBORN)
    drops = agent.drops(opened, space.namespace)
    return Born(knocks, tuple(drop for drop in drops if drop.source_labels.issuperset(own)))


def _enforce(lab: Lab, space: Space, agent: Agent, deadline: float) -> None:
    """Have the policy, or see that it is gone, before there is a pod that it is of."""
    policy = lab.manifests.given(POLICY)
    document = policy.document
    kind, name = document["kind"], document["metadata"]["name"]
    stored = space.kube.get(document["apiVersion"], kind, name, space.namespace) or {}
    space.kube.delete(document, space.namespace)
    old, new = _uid(stored), _uid(space.put(policy))

    def pending() -> str:
        lists = [each.imported()[0] for each in agent.every]
        wrong = [uids for uids in lists if old in uids or new not in {"", *uids}]
        return f"it has {sorted(wrong[0])}" if wrong else ""

    wait_for(f"{agent.kube.cluster.name}'s agents to have {POLICY} as it is", pending, deadline)


def _uid(stored: Document) -> str:
    return str(stored.get("metadata", {}).get("uid", ""))


def _pod(name: str, app: str, image: str, peer: str) -> Document:
    program = f"{PROGRAMS}/knocking.py"
    mount = {"name": "programs", "mountPath": PROGRAMS, "readOnly": True}
    container = {
        "name": "knocking",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", program, peer, str(PORT), str(SECONDS), str(INTERVAL)],
        "resources": {"requests": {"cpu": "5m"}},
        "volumeMounts": [mount],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": app, "sidecar.istio.io/inject": "false"}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [{"name": "programs", "configMap": {"name": "plumbline-programs"}}],
        },
    }


def _ended(space: Space, name: str, deadline: float) -> Knocks:
    def pending() -> str:
        pod = space.kube.get("v1", "Pod", name, space.namespace) or {"status": {}}
        phase = str(pod["status"].get("phase", ""))
        return "" if phase in ENDED else phase

    wait_for(f"{name} to have knocked", pending, deadline, space.kubectl(f"describe pod {name}"))
    return Knocks.model_validate_json(space.kube.logs(space.namespace, name))
