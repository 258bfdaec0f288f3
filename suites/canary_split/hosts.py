"""Hostnames of routes and listeners, and which requests they are of.

Source: gateway-api.sigs.k8s.io/reference/spec, HTTPRouteSpec and Listener: an exact name, or a
wildcard that stands for one label or several. None at all is of every host, and only that is of
a bare address, as no hostname is one. Pure.
"""

from __future__ import annotations

import re

from fixtures.manifests.reading import Node

NAME = re.compile(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
ADDRESS = re.compile(r"[0-9.]+")


def read_host(node: Node) -> str:
    """A hostname, exact or with a wildcard.

    Raises:
        UnreadError: it is none, or an address.
    """
    name = node.text()
    if not NAME.fullmatch(name) or ADDRESS.fullmatch(name):
        node.unread("a hostname")
    return name


def covers(hostname: str, host: str) -> bool:
    """Whether a hostname, or "" for every host, is of a request's host, "" for the address."""
    if hostname.startswith("*."):
        return host.endswith(hostname[1:])
    return hostname in ("", host)


def precedence(hostname: str) -> tuple[bool, int]:
    """Where several are of a host, the highest decides: an exact one, or else the longest."""
    return (hostname != "" and not hostname.startswith("*."), len(hostname))
