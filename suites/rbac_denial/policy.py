"""An AuthorizationPolicy of the suite's namespace: whom of its workloads it guards, and from what.

By Istio's reference (istio.io/latest/docs/reference/config/security/authorization-policy): a rule
holds if one of its sources and one of its operations do; all fields of a source or an operation
must hold, and of a field's values one, or none of those of its `not` field; a value is the text
itself, its beginning (`/api/*`), its end (`*/items`), or `*` for any that is there. Where the page
is silent, by what istiod makes of it (github.com/istio/istio, pilot/pkg/security/authz). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from clusters.components.istio import TRUST_DOMAIN
from fixtures.lab import namespace_of
from fixtures.manifests.labels import labels, selects
from fixtures.manifests.reading import Node, spec_of

SUPPORT = Path(__file__).parent / "support.yaml"
NAMESPACE = namespace_of(Path(__file__).parent.name)
WORKLOADS = ("backend-api", "bystander")
PORTS = {"80": "3000", "3001": "3001"}
"""The workload's own port, which a policy sees, by the Service's."""
ACTIONS = ("ALLOW", "DENY", "AUDIT")
EVERY_ADDRESS = ip_network("0.0.0.0/0")
DOCUMENTATION = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
LETTERS = r"[A-Za-z0-9._/-]"


@dataclass(frozen=True)
class Request:
    """A request as the workload's proxy sees it; `principal` is empty without an identity.

    `path` has no query: Istio's matcher of paths leaves it out.
    """

    workload: str
    principal: str
    method: str
    path: str
    host: str
    port: str = PORTS["80"]
    headers: Mapping[str, str] = field(default_factory=dict)


Condition = Callable[[Request], bool]
Text = Callable[[str], bool]
Reader = Callable[[Node], Condition]


@dataclass(frozen=True)
class Rule:
    """One of the sources and one of the operations, each of which is conditions that are ANDed, and
    all conditions of `when`."""

    sources: tuple[tuple[Condition, ...], ...]
    operations: tuple[tuple[Condition, ...], ...]
    when: tuple[Condition, ...] = ()

    def holds(self, request: Request) -> bool:
        return all(each(request) for each in self.when) and all(
            any(all(each(request) for each in conditions) for conditions in alternatives)
            for alternatives in (self.sources, self.operations)
        )


@dataclass(frozen=True)
class Policy:
    """The workloads that it is of, its action, and its rules, of which one is enough."""

    workloads: tuple[str, ...]
    action: str
    rules: tuple[Rule, ...]

    def is_served(self, request: Request) -> bool:
        """ALLOW denies what no rule names, so all without a rule; DENY denies what one does.

        AUDIT only logs, and a workload that no policy is of serves everybody.
        """
        if self.action == "AUDIT" or request.workload not in self.workloads:
            return True
        return any(rule.holds(request) for rule in self.rules) is (self.action == "ALLOW")


def read(document: Mapping[str, Any]) -> Policy:
    """What an AuthorizationPolicy of the suite's namespace is to its workloads.

    Raises:
        UnreadError: it says something whose meaning is not known here.
    """
    spec = spec_of(document, "AuthorizationPolicy", "security.istio.io", ("v1", "v1beta1"))
    spec.check({"selector", "action", "rules"})
    action = spec.at("action").text("ALLOW")
    if action not in ACTIONS:
        spec.at("action").unread(f"one of {', '.join(ACTIONS)}")
    rules = tuple(_rule(node) for node in spec.at("rules").items())
    return Policy(_workloads(spec.at("selector")), action, rules)


def _workloads(selector: Node) -> tuple[str, ...]:
    """Those with all the labels; all of the namespace without a selector or any label in it."""
    selector.check({"matchLabels"})
    wanted = selector.at("matchLabels")
    return tuple(name for name in WORKLOADS if selects(wanted, labels(SUPPORT, name)))


def _rule(node: Node) -> Rule:
    """A rule; of `when` only what it says of headers is read."""
    node.check({"from", "to", "when"})
    return Rule(
        _alternatives(node.at("from"), "source", SOURCES),
        _alternatives(node.at("to"), "operation", OPERATIONS),
        tuple(condition for each in node.at("when").items() for condition in _when(each)),
    )


def _when(node: Node) -> Iterator[Condition]:
    """A condition of one header: one of its values, and none of its `notValues`.

    A header that is not sent has no value (istio.io, "Authorization Policy Conditions").
    """
    node.check({"key", "values", "notValues"})
    named = re.fullmatch(r"request\.headers\[([A-Za-z0-9-]+)\]", node.at("key").text())
    if not named:
        node.at("key").unread("a header of the request")
    name = named[1].lower()
    for key, holding in (("values", _any), ("notValues", _none)):
        held = tuple(_header(name, value) for value in node.at(key).items())
        if held:
            yield holding(held)
    if not node.at("values").items() and not node.at("notValues").items():
        node.unread("values")


def _header(name: str, value: Node) -> Condition:
    if value.text() == "*":
        value.unread("a value: whether an empty one is any is not told")
    holds = _text(value)
    return lambda request: name in request.headers and holds(request.headers[name])


def _alternatives(
    node: Node, name: str, fields: Mapping[str, Reader]
) -> tuple[tuple[Condition, ...], ...]:
    """The sources or the operations of a rule: any if there are none; an empty one is refused."""
    if not node.is_there:
        return ((),)
    if not node.items():
        node.unread(f"at least one {name}")
    return tuple(tuple(_conditions(each, name, fields)) for each in node.items())


def _conditions(item: Node, kind: str, fields: Mapping[str, Reader]) -> Iterator[Condition]:
    item.check({kind})
    node = item.at(kind)
    negated = {f"not{field[0].upper()}{field[1:]}": field for field in fields}
    node.check({*fields, *negated})
    if not any(each.items() for each in node.entries().values()):
        node.unread("a field with a value")
    for name, values in node.entries().items():
        held = tuple(fields[negated.get(name, name)](value) for value in values.items())
        if held:
            yield _none(held) if name in negated else _any(held)


def _any(conditions: tuple[Condition, ...]) -> Condition:
    return lambda request: any(holds(request) for holds in conditions)


def _none(conditions: tuple[Condition, ...]) -> Condition:
    return lambda request: not any(holds(request) for holds in conditions)


def _text(node: Node) -> Text:
    """A value that is looked for: the text itself, its beginning, its end, or any."""
    said = node.text()
    plain = said.removeprefix("*") if said.startswith("*") else said.removesuffix("*")
    if not said or "*" in plain:
        node.unread("a text with no * but the first or the last character")
    if said == "*":
        return lambda value: value != ""
    if said.startswith("*"):
        return lambda value: value.endswith(plain)
    return (lambda v: v.startswith(plain)) if said.endswith("*") else (lambda v: v == plain)


def _principal(node: Node) -> Condition:
    """`principals`: the identity of the peer's certificate, `<trust domain>/ns/<namespace>/sa/
    <account>`; who has none is none of them.

    An end is a part of an expression in Istio, so only letters that stand for themselves are read.
    """
    if not re.fullmatch(rf"\*|\*?{LETTERS}+|{LETTERS}+\*", node.text()):
        node.unread("the name of an identity, or its beginning or end")
    holds = _text(node)
    return lambda request: bool(request.principal) and holds(request.principal)


def _namespace(node: Node) -> Condition:
    """`namespaces`: that of the peer's identity, looked for as Istio does, between slashes."""
    said = node.text()
    if not re.fullmatch(r"[a-z0-9-]+\*?|\*[a-z0-9-]*", said):
        node.unread("the name of a namespace, or its beginning or end")
    pattern = re.compile(f".*/ns/{said.replace('*', '.*')}/.*")
    return lambda request: bool(pattern.fullmatch(request.principal))


def _service_account(node: Node) -> Condition:
    """`serviceAccounts`: namespace/account, or an account of the policy's own namespace."""
    if not re.fullmatch(r"([a-z0-9-]+/)?[a-z0-9.-]+", node.text()):
        node.unread("the name of an account")
    namespace, _, account = f"{NAMESPACE}/{node.text()}".rpartition("/")
    wanted = f"{TRUST_DOMAIN}/ns/{namespace.rpartition('/')[2]}/sa/{account}"
    return lambda request: request.principal == wanted


def _trust_domain(node: Node) -> Condition:
    """`trustDomains`: that of the peer's identity, before its first slash."""
    if not re.fullmatch(rf"\*|\*?{LETTERS}+|{LETTERS}+\*", node.text()):
        node.unread("the name of a trust domain, or its beginning or end")
    holds = _text(node)
    return lambda request: bool(request.principal) and holds(request.principal.partition("/")[0])


def _block(node: Node) -> Condition:
    """`ipBlocks` and `remoteIpBlocks`: both are of the peer, as no proxy before it is trusted.

    Pods have addresses of IPv4, none of those for documentation (RFC 5737); of which others is not
    known here.
    """
    try:
        block = ip_network(node.text())
    except ValueError:
        node.unread("a block of addresses")
    if block == EVERY_ADDRESS:
        return lambda _request: True
    if block not in DOCUMENTATION:
        node.unread("a block of every address, or one for documentation")
    return lambda _request: False


def _request_principal(node: Node) -> Condition:
    """`requestPrincipals`: that of a token that was accepted; nothing in the suite accepts any."""
    _text(node)
    return lambda _request: False


def _method(node: Node) -> Condition:
    holds = _text(node)
    return lambda request: holds(request.method)


def _path(node: Node) -> Condition:
    """`paths`: the path without its query, with its case; templates in braces are not read."""
    if re.search(r"[{}]", node.text()):
        node.unread("a path without a template")
    holds = _text(node)
    return lambda request: holds(request.path)


def _host(node: Node) -> Condition:
    """`hosts`: of the Host header, whose case does not count."""
    holds = _text(Node(node.text().lower(), node.path))
    return lambda request: holds(request.host.lower())


def _port(node: Node) -> Condition:
    """`ports`: a number, as text."""
    if not re.fullmatch(r"[1-9]\d*", node.text()):
        node.unread("the number of a port")
    return lambda request: node.text() == request.port


SOURCES: Mapping[str, Reader] = {
    "principals": _principal,
    "requestPrincipals": _request_principal,
    "namespaces": _namespace,
    "serviceAccounts": _service_account,
    "trustDomains": _trust_domain,
    "ipBlocks": _block,
    "remoteIpBlocks": _block,
}
OPERATIONS: Mapping[str, Reader] = {
    "hosts": _host,
    "methods": _method,
    "paths": _path,
    "ports": _port,
}
