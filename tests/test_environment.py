"""Variables of a control plane: set and taken back, whatever becomes of the block."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kubernetes.dynamic.exceptions import DynamicApiError

from clusters.confinement import Unconfined
from clusters.errors import NotReadyError, RefusedError
from clusters.kube import Kube
from clusters.ledger import Ledger
from clusters.topology import Cluster
from fixtures.lab import tokens
from fixtures.lab.environment import environment, with_values

FORMER = [{"name": "discovery", "image": "i", "env": [{"name": "A", "value": "1"}, {"name": "B"}]}]
RUNNING = {"conditions": [{"type": "Ready", "status": "True"}]}


class FakeKube:
    """A cluster with one istiod, whose proxies come back to it after a look or two."""

    def __init__(self) -> None:
        self.cluster = SimpleNamespace(name="azure-cluster")
        self.containers: list[Any] = FORMER
        self.history: list[Any] = []
        self.looks = 0
        self.holders = ["istiod", "istiod-that-has-gone"]

    def get(self, _version: str, _kind: str, name: str, namespace: str) -> Any:
        spec = {
            "selector": {"matchLabels": {"app": "istiod"}},
            "template": {"spec": {"containers": self.containers}},
        }
        known = (namespace, name) == ("istio-system", "istiod")
        return {"metadata": {"name": name, "namespace": namespace}, "spec": spec} if known else None

    def patch(self, document: Any, namespace: str) -> Any:
        assert namespace == "istio-system"
        self.containers = document["spec"]["template"]["spec"]["containers"]
        self.history.append(self.containers)

    def wait_rolled_out(self, _namespace: str, _deadline: float, labels: str) -> None:
        assert labels == "app=istiod"

    def pod(self, _namespace: str, _labels: str) -> Any:
        return {"metadata": {"name": "istiod-1"}}

    def list(self, _version: str, kind: str, namespace: str = "", _labels: str = "") -> Any:
        if kind == "Lease":
            return [
                {"metadata": {"name": f"of-{holder}"}, "spec": {"holderIdentity": holder}}
                for holder in self.holders
            ]
        name = "istiod" if namespace else "strict"
        proxy = {"containers": [{"name": "istio-proxy"}]}
        place = {"name": name, "namespace": namespace or "n"}
        return [{"metadata": place, "spec": proxy, "status": RUNNING}]

    def delete(self, document: Any, namespace: str) -> None:
        assert (document["kind"], namespace) == ("Lease", "istio-system")
        self.holders.remove(document["metadata"]["name"].removeprefix("of-"))

    def exec(self, *_words: object) -> str:
        self.looks += 1
        return json.dumps([{"proxy": "strict.n"}] if self.looks % 2 == 0 else None)

    def kubectl(self, words: str) -> str:
        return words


def test_variables_are_added_and_replaced() -> None:
    (changed,) = with_values(FORMER, {"A": "2", "C": "3"})
    assert changed["env"] == [
        {"name": "B"},
        {"name": "A", "value": "2"},
        {"name": "C", "value": "3"},
    ]
    assert changed["image"] == "i"
    assert FORMER[0]["env"] == [{"name": "A", "value": "1"}, {"name": "B"}]
    assert with_values([{"name": "d"}], {"A": "1"})[0]["env"] == [{"name": "A", "value": "1"}]


def test_what_was_there_is_put_back_once_the_proxies_have_come() -> None:
    kube = FakeKube()
    with environment(cast(Any, kube), "istio-system/istiod", {"A": "2"}, 5):
        assert kube.containers == with_values(FORMER, {"A": "2"})
        assert kube.looks == 2
    assert kube.containers == FORMER


def test_who_has_gone_holds_no_lease() -> None:
    kube = FakeKube()
    with environment(cast(Any, kube), "istio-system/istiod", {"A": "2"}, 5):
        assert kube.holders == ["istiod"]


def test_what_was_there_is_put_back_when_a_block_dies() -> None:
    kube = FakeKube()
    with (
        pytest.raises(KeyboardInterrupt),
        environment(cast(Any, kube), "istio-system/istiod", {"A": "2"}, 5),
    ):
        raise KeyboardInterrupt
    assert kube.history == [with_values(FORMER, {"A": "2"}), FORMER]


def test_who_is_not_there_is_not_changed() -> None:
    kube = FakeKube()
    with (
        pytest.raises(NotReadyError, match="Deployment/pilot in istio-system"),
        environment(cast(Any, kube), "istio-system/pilot", {"A": "2"}, 5),
    ):
        pass
    assert kube.history == []


# --- tokens -----------------------------------------------------------------------------------


class Resource:
    """ServiceAccounts of an API server that makes tokens for one of them."""

    def __init__(self) -> None:
        self.subresources = {"token": self}
        self.request: dict[str, Any] = {}

    def create(self, *, body: Any, name: str, namespace: str, serialize: bool) -> Any:
        assert not serialize
        self.request = {"body": body, "name": name, "namespace": namespace}
        if name == "nobody":
            error = SimpleNamespace(
                status=404, reason="Not Found", body=b'{"message": "none"}', headers={}
            )
            raise DynamicApiError(cast(Any, error))  # type: ignore[no-untyped-call]
        return SimpleNamespace(data=json.dumps({"status": {"token": "a.b.c"}}))


@pytest.fixture
def accounts() -> Resource:
    return Resource()


@pytest.fixture
def kube(accounts: Resource) -> Kube:
    kube = Kube.__new__(Kube)
    kube.cluster = Cluster.model_construct(name="aws", kubeconfig=Path("k"), context="c")
    kube._bounds = Unconfined()
    kube._ledger = Ledger()
    server = SimpleNamespace(resource=lambda *_: accounts, kubectl=lambda words: words)
    kube._server = cast(Any, server)
    return kube


def test_a_token_is_asked_for_istiod_and_shown_nowhere(kube: Kube, accounts: Resource) -> None:
    token = tokens.token(kube, "n", "strict")
    assert token.get_secret_value() == "a.b.c"
    assert "a.b.c" not in f"{token} {token!r}"
    assert (accounts.request["name"], accounts.request["namespace"]) == ("strict", "n")
    assert accounts.request["body"]["spec"] == {"expirationSeconds": 600, "audiences": ["istio-ca"]}


def test_a_token_may_end_with_something_and_be_for_another(kube: Kube, accounts: Resource) -> None:
    pod = {"kind": "Pod", "metadata": {"name": "p", "uid": "u"}}
    tokens.token(kube, "n", "strict", "", bound=pod)
    reference = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}
    assert accounts.request["body"]["spec"] == {
        "expirationSeconds": 600,
        "boundObjectRef": reference,
    }


def test_a_token_of_nobody_is_refused(kube: Kube) -> None:
    with pytest.raises(RefusedError, match="a token of ServiceAccount/nobody"):
        tokens.token(kube, "n", "nobody")
