"""topology.json: written whole, read back the same, refused when it is not one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clusters.errors import TopologyError
from clusters.models import Image, Machine
from clusters.topology import Cluster, ClusterMeshMember, Stage, Topology
from clusters.versions import Deadlines

DEADLINES = Deadlines(
    node=1, cilium=2, clustermesh=3, gateway_api=4, istio=5, workload=6, convergence=30
)
MESH = ClusterMeshMember(hostname="aws.mesh.internal", address="198.18.0.129", port=2379)


def topology(*clusters: Cluster) -> Topology:
    return Topology(
        run="r1",
        provider="kind",
        train="2026-08",
        versions={"istio": "1.31.0"},
        deadlines=DEADLINES,
        clusters=clusters,
        images=(Image(reference="a/b:1", digest="sha256:0", source="forge"),),
        machine=Machine(cpu="c", cores=2, memory_bytes=1, kernel="6", system="s"),
        stages=(Stage(name="node", cluster="aws", started=0, seconds=1.5),),
        notes=("read me",),
    )


def cluster(name: str, *features: str) -> Cluster:
    path = Path("/k") / name
    return Cluster(name=name, kubeconfig=path, context=name, features=frozenset(features))


AWS, AZURE = cluster("aws", "istio", "cilium"), cluster("azure", "cilium")


CLUSTERS = st.builds(
    Cluster,
    name=st.text(),
    kubeconfig=st.just(Path("/k")),
    context=st.text(),
    mesh=st.none() | st.just(MESH),
    features=st.frozensets(st.text()),
)


@given(CLUSTERS, st.floats(0, 1e6, exclude_min=True))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, one: Cluster, seconds: float
) -> None:
    path = tmp_path_factory.mktemp("t") / "below" / "topology.json"
    deadlines = DEADLINES.model_copy(update={"convergence": seconds})
    whole = topology(one).model_copy(update={"deadlines": deadlines})
    whole.save(path)
    assert Topology.load(path) == whole
    assert [file.name for file in path.parent.iterdir()] == ["topology.json"]


def test_a_reader_never_meets_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "topology.json"
    topology(AWS).save(path)
    whole = path.stat().st_ino
    topology(AZURE).save(path)
    assert path.stat().st_ino != whole, "it was written over instead of replaced"


def test_a_cluster_is_found_by_name_and_others_are_listed() -> None:
    both = topology(AWS, AZURE)
    assert both.cluster("azure") is AZURE
    with pytest.raises(TopologyError, match=r"'gcp'[\s\S]*aws, azure"):
        both.cluster("gcp")
    with pytest.raises(TopologyError, match="no cluster"):
        topology().cluster("gcp")


def test_clusters_are_chosen_by_what_they_offer() -> None:
    both = topology(AWS, AZURE)
    assert both.with_feature("cilium") == (AWS, AZURE)
    assert both.with_feature("istio") == (AWS,)
    assert both.with_feature("flannel") == ()


def test_a_deadline_is_the_trains_and_one_that_is_misspelt_is_refused() -> None:
    assert {name: topology().deadline(name) for name in Deadlines.model_fields} == dict(DEADLINES)
    with pytest.raises(TopologyError, match=r"'convergance'\n.*node, cilium, .*convergence"):
        topology().deadline("convergance")


def test_a_topology_that_lacks_a_deadline_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "topology.json"
    path.write_text(topology(AWS).model_dump_json().replace('"cilium":2.0,', ""))
    with pytest.raises(TopologyError, match=r"deadlines\.cilium: Field required\n.*make up"):
        Topology.load(path)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema_version": 1}', "half {"])
def test_what_is_no_topology_is_refused_by_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "topology.json"
    path.write_text(text)
    with pytest.raises(TopologyError, match=str(path)) as caught:
        Topology.load(path)
    assert caught.value.look == "make up"


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "topology.json"
    text = topology(AWS).model_dump_json().replace('"schema_version":1', '"schema_version":2')
    path.write_text(text)
    with pytest.raises(TopologyError, match="schema_version"):
        Topology.load(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match=r"no such file\n.*make up"):
        Topology.load(tmp_path / "topology.json")


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="token"):
        Cluster.model_validate({**AWS.model_dump(), "token": "secret"})
