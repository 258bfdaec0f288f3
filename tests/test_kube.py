"""The pure parts of talking to a cluster: waiting, states of objects, what the agents print."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import DynamicApiError

from clusters import confinement, objects
from clusters.api_server import ApiServer
from clusters.errors import CommandError, NotReadyError, RefusedError, UnreachableError
from clusters.kube import Kube
from clusters.topology import Cluster
from clusters.waiting import wait_for
from fixtures import checks
from fixtures.history.verdict import Outcome
from fixtures.lab import convergence, hubble


def test_waiting_ends_as_soon_as_nothing_is_missing() -> None:
    states: Iterator[str] = iter(["a", "b", ""])
    wait_for("a thing", lambda: next(states), deadline=5)
    assert list(states) == []


def test_waiting_past_the_deadline_says_what_was_seen_and_where_to_look() -> None:
    with pytest.raises(NotReadyError) as raised:
        wait_for("a pod", lambda: "Pending", deadline=0.15, look="kubectl get pods")
    assert str(raised.value) == (
        "expected: a pod within 0.15 s\nseen:     Pending\nlook:     kubectl get pods"
    )


def test_a_pod_that_does_not_run_says_why() -> None:
    unscheduled = {
        "type": "PodScheduled",
        "status": "False",
        "message": "0/1 nodes are available: 1 Insufficient cpu.",
    }
    waiting = [
        {"state": {"waiting": {"reason": "ErrImageNeverPull", "message": "no image x"}}},
        {"state": {"running": {}}},
    ]
    assert objects.held_back({"status": {"conditions": [unscheduled]}}) == unscheduled["message"]
    assert objects.held_back({"status": {"containerStatuses": waiting}}) == (
        "ErrImageNeverPull: no image x"
    )
    assert objects.held_back({"status": {"conditions": [{**unscheduled, "status": "True"}]}}) == ""


def test_a_pod_whose_sidecar_ends_again_and_again_says_so() -> None:
    waiting = {"state": {"waiting": {"reason": "PodInitializing"}}}
    ended = {"terminated": {"exitCode": 255, "reason": "Error"}}
    sidecar = {"name": "istio-proxy", "ready": False, "restartCount": 5, "lastState": ended}
    status = {"initContainerStatuses": [sidecar], "containerStatuses": [waiting]}
    assert objects.held_back({"status": status}) == (
        "PodInitializing; istio-proxy has ended 5 times, at last with 255 Error"
    )
    again = {**status, "initContainerStatuses": [{**sidecar, "ready": True}]}
    assert objects.held_back({"status": again}) == "PodInitializing"


def test_workloads_that_are_late_are_told_with_their_pods_reasons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deployment = {
        "metadata": {"name": "a", "generation": 1},
        "spec": {"template": {"metadata": {}}},
    }
    unscheduled = {"type": "PodScheduled", "status": "False", "message": "Insufficient cpu"}
    objects_of = {"Deployment": [deployment], "Pod": [{"status": {"conditions": [unscheduled]}}]}
    kube = Kube.__new__(Kube)
    kube.cluster = Cluster.model_construct(name="aws", kubeconfig=Path("k"), context="c")
    monkeypatch.setattr(kube, "list", lambda _, kind, __: objects_of[kind])
    monkeypatch.setattr(kube, "kubectl", lambda words: f"kubectl {words}")
    with pytest.raises(NotReadyError, match=r"a has .* of 1; Insufficient cpu"):
        kube.wait_rolled_out("n", 0.1)


def test_an_error_of_ours_while_waiting_is_something_seen() -> None:
    answers: Iterator[str] = iter([""])
    failing = iter([True, False])

    def pending() -> str:
        if next(failing):
            raise CommandError("an answer", seen="none")
        return next(answers)

    wait_for("a pod", pending, deadline=5)


def test_an_error_that_is_not_ours_ends_the_waiting() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_for("a pod", lambda: str(1 / 0), deadline=5)


@pytest.mark.parametrize(
    ("status", "deleted", "expected"),
    [("True", False, True), ("False", False, False), ("True", True, False)],
)
def test_a_pod_is_ready_unless_it_is_on_its_way_out(
    status: str, deleted: bool, expected: bool
) -> None:
    metadata = {"deletionTimestamp": "now"} if deleted else {}
    pod = {"metadata": metadata, "status": {"conditions": [{"type": "Ready", "status": status}]}}
    assert objects.is_ready(pod) is expected


def test_a_pod_without_conditions_is_not_ready() -> None:
    assert not objects.is_ready({"metadata": {}, "status": {}})


@pytest.mark.parametrize(
    ("generations", "expected"), [([2, 2], True), ([2, 1], False), ([None], False), ([], False)]
)
def test_conditions_must_all_speak_of_the_present_generation(
    generations: list[int | None], expected: bool
) -> None:
    conditions = [{"observedGeneration": g} for g in generations]
    assert objects.is_observed({"metadata": {"generation": 2}}, conditions) is expected


def flow(**fields: Any) -> str:
    labels = ["k8s:app=backend", "k8s:io.cilium.k8s.policy.cluster=aws-cluster"]
    document = {
        "verdict": "DROPPED",
        "drop_reason_desc": "POLICY_DENIED",
        "source": {"labels": labels},
        "destination": {"labels": ["k8s:app=frontend"]},
        **fields,
    }
    return json.dumps({"flow": document})


def test_a_drop_has_its_reason_its_labels_and_its_cluster() -> None:
    (drop,) = hubble.parse_drops([flow(), "", json.dumps({"lost_events": {}})])
    assert drop.reason == "POLICY_DENIED"
    assert drop.source_cluster == "aws-cluster"
    assert "k8s:app=backend" in drop.source_labels
    assert drop.destination_labels == {"k8s:app=frontend"}


def test_a_drop_has_the_port_that_it_was_sent_to() -> None:
    layers = [
        {"TCP": {"source_port": 4000, "destination_port": 3001}},
        {"UDP": {"source_port": 4000, "destination_port": 3000}},
        {"ICMPv4": {"type": 8}},
    ]
    drops = hubble.parse_drops(flow(l4=layer) for layer in layers)
    assert [drop.port for drop in drops] == ["3001/TCP", "3000/UDP", ""]


def test_what_was_forwarded_is_no_drop() -> None:
    assert list(hubble.parse_drops([flow(verdict="FORWARDED")])) == []


def test_a_drop_without_labels_is_of_no_cluster() -> None:
    (drop,) = hubble.parse_drops([flow(source={})])
    assert (drop.source_cluster, drop.source_labels) == ("", frozenset())


def test_what_a_flow_leaves_out_is_empty() -> None:
    bare = json.dumps({"flow": {"verdict": "DROPPED"}})
    (drop,) = hubble.parse_drops(
        ["  \n", json.dumps({"flow": None}), json.dumps({"flow": {}}), bare]
    )
    assert drop == checks.Drop("", frozenset(), frozenset(), "")
    assert len(list(hubble.parse_drops([flow(), flow(verdict="FORWARDED"), flow()]))) == 2


@pytest.mark.parametrize(
    ("labels", "seen"),
    [
        (["k8s:io.cilium.k8s.policy.cluster=a=b"], "a=b"),
        (["io.cilium.k8s.policy.cluster=a"], ""),
        (["k8s:io.cilium.k8s.policy.clusters=a"], ""),
        (["k8s:app=io.cilium.k8s.policy.cluster=a"], ""),
    ],
)
def test_a_cluster_is_that_of_its_own_label(labels: list[str], seen: str) -> None:
    (drop,) = hubble.parse_drops([flow(source={"labels": labels})])
    assert drop.source_cluster == seen


def test_an_endpoint_is_found_by_its_address() -> None:
    endpoint = {
        "status": {
            "networking": {"addressing": [{"ipv4": "10.0.0.1"}]},
            "policy": {"realized": {"policy-revision": 7}},
        }
    }
    assert hubble.parse_revision([endpoint], "10.0.0.1") == 7
    assert hubble.parse_revision([endpoint], "10.0.0.2") == 0


def test_an_endpoint_without_address_or_revision_enforces_nothing() -> None:
    def endpoint(addressing: Any, realized: dict[str, int]) -> dict[str, Any]:
        status = {"networking": {"addressing": addressing}, "policy": {"realized": realized}}
        return {"status": status}

    both = [{"ipv6": "fd00::1"}, {"ipv4": "10.0.0.3"}]
    endpoints = [endpoint(None, {"policy-revision": 9}), endpoint(both, {})]
    assert hubble.parse_revision(endpoints, "10.0.0.3") == 0
    endpoints = [endpoints[0], endpoint(both, {"policy-revision": 8})]
    assert hubble.parse_revision(endpoints, "10.0.0.3") == 8


def test_only_what_came_in_from_there_was_admitted() -> None:
    more = "expires=53787 Packets=0 Flags=0x0413 [ RxClosing ] RevNAT=0"
    lines = [
        f"TCP IN 10.0.0.1:4001 -> 10.0.0.2:3000 {more}",
        f"TCP IN 10.0.0.1:4002 -> 10.0.0.2:3000 {more}",
        f"TCP OUT 10.0.0.1:4003 -> 10.0.0.2:3000 {more}",
        f"UDP IN 10.0.0.1:4004 -> 10.0.0.2:3000 {more}",
        f"TCP IN 10.0.0.11:4005 -> 10.0.0.2:3000 {more}",
        f"TCP IN 10.0.0.1:4006 -> 10.0.0.22:3000 {more}",
        "",
        "TCP IN",
    ]
    assert hubble.parse_admitted(lines, "10.0.0.1", "10.0.0.2") == {4001, 4002}


@pytest.mark.parametrize("field", ["Labels", "labels"])
def test_a_policy_is_known_by_its_uid_in_both_spellings(field: str) -> None:
    rule = {field: [{"key": "io.cilium.k8s.policy.uid", "value": "u1"}]}
    document = {"policy": json.dumps([rule]), "revision": 4}
    assert hubble.parse_policies(document) == (frozenset({"u1"}), 4)
    assert hubble.parse_policies({"policy": "", "revision": 5}) == (frozenset(), 5)
    assert hubble.parse_policies({}) == (frozenset(), 0)
    other = {field: [{"key": "io.cilium.k8s.policy.name", "value": "n"}]}
    document = {"policy": json.dumps([other, {}, {field: None}, rule]), "revision": "6"}
    assert hubble.parse_policies(document) == (frozenset({"u1"}), 6)


def test_addresses_with_reserved_identities_are_not_known_pods() -> None:
    entries = [{"cidr": "10.0.0.1/32", "identity": 65541}, {"cidr": "10.0.0.2/32", "identity": 2}]
    assert hubble.parse_addresses(entries) == {"10.0.0.1"}
    edges: list[dict[str, Any]] = [
        {"cidr": "10.0.0.3/32", "identity": 255},
        {"cidr": "10.0.0.4/32", "identity": "256"},
        {"cidr": "10.0.0.5/32"},
        {"cidr": "10.0.0.6", "identity": 257},
    ]
    assert hubble.parse_addresses(edges) == {"10.0.0.4", "10.0.0.6"}
    assert hubble.parse_identity(edges, "10.0.0.6") == 257


def test_only_healthy_endpoints_count() -> None:
    text = (
        "outbound|80||a::10.0.0.1:3000::health_flags::healthy\n"
        "outbound|80||b::10.0.0.2:3000::health_flags::/failed_eds_health\n"
        "outbound|80||c::default_priority::max_connections::1024\n"
    )
    assert convergence.parse_healthy(text) == {"outbound|80||a"}


def test_the_members_of_a_service_are_its_healthy_endpoints_at_any_port_of_it() -> None:
    text = (
        "outbound|80||a.n::10.0.0.1:3000::health_flags::healthy\n"
        "outbound|8080||a.n::10.0.0.2:3000::health_flags::healthy\n"
        "outbound|80||a.n::10.0.0.3:3000::health_flags::/failed_eds_health\n"
        "outbound|80||b.a.n::10.0.0.4:3000::health_flags::healthy\n"
    )
    assert convergence.parse_members(text, "a.n") == {"10.0.0.1:3000", "10.0.0.2:3000"}


def test_a_marker_in_a_warming_listener_is_not_in_force() -> None:
    warming = {"configs": [{"warming_state": {"name": "g1"}, "active_state": {"name": "g0"}}]}
    assert not convergence.in_active_listener(warming, "g1")
    assert convergence.in_active_listener(warming, "g0")


def test_generations_never_repeat() -> None:
    assert convergence.generation() != convergence.generation()


def test_an_identity_and_its_labels_are_found_by_address() -> None:
    entries: list[dict[str, Any]] = [
        {"cidr": "10.0.0.1/32", "identity": 65541},
        {"cidr": "10.0.0.2/32"},
    ]
    assert hubble.parse_identity(entries, "10.0.0.1") == 65541
    assert hubble.parse_identity(entries, "10.0.0.2") == 0
    assert hubble.parse_identity(entries, "10.0.0.3") == 0
    labels = ["k8s:app=other", "k8s:a=b"]
    identity = {"id": 65541, "labels": labels}
    assert hubble.parse_labels([identity]) == hubble.parse_labels(identity) == set(labels)
    assert hubble.parse_labels({"id": 1, "labels": None}) == frozenset()
    assert hubble.parse_labels([{}, identity]) == set(labels)


def test_what_takes_effect_in_time_says_how_long_it_took() -> None:
    verdict = convergence.in_time("a change", lambda: None)
    assert verdict.passed
    assert verdict.numbers == {"a change.seconds": 0.0}


def test_what_takes_too_long_has_failed_and_is_no_excuse() -> None:
    def late() -> None:
        raise NotReadyError("a label within 30 s", seen="another")

    verdict = convergence.in_time("a change", late)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason == "a change: expected a label within 30 s, saw another"


def test_a_pods_containers_are_found_wherever_they_start() -> None:
    pod = {"spec": {"initContainers": [{"name": "a"}], "containers": [{"name": "b"}]}}
    assert objects.containers(pod) == {"a", "b"}
    assert objects.containers({"spec": {"containers": [{"name": "b"}]}}) == {"b"}


def test_backends_are_those_in_force() -> None:
    def service(*backends: dict[str, str]) -> dict[str, Any]:
        return {"status": {"realized": {"backend-addresses": list(backends)}}}

    quiet = {"ip": "10.0.0.3", "state": "terminating"}
    services = [service({"ip": "10.0.0.1"}, {"ip": "10.0.0.2", "state": "active"}), service(quiet)]
    assert hubble.parse_backends(services) == {"10.0.0.1", "10.0.0.2"}
    assert hubble.parse_backends([{"status": {}}, {}]) == frozenset()


def test_backends_may_be_those_of_one_address() -> None:
    def service(address: str, backend: str) -> dict[str, Any]:
        spec = {"frontend-address": {"ip": address}, "backend-addresses": [{"ip": backend}]}
        return {"status": {"realized": spec}}

    services = [service("10.96.0.1", "10.0.0.1"), service("10.96.0.2", "10.0.0.2")]
    assert hubble.parse_backends(services, "10.96.0.2") == {"10.0.0.2"}
    assert hubble.parse_backends(services, "10.96.0.3") == frozenset()


def test_a_kubectl_command_can_be_pasted_whatever_the_path() -> None:
    server = ApiServer.__new__(ApiServer)  # no kubeconfig is read to say where it is
    server.cluster = Cluster(name="a", kubeconfig=Path("/my home/a.kubeconfig"), context="kind-a")
    words = shlex.split(server.kubectl("get pods"))
    assert words == [
        "kubectl", "--kubeconfig", "/my home/a.kubeconfig", "--context", "kind-a", "get", "pods",
    ]  # fmt: skip


def refusal(status: int, told: str) -> DynamicApiError:
    """The dynamic client's error for an answer of an API server's."""
    answer = ApiException(status=status, reason="no")
    answer.body = json.dumps({"message": told})
    return DynamicApiError(answer)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("status", "told", "kind"),
    [(400, 'admission webhook "w" denied the request', RefusedError),
     (409, "conflict", RefusedError),
     (422, "weight: over 100", RefusedError),
     (500, "failed to create typed patch object", RefusedError),
     (500, 'Internal error occurred: failed calling webhook "w"', UnreachableError),
     (503, "no endpoints available", UnreachableError),
     (504, "timeout", UnreachableError)],
)  # fmt: skip
def test_a_server_that_cannot_say_has_not_refused(
    status: int, told: str, kind: type[Exception]
) -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}

    class Resource:
        def server_side_apply(self, **_: object) -> None:
            raise refusal(status, told)

    kube = Kube.__new__(Kube)
    kube.cluster = Cluster(name="aws", kubeconfig=Path("k"), context="c")
    kube._bounds = confinement.Unconfined()
    kube._server = cast("Any", SimpleNamespace(resource=lambda *_: Resource(), kubectl=str))
    with pytest.raises(kind, match=told):
        kube.apply(document, "default")


def test_an_end_that_is_refused_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the user of an adopted cluster's kubeconfig may not delete what it made."""

    def delete(**_: object) -> None:
        raise refusal(403, "pods is forbidden")

    kube = Kube.__new__(Kube)
    kube.cluster = Cluster.model_construct(name="aws", kubeconfig=Path("k"), context="c")
    kube._bounds = confinement.Unconfined()
    kube._server = cast("Any", SimpleNamespace(resource=lambda *_: SimpleNamespace(delete=delete)))
    monkeypatch.setattr(kube, "kubectl", lambda words: f"kubectl {words}")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    with pytest.raises(RefusedError, match="aws to accept the end of Pod/p"):
        kube.delete(pod, "n")
