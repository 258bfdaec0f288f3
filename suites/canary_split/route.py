"""An HTTPRoute, read: whether it attaches to the reference's Gateway, and who gets its requests.

Source: gateway-api.sigs.k8s.io/reference/spec, HTTPRoute, ParentReference and BackendRef. What
nobody of these requests can tell apart is inert: a rule's `name`, by which only policies refer to
it, and timeouts from five seconds on, as no request waits for longer. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

from fixtures.manifests.reading import Node, spec_of
from suites.canary_split.hosts import covers, read_host
from suites.canary_split.matching import Match, Request, chosen, read_matches

GROUP = "gateway.networking.k8s.io"
VERSIONS = ("v1", "v1beta1")

GATEWAY, SECTION, PORT = "advanced-gateway", "http", 80
SERVICES = ("api-service", "api-service-canary", "bystander")
"""The Services of support.yaml, each with one port."""

SERVICE_PORT = 8080
NO_BACKEND, LOST = "404 by no backend", "500 by no backend"
PATIENCE_MS = 5_000
"""What the client pods wait for an answer."""

STEP = Fraction(1, 20)
"""The margin of the split's sequential test: what is closer to a share it need not tell from it."""

UNITS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


@dataclass(frozen=True)
class Backend:
    """A backend of a rule: its name, and whether a Service of that name has the port."""

    service: str
    weight: int
    valid: bool = True


@dataclass(frozen=True)
class Route:
    """An HTTPRoute: the hosts that it is of, all if none, and its rules' matches and backends."""

    attached: bool
    hosts: tuple[str, ...]
    rules: tuple[tuple[tuple[Backend, ...], tuple[Match, ...]], ...]

    @property
    def resolved(self) -> bool:
        """Whether all its references to backends are valid, with a share or without one."""
        return all(backend.valid for backends, _ in self.rules for backend in backends)

    def answer(self, request: Request) -> str:
        """Who gets a request and how often, or the status of the Gateway's own answer."""
        if not self.attached or not any(covers(host, request.host) for host in self.hosts or [""]):
            return NO_BACKEND
        backends = chosen(self.rules, request)
        return NO_BACKEND if backends is None else shares(backends)

    def with_weights(self, weights: Mapping[str, int]) -> Route:
        """The same as CS8 edits it: each backend's weight by its name, none for other names."""
        rules = (
            (tuple(replace(b, weight=weights.get(b.service, 0)) for b in backends), matches)
            for backends, matches in self.rules
        )
        return replace(self, rules=tuple(rules))


def read_route(document: Mapping[str, Any], namespace: str) -> Route:
    """An HTTPRoute of the behaviour's namespace.

    Its own name decides nothing: there is no other route of these hosts to come before or after.

    Raises:
        UnreadError: there is something in it whose meaning is not known here.
    """
    spec = spec_of(document, "HTTPRoute", GROUP, VERSIONS)
    spec.check(("parentRefs", "hostnames", "rules"))
    rules = spec.at("rules").items()
    if not rules:
        spec.at("rules").unread("a rule")
    backends = [tuple(_backends(rule, namespace)) for rule in rules]
    matches = [_rule(rule, alone=len(rules) == 1) for rule in rules]
    return Route(
        _is_attached(spec.at("parentRefs"), namespace),
        _hosts(spec.at("hostnames")),
        tuple(zip(backends, matches, strict=True)),
    )


@cache
def shares(backends: tuple[Backend, ...]) -> str:
    """The share of each, in words; what has no valid backend, or no weight at all, gets 500.

    Weights are proportions of their sum, so that 9 and 1 are 90 and 10. Of a share that is there at
    all the nearest step is told: CS1 decides between shares that far apart, and 91 to 10 is neither
    right nor wrong to it.
    """
    total = sum(backend.weight for backend in backends)
    parts: dict[str, Fraction] = {}
    for backend in backends:
        if backend.weight:
            who = f"200 by {backend.service}" if backend.valid else LOST
            parts[who] = parts.get(who, Fraction(0)) + Fraction(backend.weight, total)
    steps = {who: max(round(part / STEP), 1) * STEP for who, part in parts.items()}
    return ", ".join(f"{step} {who}" for who, step in sorted(steps.items())) or LOST


def _is_attached(parents: Node, namespace: str) -> bool:
    """Whether the Gateway has the route: of several parents each must be it.

    A status of any other one would be among the conditions that requirements look at.
    """
    attached = {_is_gateway(parent, namespace) for parent in parents.items()}
    if len(attached) > 1:
        parents.unread("parents that are all the Gateway, or none of which is")
    return attached == {True}


def _is_gateway(parent: Node, namespace: str) -> bool:
    """Whether a parent is the Gateway, or that listener of it that the reference has."""
    parent.check(("group", "kind", "namespace", "name", "sectionName", "port"))
    wanted = {"group": GROUP, "kind": "Gateway", "namespace": namespace, "sectionName": SECTION}
    named = all(parent.at(key).text(value) == value for key, value in wanted.items())
    own_port = parent.at("port").number(PORT) == PORT
    return parent.at("name").text() == GATEWAY and named and own_port


def _hosts(nodes: Node) -> tuple[str, ...]:
    hosts = tuple(read_host(node) for node in nodes.items())
    if len(set(hosts)) < len(hosts):
        nodes.unread("each hostname once")
    return hosts


def _rule(rule: Node, *, alone: bool) -> tuple[Match, ...]:
    """A rule's matches, if it does nothing with a request but to hand it to a backend."""
    rule.check(("name", "matches", "filters", "backendRefs", "timeouts"))
    rule.at("name").text()
    _see_none(rule.at("filters"))
    timeouts = rule.at("timeouts")
    timeouts.check(("request", "backendRequest"))
    for each in timeouts.entries().values():
        _see_long(each)
    return read_matches(rule, alone=alone)


def _see_none(filters: Node) -> None:
    if filters.items():
        filters.unread("no filter")


def _see_long(node: Node) -> None:
    """See that a duration is none that a request could last; zero is no limit at all."""
    said = node.text()
    if not re.fullmatch(r"([0-9]{1,5}(h|m|s|ms)){1,4}", said):
        node.unread("a duration of GEP-2257")
    parts = re.findall(r"([0-9]+)(h|ms|m|s)", said)
    if 0 < sum(int(number) * UNITS[unit] for number, unit in parts) < PATIENCE_MS:
        node.unread("a timeout that no request could reach")


def _backends(rule: Node, namespace: str) -> Iterator[Backend]:
    """A rule's backends: Services of the route's namespace; what is none of them is invalid.

    Into another namespace none is granted (`ReferenceGrant`).
    """
    for node in rule.at("backendRefs").items():
        node.check(("group", "kind", "namespace", "name", "port", "weight", "filters"))
        node.at("group").word("")
        node.at("kind").word("Service", default="Service")
        _see_none(node.at("filters"))
        weight = node.at("weight").number(1)
        if not 0 <= weight <= 1_000_000:
            node.at("weight").unread("a weight up to a million")
        name, port = node.at("name").said(), node.at("port").number()
        there = name in SERVICES and node.at("namespace").text(namespace) == namespace
        if there and port != SERVICE_PORT and not weight:
            node.at("port").unread("a port that a condition tells of, where no request does")
        yield Backend(name, weight, there and port == SERVICE_PORT)
