"""up: from nothing to topology.json.

The order of things, and no more: every step's own knowledge stands in its module. What all
clusters share is made first; then each cluster takes its own steps, side by side with the
others; what joins them waits for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from clusters import address_range, capabilities, doctor, engine, providers, tools
from clusters.api_server import has_kubeconfig
from clusters.components import (
    authority,
    cilium,
    clustermesh,
    coredns,
    gateway_api,
    istio,
    multicluster,
)
from clusters.components.authority import Authority
from clusters.components.charts import Charts
from clusters.components.helm import Helm, merge_values
from clusters.engine import Engine
from clusters.errors import PlanError
from clusters.home import Home
from clusters.images import source
from clusters.images.source import Supply
from clusters.kube import Kube
from clusters.plan import DEFAULT, ONE_NODE, ClusterPlan, Range, read_plan, size
from clusters.procedure import Step, complete
from clusters.progress import Progress
from clusters.providers import Provider
from clusters.settings import CLUSTERMESH, Settings
from clusters.topology import Cluster, ClusterMeshMember, Topology
from clusters.versions import Train

TRANSLATED = (
    "No release of Cilium serves CiliumClustermeshConfig: the names, addresses and port of "
    "{name} were translated into the values of Cilium's chart, and XP9 checks the ClusterMesh "
    "that runs against the document."
)


@dataclass(frozen=True)
class Wanted:
    """Which clusters are to be there: the CiliumClustermeshConfig that names them, and how many
    nodes they have, as `plan.node_counts` reads it."""

    config: Path
    nodes: str = ONE_NODE

    def plan(self, addresses: Range = DEFAULT) -> tuple[ClusterPlan, ...]:
        """The clusters, with addresses of a range.

        Raises:
            PlanError: they cannot be planned, or the reference's own are not among them.
        """
        everyone = read_plan(self.config, addresses, self.nodes)
        names = [each.name for each in everyone]
        roles = [each.name for each in read_plan(CLUSTERMESH)]
        if not set(roles) <= set(names):
            raise PlanError(
                f"{' and '.join(roles)}, whom the reference's policies name, among the clusters",
                seen=", ".join(names),
                look=f"$EDITOR {self.config}",
            )
        return everyone


def up(  # noqa: PLR0913 (where, what, for which run)
    home: Home,
    train: Train,
    run_id: str,
    progress: Progress,
    wanted: Wanted,
    *,
    also: Train | None = None,
) -> Topology:
    """Bring the lab up, or to this train if it is up already, and write topology.json.

    Args:
        also: a train that the lab will be upgraded to: its images are put on the nodes too.

    Raises:
        PlumblineError: one of its branches, by what went wrong.
    """
    providers.see_none_adopted(home)
    lab = wanted.plan()  # a wrong document is told before anything else is done
    doctor.require(doctor.examine(home, progress.say, size=size(lab)))
    home.topology.unlink(missing_ok=True)
    with progress.step("engine"):
        running = engine.ensure(home)
        progress.say(f"engine: {running.name}")
    addresses = address_range.choice_for(running).range
    everyone = wanted.plan(addresses)
    bringing = prepare(home, train, running, progress, also=also)
    authority.of_lab(home.lab)  # before any cluster is kept: a new one asks for new clusters
    running.enter()  # from here on the clusters can be reached, and nothing outside
    bringing.provider.make_network(addresses)
    bringing.provider.delete_others(everyone)  # an earlier document's, which would still be joined
    each_own = [BringUpOfOne(bringing, each, everyone) for each in everyone]
    own, joint = [each.steps() for each in each_own], [each.joint_steps() for each in each_own]
    progress.expect_steps(step for each in (*own, *joint) for step in each)
    complete(own, progress.time_step)
    complete(joint, progress.time_step)
    topology = Topology(
        run=run_id,
        provider=bringing.provider.name,
        train=train.name,
        versions=train.versions.model_dump(),
        deadlines=train.deadlines,
        deviations=train.deviations,
        clusters=tuple(each.cluster for each in each_own),
        images=bringing.supply.images,
        machine=doctor.machine(),
        stages=progress.stages,
        notes=_notes(bringing.supply, train),
    )
    topology.save(home.topology)
    home.upgraded.unlink(missing_ok=True)
    return topology


def prepare(  # noqa: PLR0913 (where, what, and how much of it)
    home: Home,
    train: Train,
    running: Engine,
    progress: Progress,
    *,
    also: Train | None = None,
    node: bool = True,
) -> BringUp:
    """All that a bring-up works with: programs, images and charts; made if need be.

    Args:
        also: as for `up`.
        node: whether a node image is wanted too; not for a train that clusters are upgraded to.

    Raises:
        DoctorError, CommandError, DownloadError: as `source.ensure`, `tools.ensure` and
            `Charts.of` do.
    """
    helm = Helm(tools.ensure("helm", home, train, progress), home.lab, home.logs)
    program = tools.ensure(providers.PROGRAM, home, train, progress)
    if node:
        supply = source.ensure(home, running, train, progress, also=also)
    else:
        supply = source.present(running, train)
    charts = Charts.of(train, home, progress)
    provider = providers.of(home, running, train, program, built=supply.built_node)
    return BringUp(home, train, provider, helm, charts, supply)


@dataclass(frozen=True)
class BringUp:
    """What a bring-up of a train works with, and the values that its charts are given."""

    home: Home
    train: Train
    provider: Provider
    helm: Helm
    charts: Charts
    supply: Supply

    def cilium(self, each: ClusterPlan, everyone: Sequence[ClusterPlan]) -> dict[str, object]:
        """What Cilium's chart is given for one cluster, ClusterMesh included."""
        node, confined = self.provider.node(each), self.provider.is_confined(each)
        own = cilium.values(each, node, confined=confined)
        return merge_values(own, clustermesh.values(each, everyone, self.root))

    @property
    def root(self) -> Authority:
        """What all clusters trust."""
        return authority.of_lab(self.home.lab)

    def istio(self, cluster: str, revision: str = "") -> dict[str, object]:
        """What istiod's chart is given in a cluster."""
        pilot = self.train.reference("istio-pilot")
        hub, _, tag = pilot.rpartition(":")
        hub = hub.rpartition("/")[0]
        own = istio.values(hub, tag, revision, plain_envoy=self.supply.plain_envoy)
        return merge_values(own, multicluster.values(cluster, self.root))


