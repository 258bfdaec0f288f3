"""Capabilities: what clusters offer to be asked of, and why they do not offer the rest.

A feature that is neither offered nor explained is an error of whoever asks for it. It asks nobody:
of a lab of kind clusters all is known, and of clusters that carry somebody's work what is left
alone there, whatever they have.
"""

from __future__ import annotations

from collections.abc import Mapping

RIGHTS = frozenset(
    {"authority", "cluster-wide", "control-planes", "default-namespace", "node-network"}
)
"""What may be done in a cluster: sign as its authority does, make what is of the whole cluster,
take control planes down, write to the namespace `default`, and see what passes a node."""
COMPONENTS = frozenset(
    {
        "cilium",
        "cilium-dns",
        "clustermesh",
        "gateway-api",
        "istio",
        "istio-multicluster",
        "mcs-api",
    }
)
"""What runs in it; `cilium-dns`: agents see what is looked up, for policies by name; `mcs-api`:
exported services have names, for which CoreDNS answers."""
FEATURES = COMPONENTS | RIGHTS
ISTIO_FILTERS = "istio-filters"
BANDWIDTH = "bandwidth-manager"
SEVERAL_NODES = "several-nodes"
HTTP3, RATE_LIMIT = "http3", "global-rate-limit"
QUIC_PORTS = (1, 31)
"""From this Istio on the Services that it makes for Gateways have ports for QUIC."""
ONLY_A_LABS = frozenset({ISTIO_FILTERS, HTTP3, RATE_LIMIT})
"""What depends on how a lab was made: its proxies, its istiods' settings, its images."""
NOT_OFFERED: Mapping[str, str] = {
    "transparent-encryption": (
        "Cilium's encryption is off: it needs WireGuard or ESP of the nodes' kernel, which a lab "
        "cannot bring along"
    ),
    BANDWIDTH: (
        "Cilium's bandwidth manager does not work in kind's nodes: their network namespaces have "
        "no default_qdisc"
    ),
    "cilium-l7": "Cilium's own proxy is off: its image is not among the train's",
    SEVERAL_NODES: "the cluster has one node",
}
LEFT_ALONE: Mapping[str, str] = {
    "authority": "the key that an adopted cluster's istiod signs with is not read",
    "cluster-wide": "nothing is made that is of the whole of an adopted cluster",
    "control-planes": "an adopted cluster's control planes are left alone",
    "node-network": "no pod is put on the network of an adopted cluster's nodes",
    "clustermesh": "what is between clusters is asked of a lab's alone",
    "istio-multicluster": "what is between clusters is asked of a lab's alone",
    "cilium-dns": "what an adopted cluster's agents see of lookups is not asked",
    "mcs-api": "what is between clusters is asked of a lab's alone",
    **dict.fromkeys(NOT_OFFERED.keys() | ONLY_A_LABS, "not looked for in an adopted cluster"),
}
"""What no cluster that carries somebody's work offers, and why."""


def features(nodes: int, *, plain_envoy: bool, istio_version: str) -> frozenset[str]:
    """What a cluster of a lab with so many nodes offers; `plain_envoy`: its proxies have none of
    Istio's own filters."""
    lacking = not_offered(nodes, plain_envoy=plain_envoy, istio_version=istio_version)
    return (FEATURES | ONLY_A_LABS | {SEVERAL_NODES}).difference(lacking)


def not_offered(nodes: int, *, plain_envoy: bool, istio_version: str) -> dict[str, str]:
    """What such a cluster does not offer, and why."""
    lacking = dict(NOT_OFFERED)
    if nodes > 1:
        del lacking[SEVERAL_NODES]
    if plain_envoy:
        lacking[ISTIO_FILTERS] = "the proxy is an upstream Envoy without Istio's own filters"
    major, minor = istio_version.split(".")[:2]
    if (int(major), int(minor)) < QUIC_PORTS:
        lacking[HTTP3] = f"Istio {istio_version} gives a Gateway's Service no port for QUIC"
    return lacking
