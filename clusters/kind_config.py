"""What kind is told of a cluster: its nodes and networks, and how kubeadm sets them up.

Pure: whoever asks writes it down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import yaml

from clusters.plan import ClusterPlan
from clusters.versions import Versions

OWNER = "/etc/plumbline"  # where a node of ours holds our lab's folder
THRIFTY = {
    "etcd": "50m",
    "kube-apiserver": "90m",
    "kube-controller-manager": "12m",
    "kube-scheduler": "12m",
}
"""CPU that these ask for here, not 100m, 250m, 200m and 100m: a lab has tens of pods. A request is
also a share of a busy machine, and it is who asks and who answers that must not come late. Only
the shares' proportions matter, and small numbers leave a node room for the pods of every suite."""
UNRIVALLED = ("kube-controller-manager", "kube-scheduler")
"""There is one of each, and that it leads need not be written every two seconds."""


def cluster(
    plan: ClusterPlan, image: str, owner: str, patches: Iterable[object], *, confined: bool
) -> dict[str, object]:
    """kind's own configuration of a cluster.

    Args:
        owner: the folder that marks each of its nodes as ours.
        patches: of kubeadm's configuration.
        confined: the engine's containers lack CAP_SYS_RESOURCE.
    """
    mount = {"hostPath": owner, "containerPath": OWNER, "readOnly": True}
    roles = ("control-plane", *["worker"] * (plan.nodes - 1))
    config: dict[str, object] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {
            "disableDefaultCNI": True,
            "kubeProxyMode": "none",  # Cilium takes its place
            **networks(plan),
        },
        "kubeadmConfigPatches": [yaml.safe_dump(patch) for patch in patches],
        "nodes": [{"role": role, "image": image, "extraMounts": [{**mount}]} for role in roles],
    }
    if confined:
        config["featureGates"] = {"KubeletInUserNamespace": True}
        config["containerdConfigPatches"] = [
            '[plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true\n'
        ]
    return config


def networks(plan: ClusterPlan) -> dict[str, str]:
    """Its subnets, by the names that kind has for them."""
    return {"podSubnet": plan.pods, "serviceSubnet": plan.services}


def kubeadm(
    plan: ClusterPlan, versions: Versions, cgroup: int, *, built: bool
) -> list[dict[str, object]]:
    """Patches of kubeadm's configuration.

    Args:
        cgroup: the version of the engine's.
        built: the node image was built here, with the train's own CoreDNS and etcd.
    """
    kubelet: dict[str, object] = {
        "kind": "KubeletConfiguration",
        "maxPods": 250,
        # Deadlines of ours are seconds; the kubelet's defaults would add to each of them.
        "syncFrequency": "10s",
    }
    if cgroup == 1:
        kubelet["failCgroupV1"] = False  # from 1.35 on the kubelet refuses version 1 otherwise
    init: dict[str, object] = {
        "kind": "InitConfiguration",
        "patches": {"directory": f"{OWNER}/{plan.name}"},
    }
    if plan.nodes > 1:  # kind lets pods onto a control plane's node only where it is alone
        init["nodeRegistration"] = {"taints": []}
    patches = [kubelet, init]
    if built:
        patches.append(
            {
                "kind": "ClusterConfiguration",
                "dns": {"imageTag": f"v{versions.coredns}"},
                "etcd": {"local": {"imageTag": f"{versions.etcd}-0"}},
            }
        )
    return patches


def control_plane() -> Iterator[tuple[str, str]]:
    """Patches of the control plane's pods, by the names of the files that kubeadm looks for."""
    for name, cpu in THRIFTY.items():
        container = {"name": name, "resources": {"requests": {"cpu": cpu}}}
        yield f"{name}+strategic.yaml", yaml.safe_dump({"spec": {"containers": [container]}})
    last = {"op": "add", "path": "/spec/containers/0/command/-"}
    for name in UNRIVALLED:
        yield f"{name}+json.yaml", yaml.safe_dump([{**last, "value": "--leader-elect=false"}])
