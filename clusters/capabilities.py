"""Capabilities: what a lab offers to be asked of, and why it does not offer the rest.

A feature that is neither offered nor explained is an error of whoever asks for it. It knows a lab
of kind clusters, and asks nobody.
"""

from __future__ import annotations

from collections.abc import Mapping

FEATURES = frozenset({"cilium", "clustermesh", "gateway-api", "istio", "istio-multicluster"})
ISTIO_FILTERS = "istio-filters"
NOT_OFFERED: Mapping[str, str] = {
    "transparent-encryption": (
        "Cilium's encryption is off: it needs WireGuard or ESP of the nodes' kernel, which a lab "
        "cannot bring along"
    ),
    "bandwidth-manager": (
        "Cilium's bandwidth manager does not work in kind's nodes: their network namespaces have "
        "no default_qdisc"
    ),
    "cilium-l7": "Cilium's own proxy is off: its image is not among the train's",
    "several-nodes": "each cluster has one node",
}


def features(*, plain_envoy: bool) -> frozenset[str]:
    """What each cluster offers; `plain_envoy`: its proxies have none of Istio's own filters."""
    return FEATURES if plain_envoy else FEATURES | {ISTIO_FILTERS}


def not_offered(*, plain_envoy: bool) -> dict[str, str]:
    """What no cluster offers, and why."""
    filters = "the proxy is an upstream Envoy without Istio's own filters"
    return {**NOT_OFFERED, **({ISTIO_FILTERS: filters} if plain_envoy else {})}
