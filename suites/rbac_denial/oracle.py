"""What AuthorizationPolicy/service-auth means, for every request, and the spaces of requests.

Pure: from the values of a request and who sends it to what it must get. It knows the clients by
their identities, and sends nothing. Sources: Istio's reference
of AuthorizationPolicy (istio.io/latest/docs/reference/config/security/authorization-policy): one
ALLOW policy denies what it does not name; all fields of a source and of an operation must hold;
`/api/v1/*` is a prefix; a workload that no policy selects serves everybody; and of path
normalization (MeshConfig.ProxyPathNormalization, BASE: RFC 3986 dot segments, then as it stands;
case counts). Of plain text: mutual TLS is PERMISSIVE where no PeerAuthentication says otherwise,
and the reference has none (istio.io/latest/docs/reference/config/security/peer_authentication).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clusters.components.istio import TRUST_DOMAIN
from fixtures.checks.expectations import BY_RBAC, Expectation, Served
from fixtures.checks.samples import (
    CLIENT,
    COOKIES,
    HEADERS,
    METHODS,
    QUERIES,
    VERSIONS,
    Oracle,
    Sample,
    Space,
    ports_of,
)
from fixtures.lab import HOME
from suites.rbac_denial.policy import NAMESPACE, PORTS

PRINCIPAL = "cluster.local/ns/default/sa/frontend"
CLIENTS = {
    "frontend": PRINCIPAL,
    "stranger": f"{TRUST_DOMAIN}/ns/{HOME}/sa/stranger",
    "lookalike": f"{TRUST_DOMAIN}/ns/{HOME}/sa/frontend-x",
    "namesake": f"{TRUST_DOMAIN}/ns/{NAMESPACE}/sa/frontend",
    "outsider": "",
}
"""The identity of each client pod; the last sends plain text and has none."""
OTHERS = {name: identity for name, identity in CLIENTS.items() if identity != PRINCIPAL}

PREFIX = "/api/v1/"
SERVED = Served(frozenset({"backend-api"}))
BY_BYSTANDER = Served(frozenset({"bystander"}))

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
    "port": ports_of(PORTS),
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
AROUND = {
    "two slashes": "/api//v1/items",
    "encoded slash": "/api%2Fv1/items",
    "encoded last slash": "/api/v1%2fitems",
}
"""Paths that Envoy leaves as they are: it neither merges nor decodes slashes, if it is not told to
(istio.io/latest/docs/reference/config/istio.mesh.v1alpha1, NormalizationType: BASE)."""
GUARDED: Space = {**SPACE, "path": {**SPACE["path"], **AROUND}}
"""What backend-api is asked. The bystander is not asked the paths around, as its program's own
treatment of slashes would be in the answer."""
MEANT = {"method": ("GET",), "path": [n for n, path in PATHS.items() if path.startswith(PREFIX)]}
"""The part of it that default/frontend may ask: a leak to another client is likeliest here."""


def expectation(request: Mapping[str, Any], principal: str = PRINCIPAL) -> Expectation:
    """GET of /api/v1/ and what is below it is served to default/frontend, all else denied."""
    meant = (
        principal == PRINCIPAL
        and request.get("method", "GET") == "GET"
        and request.get("path", "/").startswith(PREFIX)
    )
    return SERVED if meant else BY_RBAC


def by_its_client(request: Mapping[str, Any]) -> Expectation:
    """What a request must get from backend-api, as the client that its row names."""
    return expectation(request, request[CLIENT])


def untouched(_request: Mapping[str, Any]) -> Expectation:
    """Everything is served to everybody, plain text too."""
    return BY_BYSTANDER


BY_FRONTEND = Oracle(GUARDED, expectation, (MEANT,))
BY_OTHERS = Oracle({**GUARDED, CLIENT: OTHERS}, by_its_client, (MEANT,))
OF_BYSTANDER = Oracle({**SPACE, CLIENT: CLIENTS}, untouched, name="bystander")


def is_served(sample: Sample) -> bool:
    """Whether a request of a sample must be served."""
    return sample.expectation == SERVED
