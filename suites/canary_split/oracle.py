"""What HTTPRoute/advanced-routing means, for every request, and the space of requests.

Pure: from the values of a request to what it must get. Sources: the Gateway API's reference of
HTTPRouteMatch (gateway-api.sigs.k8s.io/reference/spec): all conditions of a match must hold, one
that is not given holds for every request, an `Exact` value of a header is the whole value and its
case counts, names know none; what matches no rule is answered 404. How a repeated header is seen
is the implementation's own (HTTPHeaderMatch); Envoy's is `samples.joined`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.checks.expectations import NO_ROUTE, Expectation, Served
from fixtures.checks.samples import (
    COOKIES,
    HEADERS,
    METHODS,
    PATHS,
    QUERIES,
    VERSIONS,
    Space,
    joined,
)

SERVICES = frozenset({"api-service", "api-service-canary"})
JSON = "application/json"

SPACE: Space = {
    "http": VERSIONS,
    "method": METHODS,
    "path": PATHS,
    "query": {**QUERIES, "type": "content-type=application/json"},
    "host": {
        "address": {},
        "name": {"Host": "api.example.com"},
        "port": {"Host": "api.example.com:80"},
        "upper": {"Host": "API.EXAMPLE.COM"},
        "other": {"Host": "shop.example.org"},
    },
    "type": {
        "json": {"Content-Type": JSON},
        "json, another case of the name": {"CONTENT-TYPE": JSON},
        "json again": {"content-type": JSON},
        "charset": {"Content-Type": f"{JSON}; charset=utf-8"},
        "case": {"Content-Type": "Application/JSON"},
        "longer": {"Content-Type": "application/json-patch+json"},
        "of another": {"Content-Type": "application/vnd.api+json"},
        "two": {"Content-Type": f"{JSON}, text/plain"},
        "two lines": {"Content-Type": (JSON, "text/plain")},
        "two lines, json last": {"Content-Type": ("text/plain", JSON)},
        "two lines of json": {"Content-Type": (JSON, JSON)},
        "text": {"Content-Type": "text/plain"},
        "form": {"Content-Type": "application/x-www-form-urlencoded"},
        "empty": {"Content-Type": ""},
        "absent": {},
    },
    "agent": {
        "none": {},
        "phone": {"User-Agent": "Mozilla/5.0 (iPhone) Mobile/15E148"},
        "program": {"User-Agent": "curl/8.14.1"},
    },
    "header": HEADERS,
    "cookie": COOKIES,
}


def expectation(request: Mapping[str, Any]) -> Expectation:
    """What is sent as `application/json` is served by one of the two services, all else by none."""
    kind = joined(next(iter(request.get("type", {}).values()), ""))
    return Served(SERVICES) if kind == JSON else NO_ROUTE
