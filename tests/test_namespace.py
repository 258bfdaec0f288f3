"""A namespace's proxies are waited for together, and what keeps them back is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from clusters.errors import NotReadyError, WrongManifestError
from clusters.kube import Kube
from clusters.remote import Container
from fixtures.lab import convergence
from fixtures.lab.convergence import marker
from fixtures.lab.space import Space
from fixtures.manifests import Given
from fixtures.traffic.client import ClientPod

PROXIED = {"name": "istio-proxy"}
RULE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "a"},
}
SLOW = Given({**RULE, "spec": {}}, "a.yaml")


def pod(name: str, *containers: dict[str, str]) -> dict[str, Any]:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    spec = {"containers": [{"name": "app"}, *containers]}
    return {"metadata": {"name": name}, "status": ready, "spec": spec}


@dataclass
class Cluster:
    """A cluster whose proxies have every marker at once, unless a document keeps them back."""

    bad: str = ""
    stuck: frozenset[str] = frozenset()
    objects: dict[str, Any] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def list(self, _version: str, _kind: str, namespace: str, _labels: str = "") -> list[Any]:
        return [pod("a", PROXIED), pod("b", PROXIED), pod("c")] if namespace == "own" else []

    def get(self, _version: str, _kind: str, name: str, _namespace: str) -> dict[str, Any]:
        return pod(name, *([PROXIED] if name != "outsider" else []))

    def apply(self, document: dict[str, Any], _namespace: str, _origin: str = "") -> dict[str, Any]:
        self.objects[f"{document['kind']}/{document['metadata']['name']}"] = document
        return document

    def delete(self, document: dict[str, Any], _namespace: str) -> None:
        self.objects.pop(f"{document['kind']}/{document['metadata']['name']}", None)

    def exec(self, container: Container, command: tuple[str, ...]) -> str:
        path = command[-1]
        self.requests.append(f"{container.pod} {path.partition('?')[2]}")
        if path.startswith("stats"):
            return "listener_manager.total_listeners_draining: 0\n"
        if self.bad in self.objects or container.pod in self.stuck:
            return json.dumps({"configs": []})
        kind = "VirtualService" if "route" in path else "AuthorizationPolicy"
        held = self.objects[f"{kind}/{marker.MARKER}"]
        return json.dumps({"configs": [{"active_state": held, "route_config": held}]})

    def kubectl(self, words: str) -> str:
        return words

    def logs(self, *_words: str, since: float) -> str:
        assert since
        return ""


def space(cluster: Cluster) -> Space:
    return Space(cast("Kube", cluster), "own")


def client(cluster: Cluster, name: str) -> ClientPod:
    return ClientPod(cast("Kube", cluster), "default", name, "identity")


def test_every_proxy_of_the_namespace_and_of_the_clients_is_looked_at() -> None:
    cluster = Cluster()
    clients = [client(cluster, "frontend"), client(cluster, "outsider")]
    convergence.documents(space(cluster), [SLOW], 1, clients)
    listeners, routes = "resource=dynamic_listeners", "resource=dynamic_route_configs"
    looked_at = {each for each in cluster.requests if "filter" not in each}
    assert looked_at == {f"a {listeners}", f"b {listeners}", f"frontend {routes}"}
    assert "DestinationRule/a" in cluster.objects


def test_a_proxy_that_stays_behind_is_named() -> None:
    with pytest.raises(NotReadyError, match="b's proxy to listen"):
        convergence.in_step(space(Cluster(stuck=frozenset({"b"}))), 0.05)


def test_a_document_that_keeps_proxies_back_is_wrong_where_a_control_is_in_force() -> None:
    cluster = Cluster(bad="DestinationRule/a")
    with pytest.raises(WrongManifestError, match="a control of its kind is in force"):
        convergence.documents(space(cluster), [SLOW], 0.05)


def test_a_cluster_that_puts_nothing_in_force_is_the_environment() -> None:
    with pytest.raises(NotReadyError):
        convergence.documents(space(Cluster(stuck=frozenset({"a"}))), [SLOW], 0.05)
