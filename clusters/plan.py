"""The lab's plan: which clusters there are, and the addresses that each of them gets.

The clusters' names and their mesh addresses are the reference's CiliumClustermeshConfig,
which no release of Cilium serves as a kind: it is translated here into what Cilium's chart
asks for. Pure: it reads a document and computes; it makes nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clusters.errors import PlumblineError

# 198.18.0.0/15 is set aside for benchmarks (RFC 2544): no real network uses it.
NETWORK = "198.18.0.0/24"
CONTAINERS = "198.18.0.0/25"  # Docker's share of it; the rest is for LoadBalancers
PODS = ipaddress.ip_network("198.18.64.0/18")
SERVICES = ipaddress.ip_network("198.19.0.0/17")
LOAD_BALANCERS = ipaddress.ip_network("198.18.0.128/25")
MAX_CLUSTERS = 4


class PlanError(PlumblineError):
    """The mesh that a document asks for cannot be planned."""


@dataclass(frozen=True)
class ClusterPlan:
    """One cluster: its place in the mesh and its addresses.

    Attributes:
        number: Cilium's cluster id, from 1.
        pods, services: subnets, such as 198.18.64.0/20.
        first, last: the LoadBalancer addresses; the first is the mesh control plane's.
    """

    name: str
    number: int
    domain: str
    port: int
    pods: str
    services: str
    first: str
    last: str

    @property
    def hostname(self) -> str:
        """The name under which the others reach its mesh control plane."""
        return f"{self.name}.{self.domain}"


def plan(document: object) -> tuple[ClusterPlan, ...]:
    """The clusters that a CiliumClustermeshConfig names, with addresses of ours.

    Raises:
        PlanError: the document has no clusters, too many, two of one name, or an address
            that is not `<cluster's name>.<one domain>:<port>`, the only form that Cilium's
            chart takes.
    """
    clusters = _clusters(document)
    if not 2 <= len(clusters) <= MAX_CLUSTERS:
        raise PlanError(
            f"2 to {MAX_CLUSTERS} clusters in CiliumClustermeshConfig", seen=f"{len(clusters)}"
        )
    split = [_address(cluster) for cluster in clusters]
    names = [name for name, _, _ in split]
    if len(set(names)) != len(names):
        raise PlanError("a name of its own for each cluster", seen=", ".join(names))
    domains = {domain for _, domain, _ in split}
    if len(domains) != 1:
        raise PlanError("one mesh domain for all clusters", seen=", ".join(sorted(domains)))
    pods = _parts(PODS)
    services = _parts(SERVICES)
    addresses = _parts(LOAD_BALANCERS)
    return tuple(
        ClusterPlan(
            name, number, domain, port, str(pods[number - 1]), str(services[number - 1]),
            str(addresses[number - 1][1]), str(addresses[number - 1][-2]),
        )
        for number, (name, domain, port) in enumerate(split, start=1)
    )  # fmt: skip


def _clusters(document: object) -> list[object]:
    spec = document.get("spec") if isinstance(document, dict) else None
    clusters = spec.get("clusters") if isinstance(spec, dict) else None
    return clusters if isinstance(clusters, list) else []


def _address(given: object) -> tuple[str, str, int]:
    cluster = given if isinstance(given, dict) else {}
    name, address = str(cluster.get("name", "")), str(cluster.get("address", ""))
    host, _, port = address.rpartition(":")
    prefix, _, domain = host.partition(".")
    if not name or prefix != name or not domain or not port.isdigit():
        raise PlanError(
            f"the address of {name!r} as {name or 'name'}.<domain>:<port>", seen=address
        )
    return name, domain, int(port)


def _parts(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Sequence[Any]:
    return list(network.subnets(prefixlen_diff=(MAX_CLUSTERS - 1).bit_length()))
