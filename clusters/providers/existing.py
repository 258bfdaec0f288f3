"""Existing clusters: those that a site has, named in a file of its own, and what they offer.

Reads the file and the clusters, and writes to none: neither does it make, change or delete one.
What may be made in them stands in the consent that a person put there; clusters.confinement holds
whoever writes to it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml
from kubernetes.utils.quantity import parse_quantity
from pydantic import Field, ValidationError

from clusters import capabilities
from clusters.components import cilium, gateway_api, istio
from clusters.confinement import CONSENT
from clusters.errors import AccessError, ConsentError, SiteError
from clusters.files import why
from clusters.kube import Kube
from clusters.models import Frozen, Machine
from clusters.topology import Cluster, Consent

NAME = "existing"
RIGHTS = Path(__file__).parent / "existing-rights.yaml"
SHARED = "default"
"""The namespace of the reference's principal."""
DEPLOYMENT, DAEMON_SET = ("apps/v1", "Deployment"), ("apps/v1", "DaemonSet")
CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
SETTINGS = "mesh"
"""Key of istiod's ConfigMap: what holds for all of its workloads."""
BUNDLE = "gateway.networking.k8s.io/bundle-version"
"""Annotation of Gateway API's CRDs: the release that they are of."""
AGENT = "k8s-app=cilium"
CILIUM_CONFIG, BANDWIDTH_MANAGER = "cilium-config", "enable-bandwidth-manager"
"""Cilium's ConfigMap, and its key for what pods' annotations say of their bandwidth."""
INSTANCE = "node.kubernetes.io/instance-type"


class SiteCluster(Frozen):
    """One cluster of a site: how it is reached, and which of the reference's it stands for."""

    role: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    kubeconfig: Path
    context: str
    gateways: dict[str, str] = Field(
        default={"networking.istio.io/service-type": "ClusterIP"},
        description="annotations of each Gateway: without any a cloud gives it a public address",
    )

    @property
    def cluster(self) -> Cluster:
        """As a topology has it, before it is asked anything."""
        return Cluster(
            name=self.role,
            kubeconfig=self.kubeconfig.expanduser().absolute(),
            context=self.context,
            gateways=self.gateways,
        )


class Site(Frozen):
    """A site's file."""

    clusters: tuple[SiteCluster, ...] = Field(min_length=1)
    images: dict[str, str] = Field(
        default_factory=dict, description="references of echo and locust, where not as published"
    )

    FILE: ClassVar[str] = """\
[[clusters]]
role = "aws-cluster"        # the cluster of the reference that it stands for
kubeconfig = "~/.kube/config"
context = "staging-eu"

[[clusters]]
role = "azure-cluster"
kubeconfig = "~/.kube/config"
context = "staging-us"
"""


