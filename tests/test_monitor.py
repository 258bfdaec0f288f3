"""The monitor: who sends, who takes over, and what is kept of whoever stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from clusters.errors import CommandError, PlumblineError, UnreachableError
from clusters.progress import Progress
from fixtures.checks.expectations import BY_RBAC
from fixtures.history.streams import Stream
from fixtures.history.traces import Traces
from fixtures.lab import Lab
from fixtures.lab.probes import ProbeSource, Target, served_by
from fixtures.traffic import monitor_processes
from fixtures.traffic.client import ClientPod
from fixtures.traffic.monitor_processes import MonitorProcess
from suites.runs.monitor import Monitor, failures_logged
from tests.test_traces import batch, lines

TARGET = Target("greeting", "aws-cluster", "http://198.19.0.1/", "greeter.example")
WEB = TARGET.both_modes("web", "it is served", served_by("web"))
GUARDED = TARGET.both_modes("guarded", "it is denied", BY_RBAC)
FRONTEND = ProbeSource.behind_sidecar("aws-cluster", "frontend", *WEB)
STRANGER = ProbeSource.behind_sidecar("aws-cluster", "stranger", *GUARDED)


class Senders:
    """Stands in for a lab: client pods by name, and the loads that they were asked for."""

    def __init__(self) -> None:
        self.loads: list[tuple[str, tuple[Stream, ...]]] = []
        self.started: list[str] = []
        self.stopped: list[str] = []
        self.dead: set[str] = set()

    def client(self, _cluster: str, name: str, _namespace: str, *, identity: str) -> ClientPod:  # noqa: ARG002
        @contextmanager
        def meanwhile(*streams: Stream, **_: float) -> Iterator[None]:
            self.loads.append((name, streams))
            yield

        return cast("ClientPod", SimpleNamespace(pod=name, meanwhile=meanwhile))

    def start(self, processes: Iterable[MonitorProcess]) -> None:
        self.started += [process.client.pod for process in processes]

    def stop(
        self, processes: Iterable[MonitorProcess], _folder: Path
    ) -> list[Traces | PlumblineError]:
        names = [process.client.pod for process in processes]
        self.stopped += names
        gone = CommandError("a pod", seen="gone")
        return [gone if name in self.dead else Traces((), None) for name in names]


@pytest.fixture
def senders(monkeypatch: pytest.MonkeyPatch) -> Senders:
    senders = Senders()
    monkeypatch.setattr(monitor_processes, "start", senders.start)
    monkeypatch.setattr(monitor_processes, "stop", senders.stop)
    return senders


@pytest.fixture
def monitor(senders: Senders, tmp_path: Path) -> Monitor:
    return Monitor(cast("Lab", senders), tmp_path, Progress(tmp_path / "estimates.json"))


def test_sources_send_until_the_block_ends(monitor: Monitor, senders: Senders) -> None:
    with monitor.sending([FRONTEND, STRANGER]):
        assert senders.started == ["frontend", "stranger"]
        assert monitor.process("aws-cluster", "stranger").client.pod == "stranger"
        assert senders.stopped == []
    assert senders.stopped == ["frontend", "stranger"]
    with pytest.raises(KeyError):
        monitor.process("aws-cluster", "stranger")


def test_a_source_hands_over_and_is_stopped_once(monitor: Monitor, senders: Senders) -> None:
    with monitor.sending([FRONTEND, STRANGER]):
        monitor.stop([FRONTEND])
        monitor.stop([FRONTEND])
        monitor.start([FRONTEND])
    assert senders.started == ["frontend", "stranger", "frontend"]
    assert senders.stopped == ["frontend", "frontend", "stranger"]
    assert [entry.key for entry in monitor.entries(())] == [
        "aws-cluster/web-kept",
        "aws-cluster/web",
        "aws-cluster/guarded-kept",
        "aws-cluster/guarded",
    ]


def test_whoever_left_no_trace_is_noted_and_red(monitor: Monitor, senders: Senders) -> None:
    senders.dead.add("stranger")
    with monitor.sending([STRANGER]):
        pass
    assert monitor.notes == ["stranger of aws-cluster left no trace: gone"]
    assert {entry.verdict for entry in monitor.entries(())} == {"inconclusive"}


def test_only_what_is_to_be_loaded_is(monitor: Monitor, senders: Senders) -> None:
    often, new = WEB
    loaded = ProbeSource.behind_sidecar("aws-cluster", "outsider", replace(often, loaded=True), new)
    with monitor.load([FRONTEND, loaded]):
        ((name, (stream,)),) = senders.loads
    assert (name, stream.url, stream.headers) == (
        "outsider", often.stream.url, often.stream.headers,
    )  # fmt: skip


def test_a_phase_is_recorded_as_it_ended(monitor: Monitor) -> None:
    with monitor.phase("roll", "istio", "aws-cluster"):
        pass
    assert monitor.all_done
    with pytest.raises(CommandError), monitor.phase("break"):
        raise CommandError("it", seen="did not")
    monitor.end_phase("rolled back", "as it was")
    assert [(p.name, p.outcome) for p in monitor.phases] == [
        ("roll, aws-cluster", "done"),
        ("break", "rolled back"),
    ]
    assert (monitor.all_done, monitor.notes) == (False, ["break: rolled back: as it was"])


def test_a_report_outlives_the_api_server_that_was_watched() -> None:
    applied: list[str] = []

    def gone(*_: object) -> None:
        raise UnreachableError("the API server at x to answer", seen="connection refused")

    kube = SimpleNamespace(apply=lambda document, *_: applied.append(document["kind"]), delete=gone)
    cluster = SimpleNamespace(name="aws-cluster", features={"istio"})
    lab = SimpleNamespace(topology=SimpleNamespace(clusters=[cluster]), kube=lambda _: kube)
    with failures_logged(cast(Lab, lab)):
        assert applied == ["Telemetry"]


def test_a_trace_that_a_full_disk_does_not_keep_is_judged_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "traces").touch()  # no folder can be made there

    written = lines({"outcome": {"status": 200}}, batch((0, 0, 1, 0)))

    def run(_container: object, command: list[str], **_: object) -> str:
        return "".join(written) if command[0] == "cat" else ""

    kube = SimpleNamespace(exec=run, cluster=SimpleNamespace(name="aws-cluster"))
    client = cast("ClientPod", SimpleNamespace(kube=kube, pod="frontend", container=None))
    traces = MonitorProcess(client, (), "/w").stop(tmp_path / "traces")
    assert len(traces.only) == 1
