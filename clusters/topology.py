"""topology.json: what a bring-up left behind, and all that a suite may know of it.

The only seam between clusters/ and suites/. It holds addresses and facts, never
credentials: a kubeconfig is named by its path. It never talks to a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from clusters import files
from clusters.errors import TopologyError
from clusters.models import Frozen, Image, Machine
from clusters.versions import Deadlines, Deviation

SCHEMA = 1


class Stage(Frozen):
    """How long one step of a bring-up took, in seconds; `cluster` is empty for a joint one."""

    name: str
    cluster: str = ""
    started: float = Field(description="seconds since the bring-up began")
    seconds: float


class ClusterMeshMember(Frozen):
    """Where a cluster's ClusterMesh API server is reached by the others."""

    hostname: str
    address: str
    port: int


class Node(Frozen):
    """One node of a cluster of the lab's own.

    `world` is an address of it that no cluster is told of, if it has one.
    """

    name: str
    world: str = ""


class Consent(Frozen):
    """What a person agreed to in a cluster that carries somebody's work.

    `harness` marks whatever is made there; nothing else is ever changed.
    """

    harness: str
    write: frozenset[str] = Field(
        default=frozenset(), description="namespaces to write to, beside those of the run"
    )
    hours: float = Field(default=4.0, description="for which a namespace that is made is ours")


class Cluster(Frozen):
    """One cluster: how to reach it and what it offers.

    `features` are words such as `istio`, `gateway-api`, `cilium`, `clustermesh`: a suite
    is parametrized over the clusters that offer what it needs.
    """

    name: str
    kubeconfig: Path
    context: str
    mesh: ClusterMeshMember | None = None
    features: frozenset[str] = frozenset()
    not_offered: Mapping[str, str] = Field(
        default_factory=dict, description="features that it lacks, and why"
    )
    nodes: tuple[Node, ...] = Field(
        default=(), description="of a lab's own cluster, the one with the control plane first"
    )
    consent: Consent | None = Field(
        default=None, description="none for a cluster of the lab's own, where all may be changed"
    )
    gateways: Mapping[str, str] = Field(
        default_factory=dict, description="annotations that each Gateway of the suites gets"
    )

    @property
    def world(self) -> str:
        """An address of its first node that no cluster is told of, if it has one."""
        return self.nodes[0].world if self.nodes else ""

    def world_of(self, node: str) -> str:
        """Such an address of the node of that name, if it has one."""
        return next((each.world for each in self.nodes if each.name == node), "")


class Topology(Frozen):
    """What is there: the clusters, the versions and images that run in them, the stage times."""

    schema_version: Literal[1] = 1
    run: str
    provider: str
    train: str
    versions: Mapping[str, str]
    deadlines: Deadlines = Field(description="those of the train")
    clusters: tuple[Cluster, ...]
    images: tuple[Image, ...]
    machine: Machine
    stages: tuple[Stage, ...]
    deviations: tuple[Deviation, ...] = Field(
        default=(), description="requirements that the train is known to fail"
    )
    notes: tuple[str, ...] = Field(
        default=(), description="what a reader must know, such as a translated manifest"
    )

    def cluster(self, name: str) -> Cluster:
        """The cluster of that name.

        Raises:
            TopologyError: there is none; the error lists those there are.
        """
        for cluster in self.clusters:
            if cluster.name == name:
                return cluster
        raise TopologyError(
            f"a cluster named {name!r} in the topology",
            seen=", ".join(c.name for c in self.clusters) or "no cluster",
            look="python -m clusters status",
        )

    def deadline(self, name: str) -> float:
        """How long to wait for something, in seconds; a field of `Deadlines` by its name.

        Raises:
            TopologyError: there is none of that name; the error lists those there are.
        """
        if name not in Deadlines.model_fields:
            raise TopologyError(
                f"a deadline named {name!r}", seen=", ".join(Deadlines.model_fields)
            )
        seconds: float = getattr(self.deadlines, name)
        return seconds

    def with_feature(self, feature: str) -> tuple[Cluster, ...]:
        """The clusters that offer a feature, in the topology's order."""
        return tuple(c for c in self.clusters if feature in c.features)

    def save(self, path: Path) -> None:
        """Write the file whole or not at all, so that a reader never meets half of it."""
        files.write(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Topology:
        """Read a topology.

        Raises:
            TopologyError: the file is missing or is not a topology of this schema.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise TopologyError(
                f"a topology at {path}", seen="no such file", look="make up"
            ) from None
        except OSError as error:
            raise TopologyError(
                f"a topology at {path}", seen=files.why(error), look=f"ls -ld {path}"
            ) from None
        except ValidationError as error:
            raise TopologyError(
                f"a topology of schema {SCHEMA} at {path}", seen=_first(error), look="make up"
            ) from None


def _first(error: ValidationError) -> str:
    """The first of what is wrong, in one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]
