"""doctor: what this machine has, what it lacks, and the command that mends each lack.

Looks and tells. It installs nothing and changes nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from clusters import engine, private_engine
from clusters.errors import DoctorError
from clusters.home import Home
from clusters.images import golang
from clusters.process import run
from clusters.topology import Machine

GIB = 1024**3
MEMORY_NEEDED = 6 * GIB  # two clusters use under 3 GiB; a cold build's linkers as much again
DISK_COLD = 25 * GIB  # a cold forge at its peak
DISK_WARM = 6 * GIB


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it will do, what was seen, and what would mend it."""

    name: str
    good: bool
    seen: str
    mend: str = ""


def examine(home: Home) -> tuple[Finding, ...]:
    """Look at everything that a bring-up needs."""
    found = engine.find(home)
    obstacle = "" if found else private_engine.obstacle()
    cold = not (home.root / "engine").exists() and found is None
    disk = shutil.disk_usage(home.root if home.root.exists() else Path.home()).free
    needed = DISK_COLD if cold else DISK_WARM
    memory = psutil.virtual_memory().total
    go = golang.installed()
    debian = shutil.which("apt-get") is not None and os.geteuid() == 0
    return (
        Finding(
            "engine",
            not obstacle,
            found.name if found else (obstacle or "none yet; a private one can be started"),
            "start Docker (https://docs.docker.com/engine/install), or run as root on Debian",
        ),
        Finding(
            "go",
            go,
            _version("go") if go else "not on PATH",
            "install Go (https://go.dev/dl): it builds kind, helm and, offline, every image",
        ),
        Finding(
            "mmdebstrap",
            bool(shutil.which("mmdebstrap")) or debian or found is not None,
            shutil.which("mmdebstrap") or "not on PATH; only IMAGES=forge needs it",
            "apt-get install mmdebstrap",
        ),
        Finding(
            "disk",
            disk >= needed,
            f"{disk / GIB:.0f} GiB free, {needed / GIB:.0f} needed",
            f"free some space, or set PLUMBLINE_HOME to a larger disk than {home.root}",
        ),
        Finding(
            "memory",
            memory >= MEMORY_NEEDED,
            f"{memory / GIB:.0f} GiB, {MEMORY_NEEDED / GIB:.0f} needed",
            "run on a machine with more memory",
        ),
        Finding(
            "python",
            sys.version_info >= (3, 11),
            platform.python_version(),
            "install Python 3.11 or later",
        ),
    )


def require(findings: Iterable[Finding]) -> None:
    """See that nothing is lacking.

    Raises:
        DoctorError: something is; the error names each lack and what mends it.
    """
    lacks = [finding for finding in findings if not finding.good]
    if lacks:
        raise DoctorError(
            "a machine that has " + ", ".join(lack.name for lack in lacks),
            seen="; ".join(f"{lack.name}: {lack.seen}" for lack in lacks),
            look="; ".join(lack.mend for lack in lacks),
        )


def machine() -> Machine:
    """The machine, as a report names it."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        kernel=platform.release(),
        system=_system(),
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()


def _version(program: str) -> str:
    return run([program, "version"]).strip()
