"""Ports of a rule: whether it is of TCP at one of the ports that the workloads listen at.

Source: docs.cilium.io, "Layer 4 Policies". What is said of the protocol above it is not read. Pure.
"""

from __future__ import annotations

import re

from fixtures.manifests.reading import Node

NAMED = {"http": 3000, "h2c": 3001}
"""Of the echo's container by name, as `support/workloads.jinja` has it."""

HIGHEST = 65_535


def admit_port(rules: Node, asked: int) -> bool:
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


def _admits(node: Node, asked: int) -> bool:
    """Whether one entry is of the port: by its number, by its name, by a range, or as any.

    A number is text; zero is any port, and so is no protocol any protocol.
    """
    node.check(("port", "endPort", "protocol"))
    protocol = node.at("protocol").word("ANY", "TCP", "UDP", "SCTP", default="ANY")
    said = node.at("port").text()
    if said in NAMED and not node.at("endPort").is_there:
        first = last = NAMED[said]
    elif re.fullmatch(r"0|[1-9][0-9]{0,4}", said):
        first = int(said)
        last = node.at("endPort").number(first)
    else:
        node.unread("a port of the workloads, or a number")
    if not first <= last <= HIGHEST or (not first and node.at("endPort").is_there):
        node.unread("ports from a first to a last one")
    return protocol in ("ANY", "TCP") and (first == 0 or first <= asked <= last)
