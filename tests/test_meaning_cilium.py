"""What any CiliumNetworkPolicy or CiliumClustermeshConfig means, and what of it is left unread."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.errors import UnreadError
from fixtures import manifests, mutants
from fixtures.history.verdict import Outcome
from fixtures.lab import TENANT
from fixtures.lab.clustermesh_status import Remote, as_named
from fixtures.manifests.meaning import Meaning
from suites.cross_cluster_policy import BEHAVIOUR
from suites.cross_cluster_policy.meaning import GAINED, client_labels, meaning
from suites.cross_cluster_policy.ports import HTTP, HTTP2, PORTS, UDP, Port
from suites.cross_cluster_policy.subject import BACKEND
from suites.cross_cluster_policy.who import CLIENTS, NAMESAKE, NODE, SECOND, WORLD
from tests.meanings import DOCUMENTS, patched

POLICY, CLUSTERMESH = "ciliumnetworkpolicy", "ciliumclustermeshconfig"
RULE, SUBJECTS = "/spec/ingress/0", "/spec/endpointSelector"
PEER = f"{RULE}/fromEndpoints/0"
LABELS = f"{PEER}/matchLabels"
CLUSTER, NAMESPACE = "io.cilium.k8s.policy.cluster", "io.kubernetes.pod.namespace"
OWN = "plumbline-cross-cluster-policy"
AWS = {"aws-cluster/backend", "aws-cluster/other"}
(OWN_NAME,) = (k for k, v in client_labels()[NAMESAKE].items() if v == TENANT)
"""The label that has a client's own name."""

EVERYBODY = {*CLIENTS, SECOND, NAMESAKE, NODE, WORLD, GAINED}
PODS = EVERYBODY - {NODE, WORLD}
ADMITTED = {BACKEND, SECOND, GAINED}
PATCHED = [mutant for mutant in mutants.catalogue(BEHAVIOUR.folder) if mutant.file and mutant.patch]


def policy(*operations: tuple[str, str, Any]) -> Meaning:
    return meaning(POLICY, patched(POLICY, *operations))


def of(verdicts: Meaning, what: str, whom: str = "frontend", port: Port = HTTP) -> set[str]:
    """The clients whose requests to a workload are `what`."""
    return {who for who in EVERYBODY if verdicts[f"{who}->{whom}:{port.at_pod}"] == what}


def admitted(*rules: Any) -> set[str]:
    """The clients that frontend serves under these rules of ingress, all others being dropped."""
    verdicts = policy(("replace", "/spec/ingress", list(rules)))
    assert of(verdicts, "served", "bystander") == EVERYBODY
    assert of(verdicts, "served") | of(verdicts, "dropped") == EVERYBODY
    return of(verdicts, "served")


def peers(labels: Mapping[str, str] | None = None, *expressions: Any) -> dict[str, Any]:
    selector = {"matchLabels": dict(labels or {}), "matchExpressions": list(expressions)}
    return {"fromEndpoints": [selector]}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


REFERENCE = policy()


def test_the_reference_means_what_the_requirements_say() -> None:
    """XP1 and XP6 of those that are served, XP2, XP3, XP10 and XP11 of the others, XP5 of a
    bystander; all at every port."""
    for port in PORTS:
        assert of(REFERENCE, "served", port=port) == ADMITTED
        assert of(REFERENCE, "dropped", port=port) == EVERYBODY - ADMITTED
        assert of(REFERENCE, "served", "bystander", port) == EVERYBODY
    assert len(REFERENCE) == 2 * len(PORTS) * len(EVERYBODY)


@pytest.mark.parametrize("mutant", PATCHED, ids=lambda mutant: mutant.name)
def test_no_mutant_of_the_catalogue_is_taken_for_the_reference(mutant: mutants.Mutant) -> None:
    document = mutant.manifests(manifests.load()).given(mutant.file).document
    with suppress(UnreadError):  # then it is asked
        assert meaning(mutant.file, document) != meaning(mutant.file, DOCUMENTS[mutant.file])


