"""The kind provider: its configuration, and that nothing foreign is touched."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters import kind_config, versions
from clusters.engine import NETWORK as NAME
from clusters.engine_facts import CAP_SYS_RESOURCE
from clusters.errors import CommandError, EngineError, ForeignError
from clusters.home import Home
from clusters.images import bake
from clusters.kind_config import OWNER
from clusters.plan import DEFAULT, ClusterPlan, Range, read_plan
from clusters.providers.kind import CLUSTER, LABEL, PREFIX, Kind
from clusters.settings import CLUSTERMESH
from tests import documents
from tests.engines import TableEngine, Thing

TRAIN = versions.load("2026-08")
AWS, AZURE = read_plan(CLUSTERMESH)
THREE, _ = read_plan(CLUSTERMESH, nodes="aws-cluster=3")


@pytest.fixture
def kind(tmp_path: Path) -> Kind:
    return Kind(Home(tmp_path), TableEngine(), TRAIN, tmp_path / "kind", built=True)


def calls(kind: Kind) -> list[str]:
    assert isinstance(kind.engine, TableEngine)
    return kind.engine.calls


def node(
    kind: Kind, source: str, *, running: bool = True, name: str = "", plan: ClusterPlan = AWS
) -> Thing:
    """A container of a node's name, with a folder mounted where ours has its mark."""
    mounts = [{"Destination": OWNER, "Source": source}] if source else []
    container = {
        "Created": "2026-11-23", "Mounts": mounts, "State": {"Running": running},
        "Config": {"Labels": {CLUSTER: PREFIX + plan.name, bake.LABEL: "made of"}},
    }  # fmt: skip
    assert isinstance(kind.engine, TableEngine)
    kind.engine.things["container", name or kind.node(plan)] = container
    return container


def network(kind: Kind, labels: dict[str, str] | None) -> None:
    assert isinstance(kind.engine, TableEngine)
    kind.engine.things["network", NAME] = {"Labels": labels}


FOREIGN = ("", "/home/other/plumbline/lab/owner")


@pytest.mark.parametrize("source", FOREIGN)
def test_a_foreign_node_of_the_name_is_refused_and_left_alone(kind: Kind, source: str) -> None:
    node(kind, source)
    for refused in (kind.refuse_foreign, kind.delete, lambda each: kind.create(each, "i", 1)):
        with pytest.raises(ForeignError, match=kind.node(AWS)) as caught:
            refused(AWS)
        assert "2026-11-23" in caught.value.seen
    assert not kind.exists(AWS)
    assert calls(kind) == []


def test_our_own_node_is_known_and_deleted_with_its_volumes(kind: Kind) -> None:
    node(kind, kind.owner)
    kind.refuse_foreign(AWS)
    assert kind.exists(AWS)
    kind.delete(AWS)
    assert calls(kind) == [f"rm --force --volumes {kind.node(AWS)}"]


def staged(owner: str) -> str:
    """As Docker Desktop stages a folder of a WSL distribution."""
    digest = hashlib.sha256(owner.encode()).hexdigest()
    return f"/run/desktop/mnt/host/wsl/docker-desktop-bind-mounts/Ubuntu-24.04/{digest}"


@pytest.mark.parametrize(
    "told", ["{}", "/host_mnt{}", "/run/desktop/mnt/host{}"], ids=["linux", "desktop", "windows"]
)
def test_our_folder_is_known_by_each_name_that_engines_have_for_it(kind: Kind, told: str) -> None:
    assert kind._is_ours(node(kind, told.format(kind.owner)))
    assert not kind._is_ours(node(kind, told.format(FOREIGN[1])))
    assert not kind._is_ours(node(kind, told.format(kind.owner + "s")))


def test_our_folder_is_known_where_wsl_names_it_by_its_digest(kind: Kind) -> None:
    assert kind._is_ours(node(kind, staged(kind.owner)))
    assert not kind._is_ours(node(kind, staged(FOREIGN[1])))


def test_a_node_that_stands_still_is_not_there(kind: Kind) -> None:
    node(kind, kind.owner, running=False)
    assert not kind.exists(AWS)


def test_what_is_not_there_is_not_deleted(kind: Kind) -> None:
    kind.delete(AWS)
    kind.delete_network()
    assert calls(kind) == []


def test_names_cannot_meet_a_users_own(kind: Kind) -> None:
    """A user may well have a kind cluster that is named as the reference names it."""
    names = {kind.node(AWS), kind.node(AZURE)}
    assert len(names) == 2
    assert all(name.startswith("plumbline-") for name in names)
    assert kind.context(AWS) == "kind-plumbline-aws-cluster"
    assert kind.kubeconfig(AWS).is_relative_to(kind.home.root)


def test_our_network_has_the_plans_addresses_and_our_label(kind: Kind) -> None:
    kind.make_network(Range.parse("10.198.0.0/15"))
    (call,) = calls(kind)
    words = {"--subnet=10.198.0.0/24", "--ip-range=10.198.0.0/25", f"--label={LABEL}={kind.owner}"}
    assert words <= set(call.split())
    network(kind, {LABEL: kind.owner})
    kind.make_network(DEFAULT)
    assert len(calls(kind)) == 1, "it is there already"
    kind.delete_network()
    assert calls(kind)[1:] == [f"network rm {NAME}"]