@dataclass(frozen=True)
class BringUpOfOne:
    """The bring-up of one cluster: its steps, in order."""

    shared: BringUp
    plan: ClusterPlan
    everyone: Sequence[ClusterPlan]

    def steps(self) -> list[Step]:
        """From no node to all that runs in the cluster ready.

        The estimates are those of two cores, which all nodes share (docs/performance.md).
        """
        times = size(self.everyone)
        own = (
            ("node", "node", self._nodes, (), 14),
            ("charts", "charts", self._charts, ("node",), 9),
            ("cilium ready", "cilium", self._cilium, ("charts",), 14),
            ("istio ready", "istio", self._istio, ("cilium ready",), 12),
            ("ClusterMesh ready", "cilium", self._join, ("cilium ready",), 20),
        )
        return [
            Step(name, component, self.plan.name, do, needs=needs, estimate=seconds * times)
            for name, component, do, needs, seconds in own
        ]

    def joint_steps(self) -> list[Step]:
        """What asks all clusters to be ready: the service mesh over all."""
        do, name = self._join_service_mesh, self.plan.name
        return [Step("service mesh joined", "istio", name, do=do, estimate=1)]

    @property
    def cluster(self) -> Cluster:
        """The cluster as the topology has it."""
        one = self.plan
        member = ClusterMeshMember(hostname=one.hostname, address=one.first, port=one.port)
        reached = self.shared.provider.cluster(one)
        plain, version = self.shared.supply.plain_envoy, self.shared.train.versions.istio
        known = {
            "mesh": member,
            "features": capabilities.features(one.nodes, plain_envoy=plain, istio_version=version),
            "not_offered": capabilities.not_offered(
                one.nodes, plain_envoy=plain, istio_version=version
            ),
        }
        return reached.model_copy(update=known)

    @cached_property
    def _kube(self) -> Kube:
        """Its API server; there is none before its node is up."""
        return Kube(self.cluster)

    def _nodes(self) -> None:
        """Nodes of today's image: those that are there, if they are as planned and nothing but a
        bring-up was at work in them, or new ones."""
        provider, image = self.shared.provider, self.shared.supply.node
        kept = provider.keeps(self.plan, image) and has_kubeconfig(self.cluster)
        if self.shared.home.upgraded.exists() or not kept:
            provider.create(self.plan, image, self.shared.train.deadlines.node)
        provider.add_addresses(self.plan)

    def _charts(self) -> None:
        """All that is to run in it, applied; nothing is waited for."""
        shared, kube = self.shared, self._kube
        kube.apply(_marker(shared.provider.owner))
        coredns.prepare(kube)
        crds, limit = shared.charts.gateway_api, shared.train.deadlines.gateway_api
        gateway_api.install(kube, crds, limit)
        values = shared.cilium(self.plan, self.everyone)
        cilium.install(shared.helm, kube, shared.charts.cilium, values)
        self._istio_charts()

    def _istio_charts(self) -> None:
        shared, kube = self.shared, self._kube
        charts, values = shared.charts.istio, shared.istio(self.plan.name)
        istio.install_base(shared.helm, kube, charts, values)
        multicluster.plug(kube, shared.root)  # istiod would make a root of its own
        multicluster.offer(kube)
        istio.install_istiod(shared.helm, kube, charts, values)

    def _cilium(self) -> None:
        limit = self.shared.train.deadlines.cilium
        cilium.announce(self._kube, self.plan, limit)
        cilium.wait_ready(self._kube, limit)

    def _istio(self) -> None:
        limits = self.shared.train.deadlines
        istio.wait_ready(self._kube, limits.istio)
        gateway_api.wait_accepted(self._kube, limits.gateway_api)

    def _join(self) -> None:
        others = [each.name for each in self.everyone if each.name != self.plan.name]
        clustermesh.join(self._kube, others, self.shared.train.deadlines.clustermesh)

    def _join_service_mesh(self) -> None:
        reach = self.shared.provider.cluster
        others = [Kube(reach(each)) for each in self.everyone if each.name != self.plan.name]
        multicluster.join(self._kube, others, self.shared.train.deadlines.istio)


def new_run() -> str:
    """$PLUMBLINE_RUN, or a name for this run that sorts by time."""
    return Settings.of_user().run or datetime.now(UTC).strftime("%Y%m%d-%H%M%S")


def _marker(owner: str) -> dict[str, object]:
    """Says in the cluster itself whose it is."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "plumbline-owner", "namespace": "kube-system"},
        "data": {"owner": owner},
    }


def _notes(supply: Supply, train: Train) -> tuple[str, ...]:
    notes = [TRANSLATED.format(name="multi-cloud-mesh"), f"Images: {supply.why}."]
    if supply.plain_envoy:
        notes.append(
            "The proxy is an upstream Envoy without Istio's own filters: metadata exchange, "
            "ALPN filter and telemetry are switched off; no reference manifest needs them."
        )
    if supply.copied:
        notes.append(
            f"The mirror's {', '.join(supply.copied)} were built and are not the published "
            "images that the train pins: recorded as found."
        )
    unpinned = [name for name, image in train.images.items() if not image.digest]
    if unpinned and any(image.source == "pull" for image in supply.images):
        notes.append(f"No digest is pinned for {', '.join(unpinned)}: recorded as found.")
    return tuple(notes)