def read(path: Path) -> Site:
    """Read a site's file.

    Raises:
        SiteError: it cannot be read, or is not one.
    """
    look = f"$EDITOR {path}"
    try:
        site = Site.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SiteError(f"a file like this at {path}\n{Site.FILE}", seen=why(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SiteError(f"{path} to be TOML", seen=str(error), look=look) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SiteError(
            f"{path}: {place}: {first['msg']}", seen=repr(first["input"])[:200], look=look
        ) from None
    roles = [each.role for each in site.clusters]
    if len(set(roles)) < len(roles):
        raise SiteError(f"{path} to give each role once", seen=", ".join(roles), look=look)
    return site


@dataclass(frozen=True)
class Survey:
    """What was read of one cluster.

    Attributes:
        versions: of its components, by their names in a train's file, without a leading v.
        features: what it offers.
        not_offered: what it does not, and why.
    """

    versions: Mapping[str, str]
    features: frozenset[str]
    not_offered: Mapping[str, str]
    machine: Machine


def consent_document(harness: str) -> str:
    """What a person applies who agrees, to be edited before."""
    namespace, name = CONSENT
    return f"""\
apiVersion: v1
kind: Namespace
metadata:
  name: {namespace}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: {namespace}
data:
  harness: "{harness}"  # whose runs this agrees to
  # Namespaces beside its own in which it may make what the reference needs there, such as
  # "default": the accounts frontend, stranger and frontend-x, and clients with them.
  write: ""
"""


def rights() -> str:
    """What an administrator applies, for a run that has no more rights than it needs."""
    return RIGHTS.read_text(encoding="utf-8")


def consent(kube: Kube, harness: str) -> Consent:
    """What a person agreed to in a cluster.

    Raises:
        ConsentError: nothing, or something for another harness.
    """
    namespace, name = CONSENT
    stored = kube.get("v1", "ConfigMap", name, namespace)
    data = (stored or {}).get("data") or {}
    if data.get("harness") != harness:
        instead = f"it names {data.get('harness')!r}" if stored else "there is none"
        raise ConsentError(
            f"the consent {namespace}/{name} of {kube.cluster.name} to name the harness {harness}",
            seen=instead,
            look=f"python -m clusters adopt --consent | {kube.kubectl('apply -f -')}",
        )
    return Consent(harness=harness, write=frozenset(re.findall(r"[^\s,]+", data.get("write", ""))))


def survey(kube: Kube, agreed: Consent) -> Survey:
    """What a cluster runs and offers, as far as it was agreed to.

    Raises:
        UnreachableError: it does not answer.
        AccessError: its user may not read what this reads.
    """
    versions: dict[str, str] = {"kubernetes": kube.version()}
    lacking: dict[str, str] = dict(capabilities.LEFT_ALONE)
    for feature, look in LOOKS.items():
        version, obstacle = look(kube)
        if version:
            versions[VERSIONS[feature]] = version
        if obstacle:
            lacking[feature] = obstacle
    if SHARED not in agreed.write:
        lacking["default-namespace"] = (
            f"the consent does not name {SHARED}, where the reference's principal lives"
        )
    del lacking[capabilities.BANDWIDTH]
    if obstacle := _bandwidth_manager(kube):
        lacking[capabilities.BANDWIDTH] = obstacle
    features = frozenset((capabilities.FEATURES | {capabilities.BANDWIDTH}) - lacking.keys())
    return Survey(versions, features, lacking, _machine(kube.list("v1", "Node")))


def _istio(kube: Kube) -> tuple[str, str]:
    """Istio's version, and why nothing is asked of it."""
    deployments = kube.list(*DEPLOYMENT, istio.NAMESPACE, istio.ISTIOD_LABEL)
    if not deployments:
        return "", f"there is no istiod in {istio.NAMESPACE}"
    revisions = {_revision(each) for each in deployments}
    version = _tag(deployments[0])
    if istio.DEFAULT not in revisions:
        return (
            version,
            f"istiod's revisions are {', '.join(sorted(revisions))}, not {istio.DEFAULT}",
        )
    trusted = _trust_domain(kube)
    if trusted != istio.TRUST_DOMAIN:
        return (
            version,
            f"its trust domain is {trusted}, and the reference names {istio.TRUST_DOMAIN}",
        )
    return version, ""


def _trust_domain(kube: Kube) -> str:
    settings = kube.get("v1", "ConfigMap", "istio", istio.NAMESPACE) or {}
    config = yaml.safe_load((settings.get("data") or {}).get(SETTINGS, "")) or {}
    return str(config.get("trustDomain") or istio.TRUST_DOMAIN)


def _gateway_api(kube: Kube) -> tuple[str, str]:
    """The release of Gateway API's CRDs, and why nothing is asked of them."""
    crd = kube.get(*CRD, gateway_api.CRD) or {}
    version = (crd.get("metadata", {}).get("annotations") or {}).get(BUNDLE, "").lstrip("v")
    if not version:
        return "", "Gateway API's CRDs are not there"
    if not gateway_api.is_accepted(kube):
        return version, f"its GatewayClass {gateway_api.CLASS} is not accepted"
    return version, ""


def _cilium(kube: Kube) -> tuple[str, str]:
    """Cilium's version; what it did is read in its agents, which are none of ours."""
    agents = kube.list(*DAEMON_SET, cilium.NAMESPACE, AGENT)
    if not agents:
        return "", f"there is no Cilium agent in {cilium.NAMESPACE}"
    return _tag(agents[0]), "no program is run in an adopted cluster's Cilium agents"


def _bandwidth_manager(kube: Kube) -> str:
    """Why pods' bandwidth is not asked for; empty if Cilium sees to it and there are two nodes, as
    what a pod sends is held where it leaves its own."""
    try:
        config = kube.get("v1", "ConfigMap", CILIUM_CONFIG, cilium.NAMESPACE) or {}
    except AccessError:
        return f"its user may not read {cilium.NAMESPACE}/{CILIUM_CONFIG}"
    if (config.get("data") or {}).get(BANDWIDTH_MANAGER) != "true":
        return f"{cilium.NAMESPACE}/{CILIUM_CONFIG} does not switch Cilium's bandwidth manager on"
    several = len(kube.list("v1", "Node")) > 1
    return "" if several else "it has one node, and what is sent is held where it leaves one"


Look = Callable[[Kube], tuple[str, str]]
LOOKS: Mapping[str, Look] = {"istio": _istio, "gateway-api": _gateway_api, "cilium": _cilium}
VERSIONS = {"istio": "istio", "gateway-api": "gateway_api", "cilium": "cilium"}
"""What a train's file calls the version of a feature's component."""


def _tag(workload: Mapping[str, Any]) -> str:
    """The version of a workload's first image, without a leading v, variant and digest."""
    reference = str(workload["spec"]["template"]["spec"]["containers"][0]["image"])
    _, _, tag = reference.partition("@")[0].rpartition(":")
    return tag.lstrip("v").removesuffix("-distroless")


def _revision(istiod: Mapping[str, Any]) -> str:
    """The revision of an istiod's Deployment."""
    return str((istiod["metadata"].get("labels") or {}).get(istio.REVISION, istio.DEFAULT))


def _machine(nodes: Sequence[Mapping[str, Any]]) -> Machine:
    """All nodes as one machine; named after the first."""
    first = nodes[0]
    info, labels = first["status"]["nodeInfo"], first["metadata"].get("labels") or {}
    kind = labels.get(INSTANCE, info["architecture"])
    return Machine(
        cpu=f"nodes: {len(nodes)}, the first {kind}",
        cores=int(sum(_amount(node, "cpu") for node in nodes)),
        memory_bytes=int(sum(_amount(node, "memory") for node in nodes)),
        kernel=info["kernelVersion"],
        system=info["osImage"],
    )


def _amount(node: Mapping[str, Any], resource: str) -> float:
    amount: float = parse_quantity(node["status"]["capacity"][resource])  # type: ignore[no-untyped-call]
    return amount
