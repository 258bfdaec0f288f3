"""A CiliumNetworkPolicy, read: which pods it is of, and whom it admits to them and whom it denies.

Sources: docs.cilium.io, "Layer 3 Policies", "Layer 4 Policies", "Deny Policies", "Policy
Enforcement Modes", and "Network Policy" of ClusterMesh: a selector that names no namespace is of
the policy's own, and one that names no cluster is of the policy's own (as of Cilium 1.19). Inert
are `description` and a rule's `labels`, which only name it, and `log`, which Hubble repeats. What
these leave open is as the agent has it (pkg/policy/utils/parserules.go, RulesToPolicyEntries, and
pkg/policy/rule.go, mergeL4Filter): a rule that names nobody and no port is of nobody, and only a
direction that has rules can be shut. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from fixtures.lab.hubble import CLUSTER_LABEL, NAMESPACE_LABEL
from fixtures.manifests.reading import Node, root_of
from fixtures.manifests.selectors import Labels, Requirement, requirements
from suites.cross_cluster_policy.ports import Port, admit_port

NOBODYS = (
    "world-ipv6", "host", "kube-apiserver", "ingress", "init", "health",
    "unmanaged", "none",
)  # fmt: skip
"""Entities that no client is of: pods that Cilium manages have identities of their own, also those
of a remote cluster, a node of a remote cluster is a `remote-node`, and who is in no cluster is of
the `world`, by IPv4.

