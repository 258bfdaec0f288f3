"""Which rule of an HTTPRoute a request is of: its matches, and the order of precedence among them.

Source: gateway-api.sigs.k8s.io/reference/spec, HTTPRouteRule and HTTPRouteMatch. Expressions are
for the implementation to define; Istio's are RE2's and of the whole value (istio.io, "Virtual
Service", StringMatch). Where the order is the implementation's own, nothing is read. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote_plus

from clusters.errors import UnreadError
from fixtures.checks.meant import FRAMING, PROXYS
from fixtures.manifests.expressions import compiled
from fixtures.manifests.reading import Node

OTHERS_SET = FRAMING | {"accept", "te", "transfer-encoding", "via", "forwarded", "upgrade"}
"""Headers that not only the space's requests say: those under load have a program's own."""

NONCE = "nonce"
"""A parameter of every sample, of another value each."""

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_|~]+")
PLAIN_PATH = re.compile(r"/[-A-Za-z0-9/._~!$&'()*+,;=:@]*")
NO_PATH = re.compile(r"//|/\.\.?(/|$)")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")

Holds = Callable[[str], bool]
T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """A request as a route sees it. Names of headers are in lower case; no host is the address."""

    key: str
    method: str
    path: str
    parameters: tuple[tuple[str, str], ...]
    host: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Match:
    """Conditions that must all hold, and the rank that a match of them has among others.

    The rank is of the spec's order: an exact path, the longest prefix, a method, the most
    headers, the most parameters.
    """

    path: Holds
    method: str
    headers: tuple[tuple[str, Holds], ...]
    parameters: tuple[tuple[str, Holds], ...]
    rank: tuple[bool, int, bool, int, int]

    def holds(self, request: Request) -> bool:
        """Whether a request is as all conditions want it."""
        return (
            self.path(request.path)
            and self.method in ("", request.method)
            and all(n in request.headers and h(request.headers[n]) for n, h in self.headers)
            and all(_parameter_holds(request, name, holds) for name, holds in self.parameters)
        )


def chosen(rules: Iterable[tuple[T, Iterable[Match]]], request: Request) -> T | None:
    """The rule that a request is of: of the matches that hold the first of the highest rank."""
    holding = [(m.rank, rule) for rule, matches in rules for m in matches if m.holds(request)]
    return max(holding, key=lambda each: each[0])[1] if holding else None


def read_matches(rule: Node, *, alone: bool) -> tuple[Match, ...]:
    """A rule's matches; without any it has one that holds for every request.

    Args:
        alone: whether it is its route's only rule, so that no order among rules matters.
    """
    nodes = rule.at("matches").items()
    if rule.at("matches").is_there and not nodes and not alone:
        rule.at("matches").unread("a match, or no list at all: Istio puts an empty one last")
    nodes = nodes or (Node({}, f"{rule.path}/matches"),)
    return tuple(_match(node, alone=alone) for node in nodes)


def _match(node: Node, *, alone: bool) -> Match:
    node.check(("path", "method", "headers", "queryParams"))
    path = node.at("path")
    path.check(("type", "value"))
    kind = path.at("type").word("Exact", "PathPrefix", "RegularExpression", default="PathPrefix")
    value = path.at("value").text("/")
    if not alone and (kind == "RegularExpression" or (value != "/" and value.endswith("/"))):
        path.unread("a path whose precedence the spec decides")
    method = node.at("method").word(*METHODS, "")
    headers = tuple(_named(node.at("headers"), _header_name))
    parameters = tuple(_named(node.at("queryParams"), _parameter_name))
    length = len(value) if kind == "PathPrefix" else 0
    rank = (kind == "Exact", length, bool(method), len(headers), len(parameters))
    return Match(_path(path, kind, value), method, headers, parameters, rank)


def _path(node: Node, kind: str, value: str) -> Holds:
    """Exact is the whole path, a prefix is of whole elements, and its last slash says nothing."""
    if kind == "RegularExpression":
        return _expression(node.at("value"))
    if not PLAIN_PATH.fullmatch(value) or NO_PATH.search(value):
        node.unread("a path that the spec allows, with nothing encoded")
    if kind == "Exact":
        return value.__eq__
    prefix = value.rstrip("/")
    return lambda path: path == prefix or path.startswith(f"{prefix}/")


def _named(nodes: Node, name_of: Callable[[Node], str]) -> Iterator[tuple[str, Holds]]:
    """Conditions by the name of a header or a parameter: of one name only the first counts."""
    names: set[str] = set()
    for node in nodes.items():
        node.check(("name", "type", "value"))
        name = name_of(node.at("name"))
        if name in names:
            node.unread("a name once: the spec ignores what follows, and Istio does not")
        names.add(name)
        kind = node.at("type").word("Exact", "RegularExpression", default="Exact")
        value = node.at("value")
        yield name, value.said().__eq__ if kind == "Exact" else _expression(value)


def _header_name(node: Node) -> str:
    """A header's name, in lower case, as names know no case; no name that others set too."""
    name = node.text().lower()
    if not TOKEN.fullmatch(name) or name in OTHERS_SET or name.startswith(PROXYS):
        node.unread("a header that nobody else sets")
    return name


def _parameter_name(node: Node) -> str:
    """A parameter's name, whose case counts; a nonce has no value that could be known."""
    if not TOKEN.fullmatch(node.text()) or node.text() == NONCE:
        node.unread("a parameter of a known value")
    return node.text()


def _parameter_holds(request: Request, name: str, holds: Holds) -> bool:
    """Whether a parameter is as wanted; one that stands twice, and an encoded one, may be either.

    Raises:
        UnreadError: proxies may see it differently.
    """
    values = [value for key, value in request.parameters if key == name]
    results = {holds(form) for value in values for form in (value, unquote_plus(value))}
    if len(values) > 1 or len(results) > 1:
        raise UnreadError("a parameter of one value", seen=f"{name} in {request.key}")
    return results == {True}


def _expression(node: Node) -> Holds:
    """An expression, of the whole value."""
    pattern = compiled(node.text(), node.path)
    return lambda value: bool(pattern.fullmatch(value))
