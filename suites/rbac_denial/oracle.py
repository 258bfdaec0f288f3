"""What AuthorizationPolicy/service-auth means, for every request, and the space of requests.

Pure: from the values of a request and who sends it to what it must get. Sources: Istio's reference
of AuthorizationPolicy (istio.io/latest/docs/reference/config/security/authorization-policy): one
ALLOW policy denies what it does not name; all fields of a source and of an operation must hold;
`/api/v1/*` is a prefix; and of path normalization (MeshConfig.ProxyPathNormalization, BASE:
RFC 3986 dot segments, then as it stands; case counts).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.checks.expectations import BY_RBAC, Expectation, Served
from fixtures.checks.samples import COOKIES, HEADERS, METHODS, QUERIES, VERSIONS, Sample, Space

PRINCIPAL = "cluster.local/ns/default/sa/frontend"
PREFIX = "/api/v1/"
SERVED = Served(frozenset({"backend-api"}))

PATHS = {
    "item": "/api/v1/items",
    "deep": "/api/v1/a/b/c",
    "nothing behind": "/api/v1/",
    "odd": "/api/v1/caf%C3%A9",
    "long": f"/api/v1/{'long-' * 60}",
    "its health": "/api/v1/healthz",
    "root": "/",
    "next version": "/api/v2/items",
    "no slash": "/api/v1",
    "longer version": "/api/v10/items",
    "longer name": "/api/v1items",
    "upper": "/API/V1/items",
    "another prefix": "/internal/api/v1/items",
    "health": "/healthz",
    "live": "/livez",
    "ready": "/ready",
    "metrics": "/metrics",
    "statistics": "/stats/prometheus",
    "debug": "/debug/pprof/",
    "admin": "/admin",
    "documentation": "/openapi.json",
    "well known": "/.well-known/openid-configuration",
    "icon": "/favicon.ico",
}
SPACE: Space = {
    "http": VERSIONS,
    "method": METHODS,
    "path": PATHS,
    "query": {**QUERIES, "path": "path=/api/v1/items"},
    "header": {
        **HEADERS,
        "method override": {"X-HTTP-Method-Override": "GET"},
        "original path": {"X-Original-URL": "/api/v1/items"},
        "forwarded": {"X-Forwarded-For": "127.0.0.1"},
    },
    "cookie": COOKIES,
}


def expectation(request: Mapping[str, Any], principal: str = PRINCIPAL) -> Expectation:
    """GET of /api/v1/ and what is below it is served to default/frontend, all else denied."""
    meant = (
        principal == PRINCIPAL
        and request.get("method", "GET") == "GET"
        and request.get("path", "/").startswith(PREFIX)
    )
    return SERVED if meant else BY_RBAC


def is_served(sample: Sample) -> bool:
    """Whether a request of a sample must be served."""
    return sample.expectation == SERVED