The node that a pod runs on, `host`, may always reach it ("Layer 3 Policies", "Access to/from local
host"): no policy of a namespace tells it anything.
"""
ENTITY, REMOTE_NODE, WORLD = "reserved", "remote-node", "world"
"""The one label of the identity of a node, and of who is in no cluster: none of Kubernetes's."""
SOMEBODYS = ("all", "cluster", REMOTE_NODE, WORLD, "world-ipv4")
EVERYWHERE = ip_network("0.0.0.0/0")
DOCUMENTED = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
"""For documentation alone (RFC 5737): no host has an address of these."""
RULES = ("ingress", "ingressDeny", "egress", "egressDeny")
SECTIONS = (*RULES, "enableDefaultDeny")
OTHERS_LABELS = ("cilium", "io.kubernetes", "kubernetes.io", "k8s.io", "istio.io", "pod-template-")
"""In keys of labels that others than our templates may set, or that Cilium leaves out."""
KNOWN = frozenset({NAMESPACE_LABEL, CLUSTER_LABEL, "sidecar.istio.io/inject"})


@dataclass(frozen=True)
class Selector:
    """Requirements that must all hold."""

    wanted: tuple[Requirement, ...]

    def holds(self, labels: Labels) -> bool:
        """Whether a pod with these labels is selected."""
        return all(each.holds(labels) for each in self.wanted)


@dataclass(frozen=True)
class Rule:
    """A rule at ingress: the pods that it is of, and whom of the clients it admits or denies.

    Attributes:
        default_deny: whether it shuts out whom no rule admits.
    """

    subjects: Selector
    admitted: tuple[Selector, ...]
    denied: tuple[Selector, ...]
    default_deny: bool

    def selects(self, subject: Labels) -> bool:
        """Whether the rule is of a pod."""
        return self.subjects.holds(subject)

    def admits(self, client: Labels) -> bool:
        """Whether a client may connect."""
        return any(selector.holds(client) for selector in self.admitted)

    def denies(self, client: Labels) -> bool:
        """Whether a client must not, whoever admits it."""
        return any(selector.holds(client) for selector in self.denied)


Policy = tuple[Rule, ...]


@dataclass(frozen=True)
class Reader:
    """Reads rules of a policy of this namespace and cluster."""

    namespace: str
    cluster: str
    local: tuple[Labels, ...]
    port: Port

    def rule(self, node: Node) -> Rule:
        """One rule: `spec`, or one of `specs`."""
        node.check(("endpointSelector", *SECTIONS), inert=("description", "labels", "log"))
        subjects = self._subjects(node.at("endpointSelector"))
        defaults = node.at("enableDefaultDeny")
        defaults.check(("ingress", "egress"))
        self._see_no_client_shut_in(node, subjects)
        self._see_said(node)
        sections = [node.at(key).items() for key in ("ingress", "ingressDeny")]
        shut = any(sections) and _truth(defaults.at("ingress"), default=True)
        admitted, denied = (
            tuple(selector for rule in rules for selector in self._clients(rule))
            for rules in sections
        )
        return Rule(subjects, admitted, denied, shut)

    def _subjects(self, node: Node) -> Selector:
        """The pods of a rule: of the policy's own namespace, which it cannot change."""
        if not node.is_there:
            node.unread("a selector of pods")
        wanted = tuple(_requirements(node))
        if any(each.key == NAMESPACE_LABEL for each in wanted):
            node.unread("a selector of pods that names no namespace")
        return Selector((*wanted, Requirement(NAMESPACE_LABEL, "In", (self.namespace,))))

    def _see_said(self, node: Node) -> None:
        """See that a rule says anything: Cilium takes none that does not."""
        if not any(node.at(key).items() for key in RULES):
            node.unread("a rule of some direction")

    def _see_no_client_shut_in(self, node: Node, subjects: Selector) -> None:
        """See that what a rule says of egress is of no client, or shuts nothing.

        The workloads send nothing of their own, and what answers a connection passes by the entry
        that conntrack has of it; but clients ask for names, and connect.
        """
        if node.at("egressDeny").items():
            node.at("egressDeny").unread("no denial of what is sent")
        rules = node.at("egress").items()
        for rule in rules:
            rule.check(("toEntities",))
        allowed = [e for rule in rules for e in rule.at("toEntities").items()]
        if "all" in [entity.word(*SOMEBODYS, *NOBODYS) for entity in allowed]:
            return
        shut = bool(rules) and _truth(node.at("enableDefaultDeny").at("egress"), default=True)
        if shut and any(subjects.holds(labels) for labels in self.local):
            node.unread("rules of egress that are of no client")

    def _clients(self, node: Node) -> list[Selector]:
        """Whom a rule is of, at the port that they ask.

        One that names nobody is of everybody, and one that names no port either is of nobody: it
        only shuts the others out. One of ICMP is of no port.
        """
        peers: Mapping[str, Callable[[Node], list[Selector]]] = {
            "fromEndpoints": self._endpoints,
            "fromEntities": self._entity,
            "fromCIDR": _of_range,
            "fromCIDRSet": _of_range_without,
        }
        node.check((*peers, "toPorts", "icmps", "authentication"))
        lists = node.entries()
        authentication = lists.pop("authentication", None)
        if authentication:
            self._see_none(authentication)
        for each in lists.values():
            if not each.items():
                each.unread("a list of something, or none: what an empty one is of, is not told")
        named = [name for name in peers if name in lists]
        if len(named) > 1 or {"icmps", "toPorts"} <= lists.keys():
            node.unread("one way to name whom it is of, and one to name at what, as Cilium takes")
        if not lists or "icmps" in lists or not admit_port(node.at("toPorts"), self.port):
            return []
        if not named:
            return [Selector(())]
        return [s for each in lists[named[0]].items() for s in peers[named[0]](each)]

    def _see_none(self, authentication: Node) -> None:
        """See that a rule asks for no mutual authentication: no client here has it set up.

        `disabled` is what is meant unsaid (docs.cilium.io, "Mutual Authentication").
        """
        authentication.check(("mode",))
        authentication.at("mode").word("disabled")

    def _endpoints(self, node: Node) -> list[Selector]:
        """Pods by their labels, and by the namespace and the cluster that are meant unsaid."""
        wanted = tuple(_requirements(node))
        keys = {each.key for each in wanted}
        unsaid = {NAMESPACE_LABEL: self.namespace, CLUSTER_LABEL: self.cluster}
        implied = (Requirement(k, "In", (v,)) for k, v in unsaid.items() if k not in keys)
        return [Selector((*wanted, *implied))]

    def _entity(self, node: Node) -> list[Selector]:
        """The clients of an entity, if any: `all` is everybody, `cluster` the policy's own cluster
        and every node of all that are joined."""
        nodes = _reserved(REMOTE_NODE)
        match node.word(*SOMEBODYS, *NOBODYS):
            case "all":
                return [Selector(())]
            case "cluster":
                return [Selector((Requirement(CLUSTER_LABEL, "In", (self.cluster,)),)), nodes]
            case "remote-node":
                return [nodes]
            case "world" | "world-ipv4":
                return [_reserved(WORLD)]
        return []


def read_policy(
    document: Mapping[str, Any], namespace: str, cluster: str, local: Iterable[Labels], port: Port
) -> Policy:
    """A CiliumNetworkPolicy's rules for one port. Its own name decides nothing, nor do notes.

    Args:
        namespace: the behaviour's own.
        cluster: the one that it is applied in.
        local: the labels of the clients of that cluster.
        port: the one that is asked.

    Raises:
        UnreadError: there is something in it whose meaning is not known here.
    """
    root = root_of(document, "CiliumNetworkPolicy", "cilium.io", ("v2",), ("spec", "specs"))
    nodes = [each for each in (root.at("spec"), *root.at("specs").items()) if each.is_there]
    if not nodes:
        root.unread("a rule")
    reader = Reader(namespace, cluster, tuple(local), port)
    return tuple(reader.rule(node) for node in nodes)


def _reserved(entity: str) -> Selector:
    """Who has the label of an entity."""
    return Selector((Requirement(ENTITY, "In", (entity,)),))


def _of_range(node: Node) -> list[Selector]:
    """The clients of a range of addresses: of all of them the world, and of those that nobody has
    nobody. What the clusters know the identity of is of no range ("Layer 3 Policies", "CIDR
    based"); which addresses a lab has is not known here."""
    try:
        network = ip_network(node.text())
    except ValueError:
        node.unread("a range of addresses")
    if network == EVERYWHERE:
        return [_reserved(WORLD)]
    if network not in DOCUMENTED:
        node.unread("every address, or those of documentation")
    return []


def _of_range_without(node: Node) -> list[Selector]:
    """The clients of a range but for parts of it that nobody has."""
    node.check(("cidr", "except"))
    for part in node.at("except").items():
        if _of_range(part):
            part.unread("a part that nobody has")
    return _of_range(node.at("cidr"))


def _truth(node: Node, *, default: bool) -> bool:
    return node.flag() if node.is_there else default


def _requirements(selector: Node) -> Iterable[Requirement]:
    """What a selector wants: all labels of pods are Kubernetes's, which is what `k8s:` says.

    Raises:
        UnreadError: it wants a label that others may set, or one of another source.
    """
    for each in requirements(selector):
        source, _, key = each.key.rpartition(":")
        foreign = key not in KNOWN and any(part in key for part in OTHERS_LABELS)
        if source not in ("", "k8s", "any") or foreign:
            selector.unread("labels that the templates give")
        yield Requirement(key, each.operator, each.values)