@pytest.mark.parametrize(
    "operations",
    [
        [("add", "/spec/description", "who may ask frontend")],
        [("add", "/spec/log", {"value": "frontend"})],
        [("add", "/spec/labels", [{"key": "team", "value": "web"}])],
        [("add", "/metadata/labels", {"team": "web"})],
        [("replace", "/metadata/name", "another")],
        [("move", "/spec", None)],
        [("add", f"{LABELS}/{NAMESPACE}", OWN)],
        [("add", f"{LABELS}/k8s:app", "backend")],
        [("add", f"{SUBJECTS}/matchLabels/version", "v1")],
        [("add", f"{SUBJECTS}/matchLabels/{CLUSTER}", "aws-cluster")],
        [("add", f"{SUBJECTS}/matchLabels/sidecar.istio.io~1inject", "false")],
        [("add", f"{RULE}/toPorts", [{"ports": [{"port": "3000"}, {"port": "3001"}]}])],
        [("add", f"{RULE}/toPorts", [{"ports": [
            {"port": "3000", "endPort": 3001, "protocol": "TCP"},
            {"port": "3000", "protocol": "UDP"}]}])],
        [("add", f"{RULE}/toPorts", [{"ports": [{"port": "http", "protocol": "ANY"},
                                                {"port": "h2c"}, {"port": "udp"}]}])],
        [("add", f"{RULE}/toPorts", [{"ports": [{"port": "0"}]}])],
        [("add", f"{RULE}/toPorts", [{"ports": [{"port": "1", "endPort": 3001}]}])],
        [("add", f"{RULE}/toPorts", [{"ports": [{"port": "53"}]}, {"ports": [{"port": "0"}]}])],
        [("add", "/spec/ingress/1", {})],
        [("add", "/spec/ingress/1", {"fromEntities": ["world-ipv6", "host", "ingress"]})],
        [("add", f"{RULE}/fromEndpoints/1", {"matchLabels": {"app": "nobody"}})],
        [("add", "/spec/ingressDeny", [])],
        [("add", "/spec/ingressDeny", [{"fromEntities": ["cluster", "world"]}])],
        [("add", f"{RULE}/authentication", {"mode": "disabled"})],
        [("add", "/spec/ingressDeny", [{"fromEndpoints": [{"matchLabels": {"app": "nobody"}}]}])],
        [("add", "/spec/ingressDeny",
          [{"fromEntities": ["all"], "toPorts": [{"ports": [{"port": "22"}]}]}])],
        [("add", "/spec/enableDefaultDeny", {"ingress": True, "egress": False})],
        [("add", "/spec/egress", [{"toEntities": ["world"]}, {"toEntities": ["all"]}])],
        [("add", "/specs", [{"endpointSelector": {"matchLabels": {"app": "nobody"}},
                             "ingress": [{"fromEntities": ["all"]}]}])],
    ],
)  # fmt: skip
def test_a_policy_that_no_request_can_tell_is_the_references(operations: Any) -> None:
    if operations[0][0] == "move":
        document = patched(
            POLICY, ("add", "/specs", [DOCUMENTS[POLICY]["spec"]]), ("remove", "/spec", None)
        )
        assert meaning(POLICY, document) == REFERENCE
    else:
        assert policy(*operations) == REFERENCE


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ([{}], set()),
        ([peers()], AWS),
        ([{"fromEndpoints": [{}]}], AWS),
        ([peers({"app": "backend"})], {"aws-cluster/backend"}),
        ([peers({"any:app": "backend"})], {"aws-cluster/backend"}),
        ([peers({"k8s:app": "backend"})], {"aws-cluster/backend"}),
        ([peers({}, expression(CLUSTER, "Exists"))], PODS - {NAMESAKE}),
        ([peers({CLUSTER: "azure-cluster", NAMESPACE: "default"})], {NAMESAKE}),
        ([peers({}, expression(CLUSTER, "Exists"), expression(f"k8s:{NAMESPACE}", "Exists"))],
         PODS),
        ([peers({}, expression(CLUSTER, "NotIn", "aws-cluster"))],
         PODS - AWS - {NAMESAKE}),
        ([peers({}, expression(CLUSTER, "NotIn", "aws-cluster"),
                expression(NAMESPACE, "NotIn", OWN))], {NAMESAKE, NODE, WORLD}),
        ([peers({}, expression(CLUSTER, "In", "aws-cluster", "azure-cluster"),
                expression("app", "NotIn", "backend"))],
         {"aws-cluster/other", "azure-cluster/other"}),
        ([peers({}, expression("tier", "Exists"))], set()),
        ([peers({}, expression("tier", "DoesNotExist"))], AWS),
        ([peers({}, expression("tier", "NotIn", "web"))], AWS),
        ([peers({CLUSTER: "azure-cluster", OWN_NAME: "backend"})], {BACKEND}),
        ([{"fromEntities": ["all"]}], EVERYBODY),
        ([{"icmps": [{"fields": [{"type": 8}]}]}], set()),
        ([{"fromEntities": ["cluster"]}], AWS | {NODE}),
        ([{"fromEntities": ["remote-node"]}], {NODE}),
        ([{"fromEntities": ["kube-apiserver", "none"]}], set()),
        ([{"fromEntities": ["world"]}], {WORLD}),
        ([{"fromEntities": ["world-ipv4", "remote-node"]}], {WORLD, NODE}),
        ([{"fromCIDR": ["203.0.113.0/24", "0.0.0.0/0"]}], {WORLD}),
        ([{"fromCIDR": ["203.0.113.0/24"]}], set()),
        ([{"fromCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["192.0.2.0/24"]}]}], {WORLD}),
        ([{"fromCIDR": ["0.0.0.0/0"], "toPorts": [{"ports": [{"port": "80"}]}]}], set()),
        ([peers({"app": "backend"}), {"fromEntities": ["none"]}], {"aws-cluster/backend"}),
        ([{"toPorts": [{"ports": [{"port": "3000", "protocol": "TCP"}]}]}], EVERYBODY),
        ([{"toPorts": [{"ports": [{"port": "3000", "protocol": "UDP"}]}]}], set()),
        ([{"toPorts": [{"ports": [{"port": "80", "endPort": 2999}]}]}], set()),
        ([{"toPorts": [{"ports": [{"port": "80"}, {"port": "2000", "endPort": 4000}]}]}],
         EVERYBODY),
    ],
)  # fmt: skip
def test_a_rule_admits_as_the_vendor_says(rules: list[Any], wanted: set[str]) -> None:
    assert admitted(*rules) == wanted


def test_a_selector_decides_whose_policy_it_is() -> None:
    every = policy(("replace", SUBJECTS, {}))
    assert of(every, "served", "bystander") == of(every, "served") == ADMITTED
    other = policy(("replace", f"{SUBJECTS}/matchLabels/app", "bystander"))
    assert of(other, "served", "bystander") == ADMITTED
    assert of(other, "served") == EVERYBODY
    neither = policy(("add", f"{SUBJECTS}/matchLabels/{CLUSTER}", "azure-cluster"))
    assert set(neither.values()) == {"served"}


def test_a_denial_decides_before_all_else() -> None:
    everybody = ("replace", "/spec/ingress", [{"fromEntities": ["all"]}])
    verdicts = policy(everybody, ("add", "/spec/ingressDeny", [{"fromEntities": ["cluster"]}]))
    assert of(verdicts, "dropped") == AWS | {NODE}
    verdicts = policy(("add", "/spec/ingressDeny", [{"toPorts": [{"ports": [{"port": "3000"}]}]}]))
    assert of(verdicts, "dropped") == EVERYBODY
    assert of(verdicts, "served", port=HTTP2) == ADMITTED


def test_a_rule_of_a_protocol_is_of_no_other() -> None:
    every = {"fromEntities": ["all"], "toPorts": [{"ports": [{"port": "0", "protocol": "UDP"}]}]}
    verdicts = policy(("add", "/spec/ingress/1", every))
    assert of(verdicts, "served", port=UDP) == EVERYBODY
    assert of(verdicts, "served") == of(verdicts, "served", port=HTTP2) == ADMITTED
    named = policy(("add", f"{RULE}/toPorts", [{"ports": [{"port": "http", "protocol": "UDP"}]}]))
    assert not any(of(named, "served", port=port) for port in PORTS)


def test_a_rule_of_one_port_is_of_no_other() -> None:
    verdicts = policy(("add", f"{RULE}/toPorts", [{"ports": [{"port": "h2c"}]}]))
    assert not of(verdicts, "served")
    assert of(verdicts, "served", port=HTTP2) == ADMITTED


@pytest.mark.parametrize(
    ("operations", "wanted"),
    [
        ([("add", "/spec/enableDefaultDeny", {"ingress": False})], EVERYBODY),
        ([("replace", "/spec/ingress", [{}])], set()),
        ([("add", "/spec/ingress", [{}]), ("add", "/spec/enableDefaultDeny", {"ingress": False})],
         EVERYBODY),
    ],
)  # fmt: skip
def test_a_direction_is_shut_by_its_rules_unless_it_says_otherwise(
    operations: Any, wanted: set[str]
) -> None:
    assert of(policy(*operations), "served") == wanted


def test_several_rules_admit_what_any_of_them_does() -> None:
    second = {**DOCUMENTS[POLICY]["spec"], "ingress": [{"fromEntities": ["cluster"]}]}
    verdicts = policy(("add", "/specs", [second]))
    assert of(verdicts, "served") == AWS | ADMITTED | {NODE}


@pytest.mark.parametrize(
    "operation",
    [
        ("add", "/spec/nodeSelector", {}),
        ("remove", "/spec", None),
        ("replace", "/spec", None),
        ("remove", SUBJECTS, None),
        ("add", f"{SUBJECTS}/matchLabels/{NAMESPACE}", "default"),
        ("add", f"{SUBJECTS}/matchLabels/io.cilium.k8s.policy.serviceaccount", "default"),
        ("add", f"{LABELS}/io.cilium.k8s.policy.serviceaccount", "default"),
        ("add", f"{LABELS}/k8s:io.cilium.k8s.namespace.labels.team", "web"),
        ("add", f"{LABELS}/pod-template-hash", "1"),
        ("add", f"{LABELS}/reserved:host", ""),
        ("add", f"{LABELS}/tier", 1),
        ("add", f"{PEER}/matchFields", []),
        ("add", f"{PEER}/matchExpressions", [expression("app", "In")]),
        ("add", f"{PEER}/matchExpressions", [expression("app", "Exists", "backend")]),
        ("add", f"{PEER}/matchExpressions", [expression("app", "Gt", "1")]),
        ("replace", f"{RULE}/fromEndpoints", []),
        ("add", f"{RULE}/fromEntities", ["all"]),
        ("add", f"{RULE}/fromCIDR", ["0.0.0.0/0"]),
        ("add", "/spec/ingress/1", {"fromCIDR": ["10.0.0.0/8"]}),
        ("add", "/spec/ingress/1", {"fromCIDR": ["203.0.113.7"]}),
        ("add", "/spec/ingress/1", {"fromCIDRSet": [{"cidrGroupRef": "office"}]}),
        (
            "add",
            "/spec/ingress/1",
            {"fromCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}]},
        ),
        ("add", f"{RULE}/icmps", []),
        (
            "add",
            "/spec/ingress/1",
            {"icmps": [{"fields": [{"type": 8}]}], "toPorts": [{"ports": [{"port": "3000"}]}]},
        ),
        ("add", f"{RULE}/authentication", {"mode": "required"}),
        ("add", f"{RULE}/toPorts", []),
        ("add", f"{RULE}/toPorts", [{"ports": []}]),
        ("add", f"{RULE}/toPorts", [{"ports": [{"port": "3000"}], "rules": {"http": [{}]}}]),
        ("add", f"{RULE}/toPorts", [{"ports": [{"port": 3000}]}]),
        ("add", f"{RULE}/toPorts", [{"ports": [{"port": "metrics"}]}]),
        ("add", f"{RULE}/toPorts", [{"ports": [{"port": "3000", "endPort": 80}]}]),
        ("add", f"{RULE}/toPorts", [{"ports": [{"port": "0", "endPort": 80}]}]),
        ("add", f"{RULE}/toPorts", [{"ports": [{"port": "3000", "protocol": "tcp"}]}]),
        ("add", "/spec/ingress/1", {"fromEntities": ["everybody"]}),
        ("add", "/spec/ingress/1", {"fromEntities": []}),
        ("replace", "/spec/ingress", []),
        ("remove", "/spec/ingress", None),
        ("add", "/spec/egress", [{"toFQDNs": [{"matchName": "example.com"}]}]),
        ("add", "/spec/egressDeny", [{"toEntities": ["all"]}]),
        ("add", "/spec/enableDefaultDeny", {"ingress": "yes"}),
        ("add", "/metadata/namespace", "default"),
        ("add", "/metadata/annotations", {"policy.cilium.io/x": "y"}),
        ("replace", "/apiVersion", "cilium.io/v2alpha1"),
        ("replace", "/kind", "CiliumClusterwideNetworkPolicy"),
    ],
)
def test_what_is_not_known_of_a_policy_is_unread(operation: Any) -> None:
    with pytest.raises(UnreadError):
        policy(operation)


@pytest.mark.parametrize(
    "operation",
    [
        ("add", "/spec/ingress/1", {"authentication": {"mode": "disabled"}}),
        ("add", "/spec/ingress/1", {}),
        ("add", "/spec/ingressDeny", [{}]),
        ("add", "/spec/enableDefaultDeny", {"egress": True}),
    ],
)
def test_a_rule_of_nobody_changes_nothing_in_a_direction_that_is_shut(operation: Any) -> None:
    assert policy(operation) == REFERENCE


def test_a_direction_without_rules_is_not_shut() -> None:
    shut = ("add", "/spec/enableDefaultDeny", {"ingress": True})
    own = ("add", f"{SUBJECTS}/matchLabels/version", "v1")
    without: Any = (own, ("remove", "/spec/ingress", None), ("add", "/spec/egress", [{}]), shut)
    assert of(policy(*without), "served") == EVERYBODY


def test_an_egress_that_shuts_a_client_in_is_unread() -> None:
    """A pod that the reference is of sends as well (XP12)."""
    with pytest.raises(UnreadError):
        policy(("add", "/spec/egress", [{}]))


def test_an_egress_of_pods_that_send_nothing_is_read() -> None:
    own = ("add", f"{SUBJECTS}/matchLabels/version", "v1")
    assert policy(own, ("add", "/spec/egress", [{}])) == REFERENCE
    assert policy(own, ("add", "/spec/enableDefaultDeny", {"egress": True})) == REFERENCE
    both: Any = (own, ("remove", "/spec/ingress", None), ("add", "/spec/egress", [{}]))
    assert of(policy(*both), "served") == EVERYBODY


PAIRS = st.dictionaries(
    st.sampled_from(["app", OWN_NAME, CLUSTER, NAMESPACE]),
    st.sampled_from(["backend", "other", "aws-cluster", "azure-cluster", "default", OWN]),
)


@given(PAIRS)
def test_a_label_says_what_an_expression_of_one_value_says(labels: dict[str, str]) -> None:
    """And a rule admits just those clients that have all of its labels."""
    said = [expression(key, "In", value) for key, value in labels.items()]
    implied = {NAMESPACE: OWN, CLUSTER: "aws-cluster"} | labels
    wanted = {who for who, own in client_labels().items() if implied.items() <= own.items()}
    assert admitted(peers(labels)) == admitted(peers({}, *said)) == wanted


@given(st.lists(st.sampled_from([
    peers(), peers({"app": "backend"}), {}, {"fromEntities": ["cluster"]},
    {"fromEntities": ["all"]},
]), min_size=1, max_size=4))  # fmt: skip
def test_rules_may_stand_in_any_order_and_twice(rules: list[Any]) -> None:
    assert admitted(*rules) == admitted(*reversed(rules), *rules)
    assert admitted(*rules) == set().union(*(admitted(rule) for rule in rules))


def test_a_clustermesh_means_the_address_of_each_cluster() -> None:
    verdicts = meaning(CLUSTERMESH, DOCUMENTS[CLUSTERMESH])
    assert verdicts == {f"{n}-cluster": f"{n}-cluster.mesh.internal:2379" for n in ("aws", "azure")}
    remotes = [
        Remote(here, there, verdicts[there], ready=True, status="")
        for here in verdicts
        for there in verdicts
        if here != there
    ]
    assert as_named(DOCUMENTS[CLUSTERMESH], remotes).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("operation", "same"),
    [
        (("add", "/spec/clusters/2", DOCUMENTS[CLUSTERMESH]["spec"]["clusters"][0]), True),
        (("replace", "/spec/clusters", DOCUMENTS[CLUSTERMESH]["spec"]["clusters"][::-1]), True),
        (("replace", "/metadata/name", "another"), True),
        (("replace", "/apiVersion", "cilium.io/v2"), True),
        (("remove", "/spec/clusters/0", None), False),
        (("replace", "/spec/clusters/0/name", "gcp-cluster"), False),
        (("replace", "/spec/clusters/1/address", "azure-cluster.mesh.internal:2380"), False),
        (("add", "/spec/clusters/0", {"name": "gcp-cluster", "address": "a:1"}), False),
    ],
)
def test_nothing_else_of_a_clustermesh_is_looked_at(operation: Any, same: bool) -> None:
    verdicts = meaning(CLUSTERMESH, patched(CLUSTERMESH, operation))
    assert (verdicts == meaning(CLUSTERMESH, DOCUMENTS[CLUSTERMESH])) is same


@pytest.mark.parametrize(
    "operation",
    [
        ("add", "/spec/clusters/0/port", 2379),
        ("add", "/spec/tls", {}),
        ("add", "/status", {}),
        ("remove", "/spec/clusters/0/address", None),
        ("replace", "/spec/clusters/0/address", 2379),
        ("replace", "/spec/clusters", {}),
        ("remove", "/spec/clusters", None),
        ("replace", "/kind", "CiliumNode"),
    ],
)
def test_what_is_not_known_of_a_clustermesh_is_unread(operation: Any) -> None:
    with pytest.raises(UnreadError):
        meaning(CLUSTERMESH, patched(CLUSTERMESH, operation))
