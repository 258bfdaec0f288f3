"""up: from nothing to topology.json. down: back to nothing.

The order of things, and no more: every step's own knowledge stands in its module. The
clusters' steps run side by side; what joins them waits for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import yaml

from clusters import address_range, doctor, engine, private_engine, tools
from clusters.engine import Engine
from clusters.errors import PlanError
from clusters.home import Home
from clusters.images import bake, ours, source
from clusters.images.source import Supply
from clusters.kube import Kube, readable
from clusters.plan import DEFAULT, ClusterPlan, Range, plan
from clusters.progress import Progress
from clusters.providers.kind import Kind
from clusters.settings import Settings
from clusters.steps import cilium, clustermesh, gateway_api, istio
from clusters.steps.charts import Charts
from clusters.steps.helm import Helm
from clusters.topology import Cluster, MeshMember, Topology
from clusters.versions import Train

Result = TypeVar("Result")

FEATURES = frozenset({"cilium", "clustermesh", "gateway-api", "istio"})
# kubeadm's two ask for a tenth of a core each, and both are on the one node: when workloads are
# rolled, their successors want that room.
ONE_RESOLVER = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "coredns"},
    "spec": {"replicas": 1},
}
TRANSLATED = (
    "No release of Cilium serves CiliumClustermeshConfig: the names, addresses and port of "
    "{name} were translated into the values of Cilium's chart, and XP9 checks the mesh that "
    "runs against the document."
)


@dataclass(frozen=True)
class BringUp:
    """One bring-up: what it works with. `up` is the only entrance."""

    home: Home
    train: Train
    engine: Engine
    kind: Kind
    helm: Helm
    charts: Charts
    supply: Supply
    progress: Progress

    def cluster(self, each: ClusterPlan, everyone: Sequence[ClusterPlan]) -> Cluster:
        """Bring one cluster up; returns when all that runs in it is ready."""
        limits = self.train.deadlines
        step = self.progress.step
        with step("node", each.name):
            if not self._keeps(each):
                self.kind.create(each, self.supply.node, limits.node)
        kube = Kube(self._described(each))
        with step("charts", each.name):
            kube.apply(self._marker())
            kube.patch(ONE_RESOLVER, "kube-system")
            gateway_api.install(kube, self.charts.gateway_api, limits.gateway_api)
            cilium.install(self.helm, kube, self.charts.cilium, self.cilium(each, everyone))
            istio.install(self.helm, kube, self.charts.istio, self.istio())
        with step("cilium ready", each.name):
            cilium.announce(kube, each, limits.cilium)
            cilium.wait_ready(kube, limits.cilium)
        with step("istio ready", each.name):
            istio.wait_ready(kube, limits.istio)
            gateway_api.wait_accepted(kube, limits.gateway_api)
        others = [other.name for other in everyone if other.name != each.name]
        with step("mesh ready", each.name):
            if not clustermesh.connected(kube, others):
                clustermesh.connect(kube, others, limits.clustermesh)
            clustermesh.wait_ready(kube, others, limits.clustermesh)
        return kube.cluster

    def _keeps(self, each: ClusterPlan) -> bool:
        """Whether the node that is there was made from today's image, and can be reached."""
        found = self.engine.inspect("container", self.kind.node(each))
        image = self.engine.inspect("image", self.supply.node)
        same = bool(bake.content_of(image)) and bake.content_of(found) == bake.content_of(image)
        return same and self.kind.exists(each) and readable(self._described(each))

    def _described(self, each: ClusterPlan) -> Cluster:
        return Cluster(
            name=each.name,
            kubeconfig=self.kind.kubeconfig(each),
            context=self.kind.context(each),
            mesh=MeshMember(hostname=each.hostname, address=each.first, port=each.port),
            features=FEATURES,
        )

    def cilium(self, each: ClusterPlan, everyone: Sequence[ClusterPlan]) -> dict[str, object]:
        """What Cilium's chart is given for one cluster, the mesh included."""
        given = cilium.values(each, self.kind.node(each), confined=self.kind.confined(each))
        ca = clustermesh.authority(self.home.lab)
        return _merged(given, clustermesh.values(each, everyone, ca))

    def istio(self, revision: str = "") -> dict[str, object]:
        """What istiod's chart is given."""
        pilot = self.train.reference("istio-pilot")
        hub, _, tag = pilot.rpartition(":")
        hub = hub.rpartition("/")[0]
        return istio.values(hub, tag, revision, plain_envoy=self.supply.plain_envoy)

    def _marker(self) -> dict[str, object]:
        """Says in the cluster itself whose it is."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "plumbline-owner", "namespace": "kube-system"},
            "data": {"owner": self.kind.owner},
        }


def up(  # noqa: PLR0913 (where, what, for which run)
    home: Home,
    train: Train,
    run_id: str,
    progress: Progress,
    mesh: Path,
    *,
    also: Train | None = None,
) -> Topology:
    """Bring the lab up, or to this train if it is up already, and write topology.json.

    Args:
        mesh: the CiliumClustermeshConfig that names the clusters.
        also: a train that the lab will be upgraded to: its images are put on the nodes too.

    Raises:
        PlumblineError: one of its branches, by what went wrong.
    """
    planned(mesh)  # a wrong document is told before anything else is done
    doctor.require(doctor.examine(home, progress.say))
    home.topology.unlink(missing_ok=True)
    with progress.step("engine"):
        running = engine.ensure(home)
        progress.say(f"engine: {running.name}")
    addresses = address_range.chosen(running).range
    everyone = planned(mesh, addresses)
    bringing = prepared(home, train, running, progress, also=also)
    supply = bringing.supply
    clustermesh.authority(home.lab)  # before any cluster is kept: a new one asks for new clusters
    running.enter()  # from here on the clusters can be reached, and nothing outside
    bringing.kind.make_network(addresses)
    clusters = side_by_side(
        [lambda each=each: bringing.cluster(each, everyone) for each in everyone]  # type: ignore[misc]
    )
    topology = Topology(
        run=run_id,
        provider="kind",
        train=train.name,
        versions=train.versions.model_dump(),
        deadlines=train.deadlines,
        clusters=tuple(clusters),
        images=supply.images,
        machine=doctor.machine(),
        stages=progress.stages,
        notes=_notes(supply, train),
    )
    topology.save(home.topology)
    return topology


def prepared(  # noqa: PLR0913 (where, what, and how much of it)
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
    program = tools.ensure("kind", home, train, progress)
    if node:
        supply = source.ensure(home, running, train, progress, also=also)
    else:
        supply = source.present(running, train)
    charts = Charts.of(train, home, progress)
    kind = Kind(home, running, train, program, supply.forged_node)
    return BringUp(home, train, running, kind, helm, charts, supply, progress)


def down(  # noqa: PLR0913 (where, what, and how much of it)
    home: Home,
    train: Train,
    progress: Progress,
    mesh: Path,
    *,
    with_engine: bool,
    with_images: bool,
) -> None:
    """Take away the clusters and their network.

    If asked, also our images in the engine, or the private engine with all of its data.

    Safe at any time, also when a bring-up was killed half-way; never touches what is not ours.
    """
    everyone = planned(mesh)
    running = engine.find(home)
    if running is not None:
        kind = Kind(home, running, train, Path("kind"), forged=False)
        with progress.step("clusters away"):
            side_by_side([lambda each=each: kind.delete(each) for each in everyone])  # type: ignore[misc]
            kind.delete_network()
            _sweep(running)
        if with_images:
            with progress.step("images away"):
                ours.remove(home, running)
        if kept := "" if with_engine else ours.kept(home, running):
            progress.say(kept)
    home.topology.unlink(missing_ok=True)
    for file in home.lab.glob("*.kubeconfig*"):
        file.unlink()
    for file in home.lab.glob("*.values.yaml"):
        file.unlink()
    if running is None or running.namespace is not None:
        with progress.step("engine away"):
            (private_engine.remove if with_engine else private_engine.stop)(home)


def planned(mesh: Path, addresses: Range = DEFAULT) -> tuple[ClusterPlan, ...]:
    """The clusters that a CiliumClustermeshConfig in a file names, with addresses of a range.

    Raises:
        PlanError: it cannot be read, or names none that can be planned.
    """
    try:
        document = yaml.safe_load(mesh.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PlanError(f"a CiliumClustermeshConfig in {mesh}", seen=str(error)) from None
    return plan(document, addresses)


def side_by_side(jobs: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run jobs at once; the first error is raised when all have ended."""
    with ThreadPoolExecutor(max(1, len(jobs))) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def _sweep(running: Engine) -> None:
    """Containers of ours that a killed bring-up left: known by their label."""
    left = running.docker("ps", "--all", "--quiet", "--filter", f"label={bake.LABEL}").split()
    if left:
        running.docker("rm", "--force", "--volumes", *left)


def _merged(one: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    """Two values files as helm merges them: tables deeply, the second wins."""
    merged = dict(one)
    for key, value in other.items():
        before = merged.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return merged


def _notes(supply: Supply, train: Train) -> tuple[str, ...]:
    notes = [TRANSLATED.format(name="multi-cloud-mesh"), f"Images: {supply.why}."]
    if supply.plain_envoy:
        notes.append(
            "The proxy is an upstream Envoy without Istio's own filters: metadata exchange, "
            "ALPN filter and telemetry are switched off; no reference manifest needs them."
        )
    if supply.copied:
        notes.append(
            f"The mirror's {', '.join(supply.copied)} were forged and are not the published "
            "images that the train pins: recorded as found."
        )
    unpinned = [name for name, image in train.images.items() if not image.digest]
    if unpinned and any(image.source == "pull" for image in supply.images):
        notes.append(f"No digest is pinned for {', '.join(unpinned)}: recorded as found.")
    return tuple(notes)


def new_run() -> str:
    """$PLUMBLINE_RUN, or a name for this run that sorts by time."""
    return Settings.of_user().run or datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
