"""Faults that a run meets and survives, so that its report can say so: signals, a dead engine,
an API server that is gone. Each says in words what it did."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from clusters import engine, private_engine
from clusters.errors import EngineError
from clusters.home import Home
from clusters.topology import Topology
from reports.reading import FILE
from reports.schema import Results

MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"

Fault = Callable[[Home, "subprocess.Popen[bytes]"], str]


def terminate(_: Home, process: subprocess.Popen[bytes]) -> str:
    process.terminate()
    return "SIGTERM to its first process"


def interrupt_twice(_: Home, process: subprocess.Popen[bytes]) -> str:
    for _again in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.5)
    return "Ctrl-C twice"


def kill_engine(home: Home, _: subprocess.Popen[bytes]) -> str:
    """The daemon alone: containers outlive it, as those of a crash would.

    Raises:
        EngineError: the engine is the user's own.
    """
    daemons = [each for each in private_engine.daemons(home) if each.name() == "dockerd"]
    if not daemons:
        raise EngineError("a private engine", seen="none runs", look="ENGINE=private make kills")
    for each in daemons:
        each.kill()
    return "SIGKILL to dockerd"


def take_api_server(home: Home, _: subprocess.Popen[bytes]) -> str:
    """Out of the kubelet's folder, so that it does not come back."""
    first = Topology.load(home.topology).clusters[0]
    engine.ensure(home).docker("exec", first.nodes[0].name, "mv", MANIFEST, "/root/")
    return f"{first.name}'s API server away"


FAULTS: dict[str, Fault] = {
    "term": terminate,
    "interrupt-twice": interrupt_twice,
    "dockerd": kill_engine,
    "api-server": take_api_server,
}


def said(run: str, status: int) -> str:
    """What a run's report says of it, in short."""
    path = Path("reports/out", run, FILE)
    if not path.exists():
        return f"status {status}, no results"
    results = Results.load(path)
    counts = ", ".join(f"{results.count(v)} {v}" for v in ("pass", "fail", "inconclusive"))
    reasons = {
        r.reason.splitlines()[0] for r in results.requirements if r.verdict == "inconclusive"
    }
    first = f"; {min(reasons)}" if reasons else ""
    return f"status {status}, {results.status}: {counts}{first}"
