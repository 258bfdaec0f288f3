"""Ports that the workloads listen at, and whether a rule is of one of them.

Source: docs.cilium.io, "Layer 4 Policies". What is said of the protocol above it is not read. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fixtures.manifests.reading import Node


@dataclass(frozen=True)
class Port:
    """A port of the workloads' services, and the one of their pods that it leads to.

    Attributes:
        name: the container's, as `support/workloads.jinja` has it.
    """

    number: int
    target: int
    name: str
    protocol: str = "TCP"

    @property
    def at_pod(self) -> str:
        """What a policy sees, as a drop tells it: such as `3000/TCP`."""
        return f"{self.target}/{self.protocol}"


HTTP, HTTP2 = Port(80, 3000, "http"), Port(3001, 3001, "h2c")
UDP = Port(80, 3000, "udp", "UDP")
PORTS = (HTTP, HTTP2, UDP)
NAMED = {port.name: port for port in PORTS}

HIGHEST = 65_535


def admit_port(rules: Node, asked: Port) -> bool:
    """Whether any of `toPorts` is of the port that is asked; without any all ports are meant.

    Raises:
        UnreadError: there is something in them whose meaning is not known here.
    """
    admitted = [_admits(port, asked) for rule in rules.items() for port in _ports(rule)]
    return not admitted or any(admitted)


def _ports(rule: Node) -> tuple[Node, ...]:
    rule.check(("ports",))
    ports = rule.at("ports").items()
    return ports or rule.at("ports").unread("a port")


def _admits(node: Node, asked: Port) -> bool:
    """Whether one entry is of the port: by its number, by its name, by a range, or as any.

    A number is text; zero is any port, and so is no protocol any protocol. A name is of its own
    protocol alone.
    """
    node.check(("port", "endPort", "protocol"))
    protocol = node.at("protocol").word("ANY", "TCP", "UDP", "SCTP", default="ANY")
    spoken = protocol in ("ANY", asked.protocol)
    said = node.at("port").text()
    if said in NAMED and not node.at("endPort").is_there:
        first = last = NAMED[said].target
        spoken = spoken and NAMED[said].protocol == asked.protocol
    elif re.fullmatch(r"0|[1-9][0-9]{0,4}", said):
        first = int(said)
        last = node.at("endPort").number(first)
    else:
        node.unread("a port of the workloads, or a number")
    if not first <= last <= HIGHEST or (not first and node.at("endPort").is_there):
        node.unread("ports from a first to a last one")
    return spoken and (first == 0 or first <= asked.target <= last)
