"""Which range of addresses a lab gets: the one it has, the user's, or the first that is free.

Asks the machine and the engine who holds what; it changes neither. The lab's own Docker
network is the memory: while it is there, its range is the lab's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import psutil

from clusters.engine import NETWORK, Engine
from clusters.errors import CommandError, PlanError
from clusters.plan import DEFAULT, Range
from clusters.process import run
from clusters.settings import Settings

VARIABLE = "PLUMBLINE_NET"
CANDIDATES = (
    DEFAULT,
    Range.parse("10.198.0.0/15"),
    Range.parse("172.30.0.0/15"),  # the last that Docker would take for networks of its own
    Range.parse("100.118.0.0/15"),
)
WIDEST = 8  # a route to more than a /8 is a default route by another name
OWN = ("local", "unicast", "blackhole", "unreachable", "prohibit")  # kinds of routes that count


@dataclass(frozen=True)
class Holder:
    """Something on this machine that has addresses already: an interface, a route, a network."""

    name: str
    network: IPv4Network

    def __str__(self) -> str:
        return f"{self.name} ({self.network})"


@dataclass(frozen=True)
class Choice:
    """The lab's range, and who holds a part of those that were passed over."""

    range: Range
    passed: tuple[Holder, ...] = ()


def choice_for(engine: Engine | None) -> Choice:
    """The range for a lab on this engine; for the private one that is not there yet, None.

    Raises:
        PlanError: $PLUMBLINE_NET is no range, is in use or is not the lab's; or none is free.
    """
    text = Settings.of_user().net
    said = Range.parse(text) if text else None
    if engine is None:
        return choose(said, None, ())
    return choose(said, of_lab(engine), () if engine.namespace else holders(engine))


def of_lab(engine: Engine) -> Range | None:
    """The range of the lab that is there, by its Docker network."""
    subnets = list(_subnets(engine.inspect("network", NETWORK) or {}))
    return Range.around(str(subnets[0])) if subnets else None


def choose(said: Range | None, kept: Range | None, held: Iterable[Holder]) -> Choice:
    """The lab's own range, else the user's, else the first candidate that nobody holds.

    Raises:
        PlanError: as for `choice_for`.
    """
    held = tuple(held)
    if kept is not None:
        if said not in (None, kept):
            raise PlanError(
                f"{VARIABLE} as the lab has it, {kept}",
                seen=f"{VARIABLE}={said}",
                look="make down, then make up: a lab keeps its range while it is there",
            )
        return Choice(_free(kept, held, "make down, then make up: another range is chosen"))
    if said is not None:
        return Choice(_free(said, held, f"unset {VARIABLE}: one that is free is chosen"))
    for candidate in CANDIDATES:
        if not _holders_of(candidate, held):
            return Choice(candidate, _holders_of(DEFAULT, held))
    raise PlanError(
        "a range of addresses that nobody holds",
        seen="; ".join(f"{each}: {_names_of(_holders_of(each, held))}" for each in CANDIDATES),
        look=f"{VARIABLE}=<a free /15> make up",
    )


def holders(engine: Engine) -> tuple[Holder, ...]:
    """Who has addresses on this machine, but for the lab's own network."""
    bridges = {_bridge(engine.inspect("network", NETWORK) or {})}
    everyone = {*_networks(engine), *_interfaces(bridges), *_routes(bridges)}
    wider = (
        each
        for each in everyone
        if not any(
            other.name == each.name and other != each and each.network.subnet_of(other.network)
            for other in everyone
        )
    )
    return tuple(sorted(wider, key=str))


def _free(wanted: Range, held: Iterable[Holder], look: str) -> Range:
    others = _holders_of(wanted, held)
    if others:
        raise PlanError(
            f"{wanted} for the lab alone", seen=f"in use by {_names_of(others)}", look=look
        )
    return wanted


def _holders_of(wanted: Range, held: Iterable[Holder]) -> tuple[Holder, ...]:
    return tuple(each for each in held if each.network.overlaps(wanted.whole))


def _names_of(held: Iterable[Holder]) -> str:
    return ", ".join(map(str, held))


def _networks(engine: Engine) -> Iterator[Holder]:
    """Other Docker networks: Docker lets no two overlap."""
    names = set(engine.docker("network", "ls", "--format", "{{.Name}}").split()) - {NETWORK}
    for name in names:
        for subnet in _subnets(engine.inspect("network", name) or {}):
            yield Holder(f"Docker network {name}", subnet)


def _subnets(network: dict[str, Any]) -> Iterator[IPv4Network]:
    for config in (network.get("IPAM") or {}).get("Config") or ():
        with contextlib.suppress(ValueError):  # a network of IPv6
            yield IPv4Network(config.get("Subnet", ""))


def _bridge(network: dict[str, Any]) -> str:
    """The interface that Docker makes for a network."""
    options = network.get("Options") or {}
    return str(
        options.get("com.docker.network.bridge.name") or f"br-{network.get('Id', 'none')[:12]}"
    )


def _interfaces(ours: set[str]) -> Iterator[Holder]:
    for name, addresses in psutil.net_if_addrs().items():
        for each in addresses:
            with contextlib.suppress(ValueError):  # not of IPv4
                network = IPv4Network((each.address, each.netmask or "32"), strict=False)
                if name not in ours:
                    yield Holder(name, network)


def _routes(ours: set[str]) -> Iterator[Holder]:
    """Routes of every table: a VPN's may stand in one of its own."""
    try:
        routes = run(["ip", "-json", "-4", "route", "show", "table", "all"])
    except CommandError:  # there is none, or it is BusyBox's: the interfaces have been asked
        return
    for route in json.loads(routes or "[]"):
        device = str(route.get("dev", route.get("type", "a route")))
        if device in ours or route.get("type", "unicast") not in OWN:
            continue
        with contextlib.suppress(ValueError):  # default
            network = IPv4Network(route["dst"])
            if network.prefixlen >= WIDEST:
                yield Holder(device, network)
