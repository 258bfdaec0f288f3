"""Providers: what a bring-up asks of whoever makes its clusters, and who that is.

A provider makes, finds and deletes clusters, and knows its own by a mark that is there from the
first moment. What runs in a cluster is the components' business. Which provider stands behind a
name is said here alone. Existing clusters have none: they are reached as their kubeconfigs say.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from clusters import engine as engines
from clusters.engine import Engine
from clusters.errors import ForeignError, InputError, TopologyError
from clusters.home import Home
from clusters.plan import ClusterPlan, Range
from clusters.providers import existing
from clusters.providers.kind import Kind
from clusters.topology import Cluster, Topology
from clusters.versions import Train


class Provider(Protocol):
    """What a bring-up, an upgrade and a teardown call."""

    @property
    def name(self) -> str:
        """What a topology calls it."""

    @property
    def owner(self) -> str:
        """The mark by which a cluster is known as ours."""

    def cluster(self, plan: ClusterPlan) -> Cluster:
        """How a planned cluster is reached once it is there; nobody is asked."""

    def node(self, plan: ClusterPlan) -> str:
        """The name of its node with the control plane."""

    def nodes(self, plan: ClusterPlan) -> tuple[str, ...]:
        """The names of all its nodes, that one first."""

    def keeps(self, plan: ClusterPlan, image: str) -> bool:
        """Whether its nodes are there, are ours, run, and hold what this node image holds; and no
        other node of it is there."""

    def create(self, plan: ClusterPlan, image: str, deadline: float) -> None:
        """Make it from a node image within so many seconds; what is left of ours goes first.

        Raises:
            ForeignError: the name is taken by something that is not ours.
            EngineError: the engine starts no such node.
            CommandError: it could not be made.
        """

    def put_images(self, cluster: Cluster, images: Iterable[str]) -> None:
        """Put images that the engine holds onto all nodes of a cluster of ours that is up.

        Args:
            images: references.

        Raises:
            CommandError: it failed.
        """

    def add_addresses(self, plan: ClusterPlan) -> None:
        """Give its nodes, which are up, the addresses that no cluster is told of."""

    def delete(self, plan: ClusterPlan) -> None:
        """Delete it, if it is there.

        Raises:
            ForeignError: what is there is not ours.
        """

    def delete_others(self, kept: Iterable[ClusterPlan]) -> None:
        """Delete all clusters of ours but for some; what is not ours is left alone."""

    def is_confined(self, plan: ClusterPlan) -> bool:
        """Whether its node, which is up, lacks CAP_SYS_RESOURCE."""

    def make_network(self, addresses: Range) -> None:
        """Make the network that all nodes are in.

        Raises:
            ForeignError: one of that name is there and is not ours.
        """

    def delete_network(self) -> None:
        """Delete it, if it is there and ours."""

    def export_logs(self, plan: ClusterPlan, target: Path) -> None:
        """Every log that it knows how to collect, into a folder."""


PROVIDERS = {Kind.name: Kind}
DEFAULT = Kind.name
PROGRAM = "kind"
"""The program that the default one runs, as `tools` knows it."""


def of(  # noqa: PLR0913 (where, what for, and which)
    home: Home,
    engine: Engine,
    train: Train,
    program: Path | None = None,
    *,
    built: bool = False,
    name: str = DEFAULT,
) -> Provider:
    """The provider of a name.

    Args:
        program: the program that it runs, if clusters are to be made or their logs collected.
        built: the node image was built here, with the train's own CoreDNS and etcd.

    Raises:
        InputError: there is none of that name.
    """
    if name not in PROVIDERS:
        raise InputError("the name of a provider", seen=f"{name!r}; there are: {DEFAULT}")
    return PROVIDERS[name](home, engine, train, program or Path(PROGRAM), built)


def reach(home: Home) -> Engine | None:
    """Put this process, and all that it starts from now on, where the clusters can be reached, or
    where a lab's would be; the engine that they are in, None if they are somebody's own.

    Raises:
        EngineError: none answers, and none can be started.
    """
    if adopted(home):
        return None
    running = engines.ensure(home)
    running.enter()
    return running


def see_none_adopted(home: Home) -> None:
    """See that no existing clusters are adopted: what makes clusters, upgrades them or injects
    faults is for a lab's own.

    Raises:
        ForeignError: there are.
    """
    if topology := adopted(home):
        raise ForeignError(
            "clusters of a lab's own, or none yet",
            seen=f"adopted ones: {', '.join(each.context for each in topology.clusters)}",
            look="make down forgets them, and takes away what was made there",
        )


def adopted(home: Home) -> Topology | None:
    """The topology, if it is one of existing clusters."""
    try:
        topology = Topology.load(home.topology)
    except TopologyError:
        return None
    return topology if topology.provider == existing.NAME else None
