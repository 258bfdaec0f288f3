"""Where a VirtualService's routes lead: to the pods of the suite's services, by share.

By Istio's reference (istio.io/latest/docs/reference/config/networking/virtual-service,
Destination and HTTPRouteDestination) and the suite's own support.yaml. Pure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

from fixtures.lab import namespace_of
from fixtures.manifests.reading import Node
from suites.mobile_routing.matches import PORT, PORTS
from suites.mobile_routing.subject import HOST, NAME, SERVICES, VERSIONS

NAMESPACE = namespace_of(NAME)
DOMAIN = "svc.cluster.local"
NO_CLUSTER = "503 by the proxy"
ITS_ADDRESS = f"the address of {HOST}"
"""Whom the ServiceEntry leads to: nobody listens there."""
SUBSETS = ("v1", "v2")

Shares = Mapping[str, Fraction]


def full_name(host: str) -> str:
    """A host as Istio reads it: one without a dot is of the VirtualService's own namespace."""
    return host if "." in host else f"{host}.{NAMESPACE}.{DOMAIN}"


def _own() -> dict[str, Shares]:
    """Who answers for each host without a VirtualService: each of its pods alike."""
    versions = {full_name(v): {v: Fraction(1)} for v in VERSIONS}
    half = Fraction(1, len(SUBSETS))
    services = {full_name(s): {f"{s}-{v}": half for v in SUBSETS} for s in SERVICES}
    return {**versions, **services, HOST: {ITS_ADDRESS: Fraction(1)}}


OWN: Mapping[str, Shares] = _own()


def shares_of(route: Node, asked: int) -> Shares:
    """Who answers on a route, at the port that is asked.

    One destination has all, whatever its weight, and of several each has its weight's part of the
    sum (HTTPRouteDestination, `weight`).
    """
    destinations = route.items()
    if not destinations:
        route.unread("a destination")
    for each in destinations:
        each.check({"destination", "weight", "headers"})
        check_no_headers(each.at("headers"))
    weights = [each.at("weight").number() for each in destinations]
    if len(destinations) == 1:
        weights = [1]
    if min(weights) < 0 or not sum(weights):
        route.unread("weights above 0")
    shares: defaultdict[str, Fraction] = defaultdict(Fraction)
    for each, weight in zip(destinations, weights, strict=True):
        for who, share in _answering(each.at("destination"), asked).items():
            shares[who] += share * weight / sum(weights)
    return {who: share for who, share in shares.items() if share}


def _answering(destination: Node, asked: int) -> Shares:
    """Who answers at a destination; its port, if it says none, is the one that is asked.

    A proxy has no cluster for a service, a port or a subset that is not there, and answers 503
    itself (istio.io/latest/docs/ops/common-problems/network-issues). The services' subsets are
    those of the suite's DestinationRules.
    """
    destination.check({"host", "subset", "port"})
    host, port = full_name(_named(destination.at("host"))), _port(destination.at("port"), asked)
    subset = destination.at("subset").text()
    if host.endswith(f".{DOMAIN}") and not host.endswith(f".{NAMESPACE}.{DOMAIN}"):
        destination.at("host").unread("a service of the suite's namespace")
    services = {full_name(service): service for service in SERVICES}
    ports = PORTS if host in (HOST, *services) else (PORT,)
    if host not in OWN or port not in ports or (subset and host not in services):
        return {NO_CLUSTER: Fraction(1)}
    if not subset:
        return OWN[host]
    known = subset in SUBSETS
    return {f"{services[host]}-{subset}" if known else NO_CLUSTER: Fraction(1)}


def _port(port: Node, default: int) -> int:
    port.check({"number"})
    if port.is_there and not port.at("number").is_there:
        port.unread("a number")
    return port.at("number").number(default)


def _named(host: Node) -> str:
    if not re.fullmatch(r"[a-z0-9.-]*[a-z][a-z0-9.-]*", host.text()):
        host.unread("a host name in lower case")
    return host.text()


def check_no_headers(headers: Node) -> None:
    """See that headers are left as they are: nothing is set, added or removed."""
    headers.check({"request", "response"})
    for way in ("request", "response"):
        headers.at(way).check({"set", "add", "remove"})
        changes = (*headers.at(way).at("set").entries(), *headers.at(way).at("add").entries())
        if changes or headers.at(way).at("remove").items():
            headers.at(way).unread("no change of a header")
