"""The command that loads: how much it sends at most, its page, and its report."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import suites
from clusters import forwarding
from clusters.errors import CommandError, InputError
from fixtures import manifests as m
from fixtures.behaviour import discover
from fixtures.traffic.distributed import Size
from reports.of_run import report
from reports.render.html import html
from reports.schema import Load, Results
from suites.runs.load import sizes
from suites.runs.load.site import MASTER, PODS, WORKER
from tests.test_manifests import VALUES


@pytest.mark.parametrize("words", sizes.PROFILES)
def test_each_profile_is_within_the_bounds(words: str) -> None:
    assert sizes.parse(words, sizes.MOST) == sizes.PROFILES[words]


@given(st.integers(1, 100), st.integers(1, 8), st.integers(1, 120), st.integers(0, 500))
def test_what_is_within_the_bounds_is_taken_as_it_is(
    users: int, workers: int, seconds: int, rate: int
) -> None:
    users = max(users, workers)
    size = sizes.parse(f"{users},{workers},{seconds},{rate}", sizes.MOST_ADOPTED)
    assert size == Size(users, workers, seconds, rate)
    assert size.due == rate * seconds


@pytest.mark.parametrize(
    "words",
    ["", "many", "8,1", "8,0,10", "1,2,10", "8,1,0", "101,8,10", "8,1,10,-1", "8,1,10,1,1",
     "8,1,nan", "8,1,inf", "8,9,10", "8,1,121", "8,1,10,501"],
)  # fmt: skip
def test_what_is_no_load_or_more_than_the_bounds_is_refused(words: str) -> None:
    with pytest.raises(InputError):
        sizes.parse(words, sizes.MOST_ADOPTED)


def test_a_load_is_compared_by_several_numbers_of_workers() -> None:
    size = Size(8, 1, 10)
    assert [each.workers for each in sizes.to_compare(size)] == list(sizes.WORKERS)
    with pytest.raises(InputError):
        sizes.to_compare(Size(3, 1, 10))


def test_its_pods_are_a_master_and_workers_that_reach_it_without_a_proxy() -> None:
    documents = m.support(PODS.support, **VALUES)
    pods = {d["metadata"]["name"]: d for d in documents if d["kind"] == "Deployment"}
    assert pods.keys() == {MASTER, WORKER}
    worker = pods[WORKER]["spec"]["template"]["metadata"]
    assert worker["labels"]["sidecar.istio.io/inject"] == "true"
    assert worker["annotations"]["traffic.sidecar.istio.io/excludeOutboundPorts"] == "5557"


def test_some_behaviours_of_the_reference_have_a_load() -> None:
    loaded = {behaviour.name for behaviour in discover(suites) if behaviour.load}
    assert loaded == {"mobile_routing", "canary_split", "rbac_denial"}


class Pods:
    """Pods that answer with what they are asked, in place of a cluster's."""

    def dial(self, namespace: str, pod: str, port: int) -> Any:
        if pod == "gone":
            raise CommandError("a connection", seen="no such pod")
        near, far = socket.socketpair()
        far.sendall(f"{namespace}/{pod}:{port}".encode())
        self.far = far
        return near


def test_a_port_of_loopback_leads_to_a_pod_until_the_block_ends() -> None:
    pods: Any = Pods()
    with forwarding.listen() as listener:
        address = listener.getsockname()
        with forwarding.forwarded(listener, pods, "ns", "master", 8089) as url:
            assert url == f"http://127.0.0.1:{address[1]}"
            with socket.create_connection(address, timeout=5) as client:
                assert client.recv(100) == b"ns/master:8089"
                client.sendall(b"hello")
                assert pods.far.recv(100) == b"hello"
                pods.far.close()
                assert client.recv(100) == b""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(address, timeout=5)


def test_a_connection_that_cannot_be_made_is_closed() -> None:
    pods: Any = Pods()
    with (
        forwarding.listen() as listener,
        forwarding.forwarded(listener, pods, "ns", "gone", 8089),
        socket.create_connection(listener.getsockname(), timeout=5) as client,
    ):
        assert client.recv(100) == b""


MADE = Load(
    cluster="aws-cluster",
    by="Locust, distributed",
    loop="open",
    users=8,
    workers=2,
    seconds=2.0,
    rate=300.0,
    requests=600,
    unusual=1,
    delayed=3,
    lines=101,
    p50_ms=2.5,
    p99_ms=9.0,
    p999_ms=20.0,
    max_ms=31.0,
    cpu_ms={"generators": 0.5, "master": 0.1, "sidecars": 0.25},
    by_second={"200": (300, 299), "unusual": (0, 1)},
    page="load/aws-cluster-2.html",
)


BASELINE = Path("reports/baselines/2026-08.json")


def test_the_report_has_the_figures_and_leads_to_locusts_own_page(tmp_path: Path) -> None:
    run = Results.load(BASELINE).model_copy(update={"loads": (MADE,)})
    (table,) = [each for each in report(run).sections if each.title.startswith("Loads")]
    (row,) = table.rows  # type: ignore[union-attr]
    assert row[1:6] == ("open, 300 a second, 3 late", "8", "2", "600", "300")
    page = html(report(run, tmp_path))
    assert 'href="./load/aws-cluster-2.html"' in page
    assert "answers a second" in page
