"""What a lab costs: the documents that name its clusters, and the tables of its figures."""

from __future__ import annotations

import pytest

from clusters.plan import MAX_CLUSTERS, plan, read_plan
from clusters.settings import CLUSTERMESH
from clusters.topology import Stage
from tests.cost import GIB, MOST, Cost, Size, document, longest, tables


@pytest.mark.parametrize("count", range(2, MAX_CLUSTERS + 1))
def test_a_document_names_the_references_clusters_first(count: int) -> None:
    plans, reference = plan(document(count)), read_plan(CLUSTERMESH)
    assert len(plans) == count
    assert plans[:2] == reference


@pytest.mark.parametrize(
    ("text", "size"), [("2", Size(2)), ("3x1", Size(3)), ("2x3", Size(2, nodes=3))]
)
def test_a_size_is_of_clusters_and_nodes(text: str, size: Size) -> None:
    assert Size.parse(text) == size


@pytest.mark.parametrize("text", ["", "x", "two", "2x3x4"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Size.parse(text)


def cost(size: Size, programs: dict[str, tuple[float, int]]) -> Cost:
    return Cost(size, 70.4, 101.6, 0.25, 3 * GIB, {"node": 14.2}, programs)


def test_labs_stand_beside_each_other() -> None:
    lines = list(
        tables(
            [
                cost(Size(2), {"etcd": (10.0, GIB), "envoy": (1.0, 0)}),
                cost(Size(2, nodes=3), {"etcd": (20.0, 2 * GIB)}),
            ]
        )
    )
    assert "| 2 of 1 | 70 | 102 | 25% | 3.0 |" in lines
    assert "| stage, s | 2 of 1 | 2 of 3 |" in lines
    assert "| node | 14 | 14 |" in lines
    assert "| etcd | 10 | 20 |" in lines
    assert "| envoy | 1 | 0 |" in lines
    assert "| etcd | 1024 | 2048 |" in lines


def test_of_many_programs_those_with_most_are_told() -> None:
    many = {f"p{n}": (float(n), n) for n in range(2 * MOST)}
    rows = [line for line in tables([cost(Size(2), many)]) if line.startswith("| p1")]
    assert f"| p{2 * MOST - 1} | {2 * MOST - 1} |" in rows
    assert not any(line.startswith("| p1 |") for line in rows)


def test_a_stage_takes_what_the_slowest_cluster_takes() -> None:
    stages = [
        Stage(name="node", cluster=at, started=0.0, seconds=s) for at, s in (("a", 3.0), ("b", 5.0))
    ]
    assert longest(stages) == {"node": 5.0}
