"""An AuthorizationPolicy's rules, each by a request or two that it serves or denies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clusters.errors import UnreadError
from suites.rbac_denial.oracle import CLIENTS
from suites.rbac_denial.policy import Request, read

HOST = "backend-api.plumbline-rbac-denial.svc.cluster.local"
FRONTEND, NAMESAKE = CLIENTS["frontend"], CLIENTS["namesake"]
ALL = set(CLIENTS)
INSIDE = ALL - {"outsider"}
OF_DEFAULT = INSIDE - {"namesake"}


def request(client: str = "frontend", **said: str) -> Request:
    plain: dict[str, Any] = {
        "workload": "backend-api",
        "method": "GET",
        "path": "/api/v1/items",
        "host": HOST,
    }
    return Request(principal=CLIENTS[client], **(plain | said))


def serves(spec: dict[str, Any], asked: Request) -> bool:
    document = {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "example"},
        "spec": spec,
    }
    return read(document).is_served(asked)


def served(spec: dict[str, Any]) -> set[str]:
    """The clients that are served."""
    return {client for client in CLIENTS if serves(spec, request(client))}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"principals": [FRONTEND]}, {"frontend"}),
        ({"principals": [FRONTEND, NAMESAKE]}, {"frontend", "namesake"}),
        ({"principals": [f"{FRONTEND}*"]}, {"frontend", "lookalike"}),
        ({"principals": ["*/sa/frontend"]}, {"frontend", "namesake"}),
        ({"principals": ["*"]}, INSIDE),
        ({"principals": ["another.domain/ns/default/sa/frontend"]}, set()),
        ({"notPrincipals": [FRONTEND]}, ALL - {"frontend"}),
        ({"notPrincipals": ["*"]}, {"outsider"}),
        ({"namespaces": ["default"]}, OF_DEFAULT),
        ({"namespaces": ["def*"]}, OF_DEFAULT),
        ({"namespaces": ["*-denial"]}, {"namesake"}),
        ({"namespaces": ["*"]}, INSIDE),
        ({"namespaces": ["defaul"]}, set()),
        ({"notNamespaces": ["default"]}, {"namesake", "outsider"}),
        ({"serviceAccounts": ["default/frontend"]}, {"frontend"}),
        ({"serviceAccounts": ["frontend"]}, {"namesake"}),
        ({"notServiceAccounts": ["default/frontend"]}, ALL - {"frontend"}),
        ({"requestPrincipals": ["*"]}, set()),
        ({"notRequestPrincipals": ["*"]}, ALL),
        ({"principals": ["*/frontend"], "notNamespaces": ["default"]}, {"namesake"}),
        ({"principals": [], "namespaces": ["default"]}, OF_DEFAULT),
        ({"trustDomains": ["cluster.local"]}, INSIDE),
        ({"trustDomains": ["cluster"]}, set()),
        ({"notTrustDomains": ["plumbline"]}, ALL),
        ({"notTrustDomains": ["cluster.*"]}, {"outsider"}),
        ({"ipBlocks": ["0.0.0.0/0"]}, ALL),
        ({"remoteIpBlocks": ["192.0.2.0/24"]}, set()),
        ({"notIpBlocks": ["0.0.0.0/0"]}, set()),
        ({"ipBlocks": ["192.0.2.0/24", "0.0.0.0/0"], "principals": [FRONTEND]}, {"frontend"}),
    ],
)
def test_a_source(source: dict[str, list[str]], expected: set[str]) -> None:
    assert served({"rules": [{"from": [{"source": source}]}]}) == expected


@pytest.mark.parametrize(
    ("operation", "yes", "no"),
    [
        ({"methods": ["GET", "P*"]}, {"method": "PUT"}, {"method": "HEAD"}),
        ({"methods": ["*T"]}, {}, {"method": "HEAD"}),
        ({"notMethods": ["HEAD"]}, {}, {"method": "HEAD"}),
        ({"paths": ["/api/v1/*"]}, {"path": "/api/v1/"}, {"path": "/api/v1"}),
        ({"paths": ["*/items"]}, {"path": "/api/v2/items"}, {"path": "/items/"}),
        ({"paths": ["/API"]}, {"path": "/API"}, {"path": "/api"}),
        ({"notPaths": ["/metrics", "/admin*"]}, {}, {"path": "/admin/"}),
        ({"paths": ["/a*"], "notPaths": ["/ab*"]}, {"path": "/ac"}, {"path": "/abc"}),
        ({"hosts": [HOST.upper()]}, {}, {"host": f"{HOST}:80"}),
        ({"hosts": ["backend-api.*"]}, {"host": HOST.upper()}, {"host": "example.com"}),
        ({"notHosts": ["*.com"]}, {}, {"host": "example.com"}),
        ({"methods": ["GET"], "paths": ["/a"]}, {"path": "/a"}, {"path": "/a", "method": "PUT"}),
    ],
)
def test_an_operation(
    operation: dict[str, list[str]], yes: dict[str, str], no: dict[str, str]
) -> None:
    spec = {"rules": [{"to": [{"operation": operation}]}]}
    assert serves(spec, request(**yes))
    assert not serves(spec, request(**no))


@pytest.mark.parametrize(
    ("operation", "holds"),
    [
        ({"ports": ["3000"]}, True),
        ({"ports": ["80"]}, False),
        ({"notPorts": ["3000"]}, False),
        ({"notPorts": ["80"]}, True),
        ({"hosts": ["*"]}, True),
        ({"notHosts": ["*"]}, False),
        ({"paths": ["*"]}, True),
    ],
)
def test_an_operation_that_is_alike_for_all(operation: dict[str, Any], holds: bool) -> None:
    assert serves({"rules": [{"to": [{"operation": operation}]}]}, request()) is holds


@pytest.mark.parametrize(
    ("said", "with_it", "without"),
    [
        ({"values": ["Mobile"]}, True, False),
        ({"values": ["mobile", "M*"]}, True, False),
        ({"values": ["mobile"]}, False, False),
        ({"notValues": ["plumbline"]}, True, True),
        ({"notValues": ["Mob*"]}, False, True),
        ({"values": ["M*"], "notValues": ["*e"]}, False, False),
    ],
)
def test_a_condition_of_a_header(said: dict[str, Any], with_it: bool, without: bool) -> None:
    spec = {"rules": [{"when": [{"key": "request.headers[X-Tenant]", **said}]}]}
    sent = replace(request(), headers={"x-tenant": "Mobile"})
    assert (serves(spec, sent), serves(spec, request())) == (with_it, without)


GET = {"to": [{"operation": {"methods": ["GET"]}}]}
BY_FRONTEND = {"from": [{"source": {"principals": [FRONTEND]}}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, set()),
        ({"rules": []}, set()),
        ({"rules": [{}]}, ALL),
        ({"action": "DENY", "rules": []}, ALL),
        ({"action": "DENY", "rules": [{}]}, set()),
        ({"action": "DENY", "rules": [BY_FRONTEND]}, ALL - {"frontend"}),
        ({"action": "AUDIT", "rules": [BY_FRONTEND]}, ALL),
        ({"action": "ALLOW", "rules": [{**BY_FRONTEND, **GET}]}, {"frontend"}),
        ({"rules": [BY_FRONTEND, GET]}, ALL),
        ({"rules": [{"from": [*BY_FRONTEND["from"], {"source": {"principals": [NAMESAKE]}}]}]},
         {"frontend", "namesake"}),
    ],
)  # fmt: skip
def test_rules_and_actions(spec: dict[str, Any], expected: set[str]) -> None:
    assert served(spec) == expected


@pytest.mark.parametrize(
    ("selector", "guarded"),
    [
        ({}, {"backend-api", "bystander"}),
        ({"matchLabels": {}}, {"backend-api", "bystander"}),
        ({"matchLabels": {"version": "v1"}}, {"backend-api", "bystander"}),
        ({"matchLabels": {"app": "backend-api"}}, {"backend-api"}),
        ({"matchLabels": {"app": "bystander", "version": "v1"}}, {"bystander"}),
        ({"matchLabels": {"app": "bystander", "version": "v2"}}, set()),
        ({"matchLabels": {"tier": "back"}}, set()),
    ],
)
def test_a_selector(selector: dict[str, Any], guarded: set[str]) -> None:
    workloads = ("backend-api", "bystander")
    denied = {w for w in workloads if not serves({"selector": selector}, request(workload=w))}
    assert denied == guarded
    if not selector:
        assert not serves({}, request(workload="bystander"))


@pytest.mark.parametrize(
    "spec",
    [
        {"action": "CUSTOM", "provider": {"name": "x"}},
        {"action": "CUSTOM"},
        {"targetRefs": []},
        {"selector": {"matchLabels": {"pod-template-hash": "5d9"}}},
        {"rules": [{"when": [{"key": "source.ip", "values": ["10.0.0.1"]}]}]},
        {"rules": [{"from": []}]},
        {"rules": [{"from": [{}]}]},
        {"rules": [{"from": [{"source": {"principals": []}}]}]},
        {"rules": [{"from": [{"source": {"principals": ["*front*"]}}]}]},
        {"rules": [{"from": [{"source": {"principals": ["*sa/(a|b)"]}}]}]},
        {"rules": [{"from": [{"source": {"principals": [f"spiffe://{FRONTEND}"]}}]}]},
        {"rules": [{"from": [{"source": {"namespaces": ["d*t"]}}]}]},
        {"rules": [{"from": [{"source": {"serviceAccounts": ["*"]}}]}]},
        {"rules": [{"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]}]},
        {"rules": [{"from": [{"source": {"remoteIpBlocks": ["10.0.0.0/8"]}}]}]},
        {"rules": [{"from": [{"source": {"ipBlocks": ["somewhere"]}}]}]},
        {"rules": [{"when": [{"key": "request.headers[x-tenant]"}]}]},
        {"rules": [{"when": [{"key": "request.headers[x-tenant]", "values": ["*"]}]}]},
        {"rules": [{"to": []}]},
        {"rules": [{"to": [{"operation": {"paths": ["/api/{*}"]}}]}]},
        {"rules": [{"to": [{"operation": {"paths": ["/a*/b"]}}]}]},
        {"rules": [{"to": [{"operation": {"methods": [""]}}]}]},
        {"rules": [{"to": [{"operation": {"ports": ["http"]}}]}]},
        {"rules": [{"to": [{"operation": {"ports": [3000]}}]}]},
        {"rules": [None]},
    ],
)
def test_what_is_not_read(spec: dict[str, Any]) -> None:
    with pytest.raises(UnreadError) as raised:
        serves(spec, request())
    assert raised.value.seen.startswith("/spec/")
