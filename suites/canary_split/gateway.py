"""A Gateway, read: which of its listeners a request comes to, and whose routes attach to it.

Source: gateway-api.sigs.k8s.io/reference/spec, Gateway, Listener and AllowedRoutes. The name of a
listener is inert, as neither the reference's route nor that of CS5 names a section, and so is whose
ListenerSets may attach, as nobody makes one. Istio hands labels and annotations on to the pods that
it starts: of `infrastructure` those are read that no vendor could know, as their keys are of no
domain. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fixtures.lab.convergence.gateway_api import CLASS
from fixtures.manifests.reading import Node, root_of
from fixtures.manifests.selectors import requirements
from suites.canary_split.hosts import covers, precedence, read_host
from suites.canary_split.route import GATEWAY, GROUP, NO_BACKEND, PORT, VERSIONS

NO_ANSWER = "no answer"
NAMESPACE_LABEL, MANAGER_LABEL = "kubernetes.io/metadata.name", "app.kubernetes.io/managed-by"
OTHERS_LABELS = ("istio", "kubernetes.io", "k8s.io")
"""In keys of labels that Kubernetes, or who installs something, may set on any namespace."""


@dataclass(frozen=True)
class Listener:
    """A listener: its port and hostname, and from which of the two namespaces routes attach."""

    port: int
    host: str
    own: bool
    foreign: bool


@dataclass(frozen=True)
class Gateway:
    """A Gateway: its listeners, none of them if nobody serves it."""

    is_named: bool
    listeners: tuple[Listener, ...]

    @property
    def attaches_own(self) -> bool:
        """Whether the reference's route attaches: it names the Gateway."""
        return self.is_named and any(listener.own for listener in self.listeners)

    @property
    def attaches_foreign(self) -> bool:
        """Whether a route of another namespace attaches: that of CS5 names what there is."""
        return any(listener.foreign for listener in self.listeners)

    def refusal(self, host: str) -> str:
        """Why a request to a host does not come to the reference's route; empty if it does."""
        if not any(listener.port == PORT for listener in self.listeners):
            return NO_ANSWER
        covering = [each for each in self.listeners if covers(each.host, host)]
        best = max(covering, key=lambda each: precedence(each.host), default=None)
        return "" if best and best.own and self.is_named else NO_BACKEND


def read_gateway(document: Mapping[str, Any], own: str, foreign: str) -> Gateway:
    """A Gateway of the behaviour's own namespace.

    Raises:
        UnreadError: there is something in it whose meaning is not known here.
    """
    root = root_of(document, "Gateway", GROUP, VERSIONS)
    metadata, spec = root.at("metadata"), root.at("spec")
    if metadata.at("labels").entries() or metadata.at("annotations").entries():
        metadata.unread("no label or annotation")
    read = ("gatewayClassName", "listeners", "addresses", "infrastructure")
    spec.check(read, inert=("allowedListeners",))
    _see_nobodys(spec.at("infrastructure"))
    if spec.at("addresses").items():
        spec.at("addresses").unread("no address")
    listeners = tuple(_listener(node, own, foreign) for node in spec.at("listeners").items())
    _see_clear(spec.at("listeners"), listeners)
    served = _is_served(spec.at("gatewayClassName"))
    return Gateway(metadata.at("name").text() == GATEWAY, listeners if served else ())


def _see_nobodys(infrastructure: Node) -> None:
    infrastructure.check(("labels", "annotations"))
    for name in ("labels", "annotations"):
        for noted in infrastructure.at(name).entries().values():
            if "." in noted.path:
                noted.unread("a key of no domain")


def _is_served(node: Node) -> bool:
    """Whether the class is the one that is served here; Istio has others, of other purposes."""
    name = node.text()
    if name != CLASS and name.startswith(CLASS):
        node.unread("a class of nobody, or the one that is served")
    return name == CLASS


def _see_clear(node: Node, listeners: tuple[Listener, ...]) -> None:
    """See that of several listeners all are at the one port, each of another host, and alike.

    Whether the routes of one are served at another too, where both are of a host, is an extended
    feature, and what another port changes at the proxy's pod is not known.
    """
    names = [item.at("name").said() for item in node.items()]
    hosts = {listener.host for listener in listeners}
    alike = {(listener.port, listener.own) for listener in listeners}
    if len(set(names)) < len(names) or len(hosts) < len(names) or len(alike) != 1:
        node.unread("listeners of one port and one namespace, each of another host")


def _listener(node: Node, own: str, foreign: str) -> Listener:
    node.check(("name", "port", "protocol", "hostname", "allowedRoutes"))
    node.at("protocol").word("HTTP")
    allowed = node.at("allowedRoutes")
    allowed.check(("namespaces", "kinds"))
    kind = _is_of_routes(allowed.at("kinds"))
    namespaces = allowed.at("namespaces")
    labels = {
        own: {NAMESPACE_LABEL: own, MANAGER_LABEL: "plumbline"},
        foreign: {NAMESPACE_LABEL: foreign},
    }
    admitted = {name: _admits(namespaces, name == own, of) for name, of in labels.items()}
    host = read_host(node.at("hostname")) if node.at("hostname").is_there else ""
    port = node.at("port").number()
    return Listener(port, host, kind and admitted[own], kind and admitted[foreign])


def _is_of_routes(kinds: Node) -> bool:
    """Whether HTTPRoutes may attach; without any kind named those of the protocol may."""
    names = set()
    for node in kinds.items():
        node.check(("group", "kind"))
        node.at("group").word(GROUP, default=GROUP)
        names.add(node.at("kind").word("HTTPRoute", "GRPCRoute"))
    return not names or "HTTPRoute" in names


def _admits(namespaces: Node, is_own: bool, labels: Mapping[str, str]) -> bool:
    """Whether routes of a namespace may attach. A selector counts only where `from` says so."""
    namespaces.check(("from", "selector"))
    match namespaces.at("from").word("Same", "All", "Selector", default="Same"):
        case "All":
            return True
        case "Same":
            return is_own
    selector = namespaces.at("selector")
    if not selector.is_there:
        namespaces.unread("a selector")
    wanted = list(requirements(selector))
    for each in wanted:
        known = each.key in (NAMESPACE_LABEL, MANAGER_LABEL)
        if not known and any(part in each.key for part in OTHERS_LABELS):
            selector.unread("labels of namespaces that nobody else sets")
    return all(each.holds(labels) for each in wanted)
