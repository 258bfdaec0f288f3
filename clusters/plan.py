"""The lab's plan: which clusters there are, their nodes, and the addresses that each of them gets.

The clusters' names and their ClusterMesh addresses are the reference's CiliumClustermeshConfig,
which no release of Cilium serves as a kind: it is translated here into what Cilium's chart
asks for. It reads a document and computes; it makes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import yaml

from clusters.errors import PlanError

LENGTH = 15  # of a range's prefix: 131,072 addresses
MAX_CLUSTERS = 4
MAX_NODES = 5  # of a cluster
ONE_NODE = "1"
# This host, loopback, link-local, multicast and reserved: no host has an address of these.
SPECIAL = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))


@dataclass(frozen=True)
class Range:
    """A lab's addresses: a /15, and how it is cut up."""

    whole: IPv4Network

    @classmethod
    def parse(cls, text: str) -> Range:
        """A range as a person writes it, such as 198.18.0.0/15.

        Raises:
            PlanError: it is no /15 of IPv4 that hosts may have addresses of.
        """
        try:
            network = IPv4Network(text)
        except ValueError as error:
            raise PlanError(_RANGE, seen=str(error)) from None
        if network.prefixlen != LENGTH or any(network.overlaps(each) for each in SPECIAL):
            raise PlanError(_RANGE, seen=text)
        return cls(network)

    @classmethod
    def around(cls, part: str) -> Range:
        """The range that a part of it, such as 198.18.0.0/24, was cut from."""
        return cls(IPv4Network(part).supernet(new_prefix=LENGTH))

    def __str__(self) -> str:
        return str(self.whole)

    @property
    def nodes(self) -> IPv4Network:
        """The Docker network: nodes and LoadBalancers."""
        return self._cut(24, 0)

    @property
    def containers(self) -> IPv4Network:
        """Docker's share of it."""
        return self._cut(25, 0)

    @property
    def balancers(self) -> IPv4Network:
        """The other half of it."""
        return self._cut(25, 1)

    @property
    def pods(self) -> IPv4Network:
        return self._cut(18, 1)

    @property
    def services(self) -> IPv4Network:
        return self._cut(17, 2)

    def _cut(self, prefix: int, number: int) -> IPv4Network:
        first = int(self.whole.network_address) + (number << (32 - prefix))
        return IPv4Network((first, prefix))


_RANGE = f"a range of IPv4 addresses with a prefix of {LENGTH}, such as 198.18.0.0/{LENGTH}"
# Set aside for benchmarks (RFC 2544): no network that is routed uses it. Some proxies do.
DEFAULT = Range.parse("198.18.0.0/15")


@dataclass(frozen=True)
class ClusterPlan:
    """One cluster: its place in the ClusterMesh and its addresses.

    Attributes:
        number: Cilium's cluster id, from 1.
        pods, services: subnets, such as 198.18.64.0/20.
        first, last: the LoadBalancer addresses; the first is the ClusterMesh API server's.
        worlds: for each of its nodes an address that no cluster is told of: to Cilium, whoever
            sends from it is of the world.
    """

    name: str
    number: int
    domain: str
    port: int
    pods: str
    services: str
    first: str
    last: str
    worlds: tuple[str, ...]

    @property
    def nodes(self) -> int:
        """How many it has."""
        return len(self.worlds)

    @property
    def hostname(self) -> str:
        """The name under which the others reach its ClusterMesh API server."""
        return f"{self.name}.{self.domain}"


def plan(
    document: object, addresses: Range = DEFAULT, nodes: str = ONE_NODE
) -> tuple[ClusterPlan, ...]:
    """The clusters that a CiliumClustermeshConfig names, with addresses of a range.

    Args:
        nodes: how many they have, as `node_counts` reads it.

    Raises:
        PlanError: the document has no clusters, too many, two of one name, or an address
            that is not `<cluster's name>.<one domain>:<port>`, the only form that Cilium's
            chart takes; or `nodes` is no such thing.
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
        raise PlanError("one ClusterMesh domain for all clusters", seen=", ".join(sorted(domains)))
    counts = node_counts(nodes, names)
    pods, services = _parts(addresses.pods), _parts(addresses.services)
    balancers = _parts(addresses.balancers)
    return tuple(
        ClusterPlan(
            name, number, domain, port, str(pods[number - 1]), str(services[number - 1]),
            str(balancers[number - 1][1]), str(balancers[number - 1][-2]),
            tuple(_world(addresses, number, node) for node in range(counts[name])),
        )
        for number, (name, domain, port) in enumerate(split, start=1)
    )  # fmt: skip


def node_counts(text: str, names: Sequence[str]) -> Mapping[str, int]:
    """How many nodes each of the named clusters has: `3` each, or `aws-cluster=3,…` those that are
    named, and the others one.

    Raises:
        PlanError: it is no such thing, names another cluster, or a number is not of 1 to 5.
    """
    parts = [part.strip().rpartition("=") for part in text.split(",")]
    counts = {name: number for name, _, number in parts}
    number_of_all = counts.pop("", ONE_NODE)
    numbers = {name: counts.get(name, number_of_all) for name in names}
    whole = len(parts) == 1 or all(named for named, _, _ in parts)
    good = all(number in _NUMBERS for number in numbers.values())
    if not (whole and good and len(counts) in (0, len(parts)) and counts.keys() <= numbers.keys()):
        what = f"nodes as a number of 1 to {MAX_NODES}, or by cluster, such as {names[0]}=3"
        raise PlanError(f"{what}, of {', '.join(names)}", seen=text, look="make up NODES=3")
    return {name: int(number) for name, number in numbers.items()}


_NUMBERS = tuple(str(number) for number in range(1, MAX_NODES + 1))


def read_plan(
    config: Path, addresses: Range = DEFAULT, nodes: str = ONE_NODE
) -> tuple[ClusterPlan, ...]:
    """The clusters that a CiliumClustermeshConfig in a file names, with addresses of a range.

    Raises:
        PlanError: it cannot be read, or names none that can be planned, or not with these nodes.
    """
    try:
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PlanError(f"a CiliumClustermeshConfig in {config}", seen=str(error)) from None
    return plan(document, addresses, nodes)


def size(clusters: Sequence[ClusterPlan]) -> float:
    """How many times what two clusters of a node each take of a machine. A node without a control
    plane takes half of what one with it does (docs/performance.md)."""
    nodes = sum(each.nodes for each in clusters)
    return (len(clusters) + nodes) / 4


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


def _world(addresses: Range, number: int, node: int) -> str:
    """From the end of Docker's share, which it gives out from the begin."""
    return str(addresses.containers[-1 - number - MAX_CLUSTERS * node])


def _parts(network: IPv4Network) -> list[IPv4Network]:
    return list(network.subnets(prefixlen_diff=(MAX_CLUSTERS - 1).bit_length()))