@pytest.mark.parametrize("labels", [None, {}, {LABEL: FOREIGN[1]}])
def test_a_foreign_network_is_refused_and_left_alone(
    kind: Kind, labels: dict[str, str] | None
) -> None:
    network(kind, labels)
    with pytest.raises(ForeignError, match=NAME):
        kind.make_network(DEFAULT)
    kind.delete_network()
    assert calls(kind) == []


def status(*, lacks: bool) -> str:
    """A privileged process's /proc/<pid>/status, with or without the capability."""
    return f"Name:\tcat\nCapBnd:\t{2**41 - 1 - (lacks << CAP_SYS_RESOURCE):016x}\n"


def config(
    kind: Kind, *, confined: bool = False, plan: ClusterPlan = AWS, **info: object
) -> dict[str, Any]:
    """The cluster's configuration with an engine that says so of itself."""
    assert isinstance(kind.engine, TableEngine)
    answers = documents.answers({**documents.DOCKER_28, **info}, *documents.PARTS)
    said = {"run --rm --privileged": status(lacks=confined), **answers}
    return replace(kind, engine=replace(kind.engine, says=said))._config(plan, "node:1")


def kubeadm(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    patches = map(yaml.safe_load, found["kubeadmConfigPatches"])
    return {patch["kind"]: patch for patch in patches}


def test_a_node_is_marked_from_its_first_moment(kind: Kind) -> None:
    document = config(kind)
    (only,) = document["nodes"]
    assert only["role"] == "control-plane"
    assert only["image"] == "node:1"
    assert only["extraMounts"] == [
        {"hostPath": kind.owner, "containerPath": OWNER, "readOnly": True}
    ]
    assert "nodeRegistration" not in kubeadm(document)["InitConfiguration"]


def test_further_nodes_are_like_the_first_which_runs_pods_too(kind: Kind) -> None:
    document = config(kind, plan=THREE)
    first, *others = document["nodes"]
    assert [first["role"], *(each["role"] for each in others)] == [
        "control-plane", "worker", "worker",
    ]  # fmt: skip
    assert all({**each, "role": ""} == {**first, "role": ""} for each in others)
    assert kubeadm(document)["InitConfiguration"]["nodeRegistration"] == {"taints": []}


def test_nodes_have_the_names_that_kind_gives_them(kind: Kind) -> None:
    name = "plumbline-aws-cluster"
    assert kind.nodes(AWS) == (f"{name}-control-plane",)
    assert kind.nodes(THREE) == (
        f"{name}-control-plane", f"{name}-worker", f"{name}-worker2",
    )  # fmt: skip
    assert [each.name for each in kind.cluster(THREE).nodes] == list(kind.nodes(THREE))
    assert [each.world for each in kind.cluster(THREE).nodes] == list(THREE.worlds)
    assert kind.cluster(AWS).world == AWS.worlds[0]


def test_a_cluster_is_kept_with_the_nodes_that_are_planned_and_no_others(kind: Kind) -> None:
    assert isinstance(kind.engine, TableEngine)
    kind.engine.things["image", "node:1"] = {"Config": {"Labels": {bake.LABEL: "made of"}}}
    node(kind, kind.owner)
    assert kind.keeps(AWS, "node:1")
    assert not kind.keeps(THREE, "node:1")
    for name in kind.nodes(THREE)[1:]:
        node(kind, kind.owner, name=name)
    assert kind.keeps(THREE, "node:1")
    assert not kind.keeps(AWS, "node:1"), "it has more than are planned"
    kind.engine.things["container", kind.nodes(THREE)[2]]["State"]["Running"] = False
    assert not kind.keeps(THREE, "node:1")


def test_a_cluster_that_has_another_place_in_the_document_now_is_made_anew(kind: Kind) -> None:
    assert isinstance(kind.engine, TableEngine)
    kind.engine.things["image", "node:1"] = {"Config": {"Labels": {bake.LABEL: "made of"}}}
    node(kind, kind.owner)
    kind._file(AWS).write_text(yaml.safe_dump(config(kind)))
    assert kind.keeps(AWS, "node:1")
    assert not kind.keeps(replace(AZURE, name=AWS.name), "node:1")


def test_images_are_put_onto_all_nodes_of_a_cluster(kind: Kind) -> None:
    said = kind.program.with_name("said")
    kind.program.write_text(f'#!/bin/sh\necho "$@" > {said}\n', encoding="utf-8")
    kind.program.chmod(0o755)
    kind.put_images(kind.cluster(AWS), ["curl:1", "mock:2"])
    assert said.read_text(encoding="utf-8") == (
        f"load docker-image --name {PREFIX}{AWS.name} curl:1 mock:2\n"
    )


def test_a_cluster_goes_with_all_its_nodes_and_no_other_with_it(kind: Kind) -> None:
    for name in kind.nodes(THREE):
        node(kind, kind.owner, name=name)
    node(kind, kind.owner, plan=AZURE)
    kind.delete(AWS)
    assert calls(kind) == [f"rm --force --volumes {' '.join(kind.nodes(THREE))}"]


def test_what_is_not_kept_goes_but_for_what_is_not_ours(kind: Kind) -> None:
    """Also what an earlier document named."""
    gone = replace(AWS, name="gcp-cluster")
    node(kind, kind.owner, plan=gone)
    node(kind, kind.owner)
    node(kind, FOREIGN[1], plan=AZURE)
    kind.delete_others([AWS])
    assert calls(kind) == [f"rm --force --volumes {kind.node(gone)}"]
    kind.delete_others([AWS, gone])
    assert len(calls(kind)) == 1
    kind.delete_others([])
    assert calls(kind)[1:] == [f"rm --force --volumes {kind.node(gone)} {kind.node(AWS)}"]


def test_each_node_gets_its_own_address_of_the_world(kind: Kind) -> None:
    kind.add_addresses(THREE)
    assert calls(kind) == [
        f"exec {name} ip address replace {world}/32 dev eth0"
        for name, world in zip(kind.nodes(THREE), THREE.worlds, strict=True)
    ]


def test_the_network_is_ciliums_and_the_plans(kind: Kind) -> None:
    assert config(kind)["networking"] == {
        "disableDefaultCNI": True,
        "kubeProxyMode": "none",
        "podSubnet": AWS.pods,
        "serviceSubnet": AWS.services,
    }


def test_only_a_confined_machine_is_treated_as_one(kind: Kind) -> None:
    free = config(kind)
    bound = config(kind, confined=True)
    extra = {"featureGates", "containerdConfigPatches"}
    assert not extra & free.keys()
    assert extra <= bound.keys()
    assert bound["featureGates"] == {"KubeletInUserNamespace": True}
    assert {key: value for key, value in bound.items() if key not in extra} == free


def test_built_nodes_have_the_trains_own_dns_and_store(kind: Kind) -> None:
    patches = kubeadm(config(kind))
    cluster = patches["ClusterConfiguration"]
    assert cluster["dns"]["imageTag"] == f"v{TRAIN.versions.coredns}"
    assert cluster["etcd"]["local"]["imageTag"] == f"{TRAIN.versions.etcd}-0"
    published = replace(kind, built=False)
    patches = kubeadm(config(published))
    assert list(patches) == ["KubeletConfiguration", "InitConfiguration"]


@pytest.mark.parametrize(("version", "said"), [("1", False), ("2", "nothing")])
def test_the_kubelet_takes_cgroups_of_version_1_only_where_the_engine_has_no_others(
    kind: Kind, version: str, said: object
) -> None:
    patches = kubeadm(config(kind, CgroupVersion=version))
    assert patches["KubeletConfiguration"].get("failCgroupV1", "nothing") == said


def test_a_published_node_is_not_started_where_it_would_fail(kind: Kind) -> None:
    """Its containerd asks systemd for limits that only that capability may raise."""
    with pytest.raises(EngineError, match="CAP_SYS_RESOURCE") as caught:
        config(replace(kind, built=False), confined=True)
    assert "IMAGES=forge" in caught.value.look


def test_an_engine_that_starts_no_privileged_container_is_told(kind: Kind) -> None:
    words = "unable to apply caps: operation not permitted"
    engine = TableEngine(refused=("run --rm --privileged",), says={"run": words})
    with pytest.raises(EngineError, match="privileged containers") as caught:
        replace(kind, engine=engine)._config(AWS, "node:1")
    assert caught.value.seen == words
    assert caught.value.look.startswith("docker run --rm --privileged")


@pytest.mark.parametrize("lacks", [True, False])
def test_a_node_that_is_up_is_asked_itself(kind: Kind, lacks: bool) -> None:
    command = f"exec {kind.node(AWS)} cat /proc/1/status"
    engine = TableEngine(says={command: status(lacks=lacks)})
    assert replace(kind, engine=engine).is_confined(AWS) is lacks
    assert engine.calls == [command]
    with pytest.raises(CommandError):
        replace(kind, engine=TableEngine(refused=("exec",))).is_confined(AWS)


def test_kubeadm_finds_the_patches_in_what_the_node_has_mounted(kind: Kind) -> None:
    document = config(kind)
    folder = kubeadm(document)["InitConfiguration"]["patches"]["directory"]
    kind._thrifty(AWS)
    files = Path(kind.owner) / Path(folder).relative_to(OWNER)
    asked, added = {}, {}
    for path in files.glob("*+json.yaml"):
        (patch,) = yaml.safe_load(path.read_text())
        assert (patch["op"], patch["path"]) == ("add", "/spec/containers/0/command/-")
        added[path.name.partition("+")[0]] = patch["value"]
    assert added == dict.fromkeys(kind_config.UNRIVALLED, "--leader-elect=false")
    for path in files.glob("*+strategic.yaml"):
        (container,) = yaml.safe_load(path.read_text())["spec"]["containers"]
        assert path.name == f"{container['name']}+strategic.yaml"
        asked[container["name"]] = container["resources"]["requests"]["cpu"]
    assert asked == kind_config.THRIFTY
