"""Upgrading: a lab from one train to another, cluster by cluster, each vendor's documented way.

A list of steps, each done under the deadlines of the train that it leads to, and undone under
those of the train before. Whoever takes them times them and may do something in between;
nothing here measures traffic or judges. The order within a cluster is that of the vendors' own
advice: CRDs before those who read them, the CNI, then the service mesh.

Sources: Gateway API, "Upgrading"; Istio, "Canary Upgrades" and "Install with Helm"; Cilium,
"Upgrade Guide" (Helm with upgradeCompatibility, clusters of a ClusterMesh one after another).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from clusters.bringup import BringUp
from clusters.components import cilium, clustermesh, data_plane, gateway_api, istio
from clusters.errors import UpgradeError
from clusters.kube import Document, Kube
from clusters.plan import ClusterPlan
from clusters.procedure import Step
from clusters.versions import COMPONENTS, minor, order

VERSIONS = {
    "gateway-api": ("gateway_api",),
    "kubernetes-crds": (),
    "cilium": ("cilium",),
    "istio": ("istio",),
}
"""The versions of a train that each component moves."""

NEEDED = {"istio": ("kubernetes-crds",)}
"""What goes before a component that is upgraded alone: an istiod reads CRDs of its own release."""

CALLER = "plumbline/caller"
# Names of steps that others need.
CRDS, PREFLIGHT = "Istio's CRDs", "Cilium's pre-flight check"
AGENTS, SERVERS = "Cilium's agents, operator and ClusterMesh", "workloads and Gateways rolled"
CALLERS = "callers rolled"


def check(only: str) -> None:
    """Refuse a component that there is not; none is all of them.

    Raises:
        UpgradeError: there is no such component.
    """
    if only and only not in COMPONENTS:
        raise UpgradeError(
            f"ONLY to be one of {', '.join(COMPONENTS)}", seen=only, look="make help"
        )


def components_of(only: str) -> Sequence[str]:
    """The components that are upgraded, in order: one and what it needs, or all."""
    return (*NEEDED.get(only, ()), only) if only else COMPONENTS


def versions_of(only: str) -> frozenset[str]:
    """The versions that an upgrade moves, of one component or of all."""
    return frozenset(name for component in components_of(only) for name in VERSIONS[component])


@dataclass(frozen=True)
class Upgrading:
    """What an upgrade works with: a bring-up of each train, and the clusters that are up."""

    base: BringUp
    to: BringUp
    everyone: Sequence[ClusterPlan]

    def steps(self, each: ClusterPlan, kube: Kube, only: str = "") -> list[Step]:
        """The steps of one cluster, in order; of one component alone if it is named.

        Raises:
            UpgradeError: there is no such component.
        """
        check(only)
        by_component = {
            "gateway-api": self._gateway_api,
            "kubernetes-crds": self._crds,
            "cilium": self._cilium,
            "istio": self._istio,
        }
        return [step for name in components_of(only) for step in by_component[name](each, kube)]

    def _gateway_api(self, each: ClusterPlan, kube: Kube) -> Iterator[Step]:
        ahead, back = self.to.train.deadlines, self.base.train.deadlines
        yield Step(
            "Gateway API's CRDs",
            "gateway-api",
            each.name,
            partial(gateway_api.install, kube, self.to.charts.gateway_api, ahead.gateway_api),
            partial(gateway_api.install, kube, self.base.charts.gateway_api, back.gateway_api),
        )

    def _crds(self, each: ClusterPlan, kube: Kube) -> Iterator[Step]:
        """Istio's CRDs; Cilium's come with its operator, by its own way."""
        yield Step(
            CRDS,
            "kubernetes-crds",
            each.name,
            partial(
                istio.install_base,
                self.to.helm,
                kube,
                self.to.charts.istio,
                self.to.istio(each.name),
            ),
            partial(self.to.helm.rollback, kube.cluster, "istio-base", istio.NAMESPACE),
        )

    def _cilium(self, each: ClusterPlan, kube: Kube) -> Iterator[Step]:
        limits, back = self.to.train.deadlines, self.base.train.deadlines
        helm = self.to.helm
        before = minor(self.base.train.versions.cilium)
        values = self.to.cilium(each, self.everyone)
        if order(self.to.train.versions.cilium) > order(self.base.train.versions.cilium):
            values = {**values, "upgradeCompatibility": before}
        others = [other.name for other in self.everyone if other.name != each.name]

        def settle(limit: float) -> None:
            cilium.wait_ready(kube, limit)
            kube.wait_rolled_out(cilium.NAMESPACE, limit)
            cilium.announce(kube, each, limit)

        def do() -> None:
            cilium.install(helm, kube, self.to.charts.cilium, values)
            settle(limits.cilium)

        def undo() -> None:
            helm.rollback(kube.cluster, "cilium", cilium.NAMESPACE)
            settle(back.cilium)

        join = partial(clustermesh.join, kube, others, limits.clustermesh)
        node, chart = self.to.provider.node(each), self.to.charts.cilium
        check = partial(cilium.preflight, helm, kube, chart, node, limits.cilium)
        step = partial(Step, component="cilium", cluster=each.name)
        yield step(PREFLIGHT, do=check)
        yield step(AGENTS, do=do, undo=undo, needs=(PREFLIGHT,))
        yield step("ClusterMesh ready again", do=join, needs=(AGENTS,))

    def _istio(self, each: ClusterPlan, kube: Kube) -> Iterator[Step]:
        limits = self.to.train.deadlines
        helm, charts = self.to.helm, self.to.charts.istio
        revision = istio.revision_of(self.to.train.versions.istio)
        values, name = self.to.istio(each.name, revision), istio.istiod(revision)
        (former,) = istio.istiods(kube)
        owned = data_plane.namespaces(kube)
        step = partial(Step, component="istio", cluster=each.name)

        def install_beside() -> None:
            istio.install_istiod(helm, kube, charts, values)
            istio.wait_ready(kube, limits.istio)

        def roll(onto: str, limit: float, which: Callable[[Document], bool]) -> None:
            data_plane.label(kube, owned, onto)
            data_plane.roll(kube, onto, which, limit, together=which is _calls)

        ahead = partial(roll, revision, limits.workload)
        back = partial(roll, "", self.base.train.deadlines.workload)

        # Webhooks of a revision inject where it is named; whoever names none is the tag's.
        def make_default(default: str, tags: Sequence[str]) -> None:
            istio.install_base(helm, kube, charts, values, default)
            istio.install_istiod(helm, kube, charts, {**values, "revisionTags": list(tags)})

        away = partial(helm.uninstall, kube.cluster, name, istio.NAMESPACE)
        new, second = f"{name} beside {former}", f"{name} the default one"
        yield step(new, do=install_beside, undo=away, needs=(CRDS,))
        yield step(SERVERS, do=partial(ahead, _serves), undo=partial(back, _serves), needs=(new,))
        yield step(
            CALLERS,
            do=partial(ahead, _calls),
            undo=partial(back, _calls),
            needs=(new,),
            replaces_callers=True,
        )
        yield step(
            second,
            do=partial(make_default, revision, (istio.DEFAULT,)),
            undo=partial(make_default, istio.DEFAULT, ()),
            needs=(SERVERS, CALLERS),
        )
        yield step(
            f"{former} removed",
            do=partial(helm.uninstall, kube.cluster, former, istio.NAMESPACE),
            undo=partial(
                istio.install_istiod,
                helm,
                kube,
                self.base.charts.istio,
                self.base.istio(each.name),
            ),
            needs=(second,),
        )


def _calls(pod: Document) -> bool:
    return CALLER in pod["metadata"].get("labels", {})


def _serves(pod: Document) -> bool:
    return not _calls(pod)
