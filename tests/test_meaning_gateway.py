"""What any Gateway means, rule by rule of the spec, and what is left unread."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.errors import UnreadError
from fixtures.manifests.meaning import Meaning
from suites.canary_split.meaning import meaning, requests
from tests.meanings import patched

LISTENER = "/spec/listeners/0"
ALLOWED = f"{LISTENER}/allowedRoutes"
SPLIT = "9/10 200 by api-service, 1/10 200 by api-service-canary"


def gateway(*operations: tuple[str, str, Any]) -> Meaning:
    return meaning("gateway", patched("gateway", *operations))


THROUGH = gateway()


SECOND = {"name": "second", "port": 80, "protocol": "HTTP", "hostname": "*.example.com"}
OWN = {"matchLabels": {"kubernetes.io/metadata.name": "plumbline-canary-split"}}


@pytest.mark.parametrize(
    "operations",
    [
        [("replace", f"{LISTENER}/name", "web")],
        [("replace", "/apiVersion", "gateway.networking.k8s.io/v1")],
        [("replace", ALLOWED, {})],
        [("replace", f"{ALLOWED}/namespaces", {})],
        [("replace", f"{ALLOWED}/namespaces", {"from": "Same", "selector": {}})],
        [("replace", f"{ALLOWED}/namespaces", {"from": "Selector", "selector": OWN})],
        [("add", f"{ALLOWED}/kinds", [{"kind": "HTTPRoute"}])],
        [("add", f"{ALLOWED}/kinds", [{"kind": "HTTPRoute"}, {"kind": "GRPCRoute"}])],
        [("add", "/spec/addresses", [])],
        [("add", "/spec/infrastructure", {"labels": {"team": "web"}, "annotations": {"a": "b"}})],
        [("add", "/spec/listeners/1", SECOND)],
        [("add", "/spec/allowedListeners", {"namespaces": {"from": "All"}})],
    ],
)
def test_a_gateway_that_no_request_can_tell_is_the_references(operations: Any) -> None:
    assert gateway(*operations) == THROUGH


@pytest.mark.parametrize(
    "namespaces",
    [
        {"from": "All"},
        {"from": "Selector", "selector": {}},
        {"from": "Selector", "selector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "Exists"}]}},
        {"from": "Selector", "selector": {"matchExpressions": [
            {"key": "team", "operator": "DoesNotExist"}]}},
        {"from": "Selector", "selector": {"matchExpressions": [
            {"key": "team", "operator": "NotIn", "values": ["web"]}]}},
    ],
)  # fmt: skip
def test_a_gateway_may_admit_a_route_of_another_namespace(namespaces: Any) -> None:
    answers = gateway(("replace", f"{ALLOWED}/namespaces", namespaces))
    assert answers == {**THROUGH, "a route of default is accepted": True}


@pytest.mark.parametrize(
    ("operation", "wanted"),
    [
        (("replace", f"{ALLOWED}/namespaces",
          {"from": "Selector", "selector": {"matchLabels": {"team": "web"}}}), "404 by no backend"),
        (("add", f"{ALLOWED}/kinds", [{"kind": "GRPCRoute"}]), "404 by no backend"),
        (("replace", "/metadata/name", "another"), "404 by no backend"),
        (("replace", f"{LISTENER}/port", 8080), "no answer"),
        (("replace", "/spec/gatewayClassName", "another"), "no answer"),
    ],
)  # fmt: skip
def test_a_gateway_may_keep_the_references_route_out(operation: Any, wanted: str) -> None:
    answers = gateway(operation)
    assert {answers[each.key] for each in requests()} == {wanted}
    assert answers["a route of default is accepted"] is False


def test_listeners_of_several_hostnames_are_of_their_hosts() -> None:
    """And a host that no listener is of is answered 404."""
    second = {**SECOND, "hostname": "api.example.com"}
    answers = gateway(
        ("add", f"{LISTENER}/hostname", "*.example.org"), ("add", "/spec/listeners/1", second)
    )
    for each in requests():
        covered = each.host in ("shop.example.org", "api.example.com")
        assert answers[each.key] == (THROUGH[each.key] if covered else "404 by no backend")


@pytest.mark.parametrize(
    "operation",
    [
        ("add", "/spec/infrastructure", {"parametersRef": {"kind": "Service", "name": "x"}}),
        ("add", "/spec/infrastructure", {"labels": {"istio.io/rev": "x"}}),
        ("add", "/spec/addresses", [{"value": "198.18.0.9"}]),
        ("add", f"{LISTENER}/tls", {}),
        ("replace", f"{LISTENER}/protocol", "HTTPS"),
        ("replace", f"{LISTENER}/protocol", "http"),
        ("replace", f"{LISTENER}/port", "80"),
        ("remove", "/spec/listeners", None),
        ("replace", "/spec/listeners", []),
        ("add", "/spec/listeners/1", {**SECOND, "port": 8080}),
        ("add", "/spec/listeners/1", {**SECOND, "name": "http"}),
        ("add", "/spec/listeners/1", {"name": "second", "port": 80, "protocol": "HTTP"}),
        ("add", "/spec/listeners/1",
         {**SECOND, "allowedRoutes": {"kinds": [{"kind": "GRPCRoute"}]}}),
        ("replace", f"{ALLOWED}/namespaces/from", "None"),
        ("replace", f"{ALLOWED}/namespaces/from", "Selector"),
        ("add", f"{ALLOWED}/kinds", [{"kind": "TCPRoute"}]),
        ("replace", f"{ALLOWED}/namespaces",
         {"from": "Selector", "selector": {"matchLabels": {"istio-injection": "enabled"}}}),
        ("replace", f"{ALLOWED}/namespaces", {"from": "Selector", "selector": {"matchFields": []}}),
        ("replace", "/spec/gatewayClassName", "istio-remote"),
        ("add", "/metadata/labels", {"team": "web"}),
        ("add", "/metadata/annotations", {"note": "mine"}),
    ],
)  # fmt: skip
def test_what_is_not_known_of_a_gateway_is_unread(operation: Any) -> None:
    with pytest.raises(UnreadError):
        gateway(operation)
