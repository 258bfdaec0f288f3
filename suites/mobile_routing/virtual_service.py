"""A VirtualService as the client's sidecar has it: whose requests it takes, and where to.

By Istio's reference (istio.io/latest/docs/reference/config/networking/virtual-service), and where
that is silent by what istiod makes of it (github.com/istio/istio,
pilot/pkg/networking/core/route/route.go). What an answer or a request would show beside who
answers (headers, a rewrite, a redirect, a fault, a copy to a mirror) is not read. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from fixtures.checks.samples import ORIGIN
from fixtures.manifests.reading import Node, spec_of
from suites.mobile_routing.destinations import (
    OWN,
    Shares,
    check_no_headers,
    full_name,
    shares_of,
)
from suites.mobile_routing.matches import (
    HOME,
    PORTS,
    SIDECARS,
    Condition,
    Request,
    conditions,
    is_applied,
    port_of,
)

NO_ROUTE = "404 by the proxy"
FAILURES = {
    "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "refused-stream",
    "envoy-ratelimited", "cancelled", "deadline-exceeded", "internal", "resource-exhausted",
    "unavailable", "",
}  # fmt: skip
"""What a retry may wait for (envoyproxy.io, "x-envoy-retry-on"); a good answer is none of these."""


@dataclass(frozen=True)
class Route:
    """Where requests go that all conditions hold for."""

    conditions: tuple[Condition, ...]
    shares: Mapping[int, Shares]
    """By the port that is asked."""
    port: int = 0
    """The one that it is of; 0 for all."""


@dataclass(frozen=True)
class VirtualService:
    """The hosts that it takes from their own routes, and its routes in their order."""

    hosts: tuple[str, ...]
    routes: tuple[Route, ...]

    def shares(self, request: Request) -> Shares:
        """Who answers a request, by share; the first route that matches is taken.

        Without any route that applies to the proxy's port, the whole is as if it were not there.
        """
        routes = [route for route in self.routes if route.port in (0, request.port)]
        if not routes or not any(_covers(host, request.host) for host in self.hosts):
            return OWN[request.host]
        for route in routes:
            if all(holds(request) for holds in route.conditions):
                return route.shares[request.port]
        return {NO_ROUTE: Fraction(1)}


def read(document: Mapping[str, Any]) -> VirtualService:
    """What a VirtualService of the suite's namespace is to the client's sidecar.

    Inert: routes of TCP and TLS, as every port of the hosts is one of HTTP.

    Raises:
        UnreadError: it says something whose meaning is not known here.
    """
    spec = spec_of(document, "VirtualService", "networking.istio.io", ("v1", "v1beta1", "v1alpha3"))
    spec.check({"hosts", "gateways", "http", "exportTo"}, inert={"tcp", "tls"})
    hosts = tuple(_host(node) for node in spec.at("hosts").items())
    routes = tuple(_routes_of(spec.at("http").items()))
    if _reaches_the_client(spec) and _is_for_sidecars(spec):
        return VirtualService(hosts, routes)
    return VirtualService((), ())


def _reaches_the_client(spec: Node) -> bool:
    """`exportTo`: the namespaces that see it; all by default and for `*`, for `.` only its own."""
    exported = spec.at("exportTo").texts()
    return not exported or bool({"*", HOME} & set(exported))


def _is_for_sidecars(spec: Node) -> bool:
    """`gateways`: sidecars by default, and otherwise only if they are named.

    The page has a match's own list go before this one, istiod looks at this one first: where the
    two would differ, nothing is said.
    """
    gateways = spec.at("gateways").texts()
    inner = [
        gateway
        for http in spec.at("http").items()
        for match in http.at("match").items()
        for gateway in match.at("gateways").texts()
    ]
    if gateways and SIDECARS not in gateways and SIDECARS in inner:
        spec.at("gateways").unread("the same gateways as its matches")
    return not gateways or SIDECARS in gateways


def _host(node: Node) -> str:
    """A name, or the end of names behind `*.`; in lower case, as DNS knows none."""
    host = node.text()
    plain = host.removeprefix("*.")
    if not re.fullmatch(r"[a-z0-9.-]+", plain):
        node.unread("a host name in lower case, or *. and one")
    return full_name(host)


def _covers(host: str, asked: str) -> bool:
    return asked.endswith(host[1:]) if host.startswith("*") else asked == host


def _routes_of(entries: Iterable[Node]) -> Iterator[Route]:
    """The routes of all entries. Behind one without a match none is ever taken."""
    for http in entries:
        yield from _routes(http)
        if not http.at("match").items():
            return


def _routes(http: Node) -> Iterator[Route]:
    """A route for each of an entry's matches, as any of them is enough.

    Inert: a name, which goes into logs; a timeout that no answer of the lab takes; retries, as
    nothing fails that they would try again; a share to be mirrored, without a mirror; changes of
    headers that are none.
    """
    http.check(
        {"match", "route", "timeout", "retries", "headers", "mirrors", "corsPolicy"},
        inert={"name", "mirrorPercent", "mirror_percent", "mirrorPercentage"},
    )
    _check_timeout(http.at("timeout"))
    _check_retries(http.at("retries"))
    check_no_headers(http.at("headers"))
    _check_cors(http.at("corsPolicy"))
    if http.at("mirrors").items():
        http.at("mirrors").unread("no mirror")
    shares = {port: shares_of(http.at("route"), port) for port in PORTS}
    matches = http.at("match").items()
    for match in matches:
        holding = tuple(conditions(match))
        if is_applied(match):
            yield Route(holding, shares, port_of(match))
    if not matches:
        yield Route((), shares)


def _check_cors(policy: Node) -> None:
    """A policy of origins that nobody sends is of none: whatever else it says, no answer shows it.

    What does not match one is forwarded, preflights too (`unmatchedPreflights`, FORWARD by itself).
    """
    if policy.is_there:
        inert = {"allowMethods", "allowHeaders", "exposeHeaders", "maxAge", "allowCredentials"}
        policy.check({"allowOrigins", "allowOrigin", "unmatchedPreflights"}, inert=inert)
        origins = [*policy.at("allowOrigin").items()]
        for origin in policy.at("allowOrigins").items():
            origin.check({"exact"})
            origins.append(origin.at("exact"))
        if {"*", ORIGIN} & {origin.said() for origin in origins}:
            policy.unread("a policy of an origin that nobody sends")
        policy.at("unmatchedPreflights").word("FORWARD", "UNSPECIFIED", default="FORWARD")


def _check_timeout(timeout: Node) -> None:
    """A timeout of 5 s and more is none to a backend that answers at once."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    said = timeout.text("1h")
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|s)", said)
    whole = "".join(number + unit for number, unit in parts) == said
    if not whole or sum(float(number) * units[unit] for number, unit in parts) < 5:
        timeout.unread("a duration of 5 s or more")


def _check_retries(retries: Node) -> None:
    """Retries say nothing where nothing fails; what they could take for a failure is looked at."""
    retries.check(
        {"retryOn", "perTryTimeout"},
        inert={
            "attempts", "backoff", "retryRemoteLocalities", "retryIgnorePreviousHosts",
        },
    )  # fmt: skip
    _check_timeout(retries.at("perTryTimeout"))
    if not set(retries.at("retryOn").text().split(",")) <= FAILURES:
        retries.at("retryOn").unread("conditions that no good answer meets")
