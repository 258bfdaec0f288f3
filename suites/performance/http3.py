"""What must be true of a Gateway that is asked by HTTP/3 and by HTTP over TCP.

Sources: RFC 9114, 3.1.1 (a server tells of HTTP/3 by Alt-Svc), RFC 7838, 3 (its syntax); Gateway
API, "HTTPRoute" and Istio, "Authorization Policy": neither knows of a version of HTTP. Pure.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from fixtures.checks import Check, every
from fixtures.checks.guard import each, is_served
from fixtures.history import Exchange

H3 = re.compile(r'(?:^|,)\s*h3="(?P<host>[^":]*):(?P<port>\d+)"')
"""An alternative of Alt-Svc that is HTTP/3, by its protocol's id; no draft of it."""
FIELD = "alt-svc"


def arrives_as_sent(service: str, version: str, header: str, minimum: int) -> Check:
    """Each request is served by a service, to which it came with its method and path, and of which
    the Gateway says in a header that it was spoken to in this version of HTTP.

    Args:
        version: how it begins, such as HTTP/3.
    """

    def holds(exchange: Exchange) -> bool:
        arrived = exchange.arrived
        if not is_served(exchange) or exchange.service != service or arrived is None:
            return False
        own = (exchange.method, urlsplit(exchange.url).path)
        return own == (arrived.method, arrived.path) and is_of(
            arrived.headers.get(header, ""), version
        )

    return each(holds, f"served by {service} as it was sent, over {version}", minimum)


def is_of(spoken: str, version: str) -> bool:
    """Whether a version of HTTP, as Envoy tells it, is this one or a minor one of it."""
    return spoken == version or spoken.startswith(f"{version}.")


def offers_http3(port: int, minimum: int) -> Check:
    """Each answer tells of HTTP/3 at the same host, at this port."""

    def holds(exchange: Exchange) -> bool:
        offered = H3.finditer(exchange.answer_headers.get(FIELD, ""))
        return any((o["host"], o["port"]) == ("", str(port)) for o in offered)

    return each(holds, f"told of HTTP/3 at port {port} by {FIELD}", minimum)


def told_and_served(service: str, header: str, port: int, minimum: int) -> Check:
    """Each request over TCP is served as it was sent, and its answer tells of HTTP/3."""
    over_tcp = arrives_as_sent(service, "HTTP/1", header, minimum)
    return every(over_tcp, offers_http3(port, minimum))
