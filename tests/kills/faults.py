"""Faults that a run meets and survives, so that its report can say so: signals, a dead engine,
an API server that is gone, a full disk. Each says in words what it did."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from clusters import engine, files, private_engine
from clusters.errors import EngineError
from clusters.home import Home
from clusters.process import run as call
from clusters.topology import Topology
from reports.reading import FILE
from reports.schema import Results
from suites.runs.run import OUT

MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
DISK = "disk"
SMALL = files.ROOM + 40_000_000
"""Bytes of the disk that is filled: a run's folder takes some of them until then."""
BLOCK = 65_536


class Victim(NamedTuple):
    """What a fault is made for: a run, by its name, its first process, and the home it is of."""

    home: Home
    process: subprocess.Popen[bytes]
    run: str


Fault = Callable[[Victim], str]


def terminate(victim: Victim) -> str:
    victim.process.terminate()
    return "SIGTERM to its first process"


def interrupt_twice(victim: Victim) -> str:
    for _again in range(2):
        os.killpg(victim.process.pid, signal.SIGINT)
        time.sleep(0.5)
    return "Ctrl-C twice"


def kill_engine(victim: Victim) -> str:
    """The daemon alone: containers outlive it, as those of a crash would.

    Raises:
        EngineError: the engine is the user's own.
    """
    daemons = [each for each in private_engine.daemons(victim.home) if each.name() == "dockerd"]
    if not daemons:
        raise EngineError("a private engine", seen="none runs", look="ENGINE=private make kills")
    for each in daemons:
        each.kill()
    return "SIGKILL to dockerd"


def take_api_server(victim: Victim) -> str:
    """Out of the kubelet's folder, so that it does not come back."""
    first = Topology.load(victim.home.topology).clusters[0]
    engine.ensure(victim.home).docker("exec", first.nodes[0].name, "mv", MANIFEST, "/root/")
    return f"{first.name}'s API server away"


def fill_disk(victim: Victim) -> str:
    """That of the run's folder, which `surroundings` has put there, to its last block."""
    taken = 0
    try:
        with (OUT / victim.run / "filler").open("wb", buffering=0) as filler:
            while True:
                taken += filler.write(os.urandom(BLOCK))
    except OSError:
        return f"its reports' disk full, {taken / 1e6:.0f} MB by others"


@contextmanager
def surroundings(fault: str, run: str) -> Iterator[None]:
    """What a fault needs before its run begins: a small disk for the run's folder, to be filled.

    Raises:
        CommandError: it cannot be mounted, as only root may.
    """
    if fault != DISK:
        yield
        return
    folder = OUT / run
    folder.mkdir(parents=True, exist_ok=True)
    call(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", folder])
    try:
        yield
    finally:
        call(["umount", folder])


FAULTS: dict[str, Fault] = {
    "term": terminate,
    "interrupt-twice": interrupt_twice,
    "dockerd": kill_engine,
    "api-server": take_api_server,
    DISK: fill_disk,
}


def said(run: str, status: int) -> str:
    """What a run's report says of it, in short."""
    path = OUT / run / FILE
    if not path.exists():
        return f"status {status}, no results"
    results = Results.load(path)
    counts = ", ".join(f"{results.count(v)} {v}" for v in ("pass", "fail", "inconclusive"))
    reasons = {
        r.reason.splitlines()[0] for r in results.requirements if r.verdict == "inconclusive"
    }
    first = f"; {min(reasons)}" if reasons else ""
    return f"status {status}, {results.status}: {counts}{first}"
