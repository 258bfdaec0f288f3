"""kind clusters: nodes in the engine, under names and a network of our own.

Makes and deletes clusters and nothing else: what runs in them is the components' business. A
cluster is known as ours by a folder of ours that is mounted into each of its nodes from the first
moment the node exists. Its first node has the control plane, and runs pods as the others do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import yaml

from clusters import engine as engines
from clusters import engine_facts, files, kind_config
from clusters.engine import Engine
from clusters.errors import CommandError, EngineError, ForeignError
from clusters.home import Home
from clusters.images import bake
from clusters.kind_config import OWNER
from clusters.plan import ClusterPlan, Range
from clusters.process import run
from clusters.topology import Cluster, Node
from clusters.versions import Train

PREFIX = "plumbline-"
LABEL = "dev.plumbline.owner"
CLUSTER = "io.x-k8s.kind.cluster"
"""The label of a node's container by which kind knows the cluster that it is of."""
DESKTOPS = ("/host_mnt", "/run/desktop/mnt/host")  # where Docker Desktop's engine has our files
STAGED = "/docker-desktop-bind-mounts/"  # and those of WSL, by the SHA-256 of their path


@dataclass(frozen=True)
class Kind:
    """The kind program with one engine."""

    name: ClassVar[str] = "kind"

    home: Home
    engine: Engine
    train: Train
    program: Path
    built: bool

    @property
    def owner(self) -> str:
        """The folder that marks a node as ours."""
        return str(self.home.lab / "owner")

    def kubeconfig(self, plan: ClusterPlan) -> Path:
        return self.home.lab / f"{plan.name}.kubeconfig"

    def context(self, plan: ClusterPlan) -> str:
        """The context's name, as kind writes it."""
        return f"kind-{PREFIX}{plan.name}"

    def node(self, plan: ClusterPlan) -> str:
        """The name of the node with the control plane, a container."""
        return f"{PREFIX}{plan.name}-control-plane"

    def nodes(self, plan: ClusterPlan) -> tuple[str, ...]:
        """The names of all nodes, as kind gives them."""
        workers = ("-worker", *(f"-worker{n}" for n in range(2, plan.nodes)))
        named = (f"{PREFIX}{plan.name}{end}" for end in workers[: plan.nodes - 1])
        return (self.node(plan), *named)

    def refuse_foreign(self, plan: ClusterPlan) -> None:
        """See that nothing of the cluster's name exists that we did not make.

        Raises:
            ForeignError: there is, with what it is.
        """
        for name in self.nodes(plan):
            container = self.engine.inspect("container", name)
            if container is not None and not self._is_ours(container):
                raise ForeignError(
                    f"no container named {name} that is not ours",
                    seen=f"one created {container['Created']}, without {self.owner} mounted",
                    look=f"docker inspect {name}",
                )

    def cluster(self, plan: ClusterPlan) -> Cluster:
        """How it is reached once it is there."""
        named = zip(self.nodes(plan), plan.worlds, strict=True)
        nodes = tuple(Node(name=name, world=world) for name, world in named)
        file, context = self.kubeconfig(plan), self.context(plan)
        return Cluster(name=plan.name, kubeconfig=file, context=context, nodes=nodes)

    def keeps(self, plan: ClusterPlan, image: str) -> bool:
        """Whether our nodes are there and running, no more and no less than are planned, and were
        made from what this image holds and with the plan's addresses: a document that names the
        clusters in another order gives them others."""
        wanted = bake.content_of(self.engine.inspect("image", image))
        contents = {
            bake.content_of(self.engine.inspect("container", name)) for name in self.nodes(plan)
        }
        return bool(wanted) and contents == {wanted} and self._fits(plan) and self.exists(plan)

    def exists(self, plan: ClusterPlan) -> bool:
        """Whether our nodes are there and running, no more and no less than are planned."""
        containers = [self.engine.inspect("container", name) for name in self.nodes(plan)]
        running = all(each and each["State"]["Running"] for each in containers)
        return running and set(self._of(plan)) == set(self.nodes(plan))

    def create(self, plan: ClusterPlan, image: str, deadline: float) -> None:
        """Make the cluster; half of an earlier one of ours is deleted first.

        Args:
            image: reference of the node image.
            deadline: seconds.

        Raises:
            ForeignError: the name is taken by something that is not ours.
            EngineError: it starts no such node.
            CommandError: kind failed.
        """
        self.refuse_foreign(plan)
        self.delete(plan)
        self._thrifty(plan)
        config = self._file(plan)
        files.write(config, yaml.safe_dump(self._config(plan, image), sort_keys=False))
        run(
            [
                self.program, "create", "cluster", "--name", PREFIX + plan.name,
                "--config", config, "--kubeconfig", self.kubeconfig(plan), "--retain",
            ],
            env=self.engine.env,
            timeout=deadline,
            log=self.home.logs / f"kind-{plan.name}.log",
            direct=True,  # and so the nodes get no proxy: they pull nothing
        )  # fmt: skip

    def put_images(self, cluster: Cluster, images: Iterable[str]) -> None:
        """Put images of the engine onto all its nodes, which kind does by an archive."""
        run(
            [
                self.program, "load", "docker-image", "--name", PREFIX + cluster.name,
                *images,
            ],
            env={**self.engine.env, "TMPDIR": str(files.process_folder())},
        )  # fmt: skip

    def add_addresses(self, plan: ClusterPlan) -> None:
        """Give its nodes, which are up, the addresses that no cluster is told of.

        They are lost when a node's container starts anew, so they are given at each bring-up.
        """
        for name, world in zip(self.nodes(plan), plan.worlds, strict=True):
            self.engine.docker(
                "exec", name, "ip", "address", "replace", f"{world}/32", "dev", "eth0"
            )

    def delete(self, plan: ClusterPlan) -> None:
        """Delete our cluster of that name, with its volumes; a foreign one is left alone."""
        self.refuse_foreign(plan)
        self._remove(self._of(plan))

    def delete_others(self, kept: Iterable[ClusterPlan]) -> None:
        """Delete all clusters of ours but for some."""
        names = {PREFIX + each.name for each in kept}
        self._remove([name for name, cluster in self._there().items() if cluster not in names])

    def export_logs(self, plan: ClusterPlan, target: Path) -> None:
        """Every log that kind knows how to collect, into a folder."""
        run(
            [self.program, "export", "logs", "--name", PREFIX + plan.name, target],
            env=self.engine.env,
        )

    def is_confined(self, plan: ClusterPlan) -> bool:
        """Whether the node, which is up, lacks CAP_SYS_RESOURCE."""
        status = self.engine.docker("exec", self.node(plan), "cat", "/proc/1/status")
        return engine_facts.lacks_sys_resource(status)

    def make_network(self, addresses: Range) -> None:
        """Make our own Docker network with a range's addresses; kind then uses it.

        Raises:
            ForeignError: a network of that name exists and is not ours.
        """
        network = self.engine.inspect("network", engines.NETWORK)
        if network is None:
            self.engine.docker(
                "network", "create", "--driver=bridge", f"--subnet={addresses.nodes}",
                f"--ip-range={addresses.containers}", f"--label={LABEL}={self.owner}",
                engines.NETWORK,
            )  # fmt: skip
        elif (network.get("Labels") or {}).get(LABEL) != self.owner:
            raise ForeignError(
                f"no Docker network named {engines.NETWORK} that is not ours",
                seen=json.dumps(network.get("Labels")),
                look=f"docker network inspect {engines.NETWORK}",
            )

    def delete_network(self) -> None:
        """Delete our network, if it is there and ours."""
        network = self.engine.inspect("network", engines.NETWORK)
        if network and (network.get("Labels") or {}).get(LABEL) == self.owner:
            self.engine.docker("network", "rm", engines.NETWORK)

    def _file(self, plan: ClusterPlan) -> Path:
        """What kind was given for a cluster."""
        return self.home.lab / f"{plan.name}.kind.yaml"

    def _fits(self, plan: ClusterPlan) -> bool:
        """Whether kind was given the plan's addresses, as far as what it was given is kept."""
        file = self._file(plan)
        kept = yaml.safe_load(file.read_bytes()) if file.is_file() else None
        own = kind_config.networks(plan)
        return kept is None or bool(kept["networking"].items() >= own.items())

    def _there(self) -> dict[str, str]:
        """Our nodes that are there, in whatever state, each with its cluster as kind names it."""
        form = f'{{{{.Names}}}} {{{{.Label "{CLUSTER}"}}}}'
        listed = self.engine.docker("ps", "--all", f"--filter=label={CLUSTER}", "--format", form)
        named = (line.partition(" ") for line in listed.splitlines())
        inspected = [(n, c, self.engine.inspect("container", n)) for n, _, c in named]
        return {name: cluster for name, cluster, each in inspected if each and self._is_ours(each)}

    def _of(self, plan: ClusterPlan) -> list[str]:
        return [name for name, cluster in self._there().items() if cluster == PREFIX + plan.name]

    def _remove(self, names: list[str]) -> None:
        if names:
            self.engine.remove(names)

    def _is_ours(self, container: dict[str, object]) -> bool:
        mounts = container.get("Mounts")
        return isinstance(mounts, list) and any(
            mount.get("Destination") == OWNER and self._is_owner(str(mount.get("Source")))
            for mount in mounts
        )

    def _is_owner(self, source: str) -> bool:
        """Whether a mount comes from our folder, also where Docker Desktop tells it its own way."""
        if STAGED in source:
            return source.endswith("/" + hashlib.sha256(self.owner.encode()).hexdigest())
        return source in (self.owner, *(prefix + self.owner for prefix in DESKTOPS))

    def _config(self, plan: ClusterPlan, image: str) -> dict[str, object]:
        confined = self._lacks_sys_resource(image)
        patches = kind_config.kubeadm(
            plan, self.train.versions, self.engine.facts.cgroup, built=self.built
        )
        return kind_config.cluster(plan, image, self.owner, patches, confined=confined)

    def _lacks_sys_resource(self, image: str) -> bool:
        try:
            lacks = self.engine.lacks_sys_resource(image)
        except CommandError as error:
            raise EngineError(
                "an engine that starts privileged containers, as nodes are",
                seen=error.seen,
                look=f"docker run --rm --privileged --entrypoint=cat {image} /proc/self/status",
            ) from None
        if lacks and not self.built:
            raise EngineError(
                "an engine that gives its privileged containers CAP_SYS_RESOURCE",
                seen=f"{self.engine.name} does not; a published node image cannot do without",
                look="make e2e IMAGES=forge",
            )
        return lacks

    def _thrifty(self, plan: ClusterPlan) -> None:
        """Patches of the control plane's pods, where kubeadm looks for them in the node."""
        folder = Path(self.owner) / plan.name
        for name, text in kind_config.control_plane():
            files.write(folder / name, text)
