"""The guest's only network: a namespace of ours that has what its internet has, and no way on.

Makes it, names its addresses and takes it away, with all that runs in it. The machine's own
interfaces and rules are not touched.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import psutil

from clusters.errors import CommandError
from clusters.process import run

NAME = "plumbline-guest"
CONTAINER = "plumbline-guest-in"  # the container's own, with one end of a pair in it
NAMESPACE, CONTAINERS = Path("/run/netns") / NAME, Path("/run/netns") / CONTAINER
# 198.51.100.0/24 is set aside for documentation (RFC 5737): no real network has it.
GATEWAY, GUEST, REGISTRIES, FILES = (f"198.51.100.{last}" for last in (1, 2, 10, 11))
BITS = 24
TAP, HERE, THERE = "guest0", "guest0", "host0"  # host0: as systemd calls a container's own
STOP_DEADLINE = 10  # seconds

INDEX, WHEELS, MODULES = "pypi.org", "files.pythonhosted.org", "proxy.golang.org"

# The names that are asked for, by who answers. registry-1 is docker.io's own registry.
NAMES = {
    REGISTRIES: (
        "docker.io", "index.docker.io", "auth.docker.io", "registry-1.docker.io",
        "quay.io", "registry.k8s.io", "ghcr.io",
    ),
    FILES: (INDEX, WHEELS, MODULES),
}  # fmt: skip


def inside(*argv: str | Path) -> list[str]:
    """The command that runs a program in the namespace."""
    return ["nsenter", f"--net={NAMESPACE}", "--", *map(str, argv)]


def hosts() -> str:
    """What stands in the guest's /etc/hosts, since its internet has no name server."""
    return "".join(f"{address} {' '.join(names)}\n" for address, names in NAMES.items())


def make(*, tap: bool) -> None:
    """Make the namespace anew, with a tap device for a virtual machine or a pair for a container.

    It forwards and has nowhere to forward to, so that what is not there is refused at once.

    Raises:
        CommandError: the kernel refuses.
    """
    run(["ip", "netns", "add", NAME])
    run(["ip", "-n", NAME, "link", "set", "lo", "up"])
    if tap:
        run(["ip", "-n", NAME, "tuntap", "add", "dev", TAP, "mode", "tap"])
    else:
        run(["ip", "netns", "add", CONTAINER])
        pair = ["type", "veth", "peer", "name", THERE, "netns", CONTAINER]
        run(["ip", "-n", NAME, "link", "add", HERE, *pair])
        run(["ip", "-n", CONTAINER, "address", "add", f"{GUEST}/{BITS}", "dev", THERE])
        for name in ("lo", THERE):
            run(["ip", "-n", CONTAINER, "link", "set", name, "up"])
    for address in (GATEWAY, *NAMES):
        run(["ip", "-n", NAME, "address", "add", f"{address}/{BITS}", "dev", HERE])
    run(["ip", "-n", NAME, "link", "set", HERE, "up"])
    if not tap:
        run(["ip", "-n", CONTAINER, "route", "add", "default", "via", GATEWAY])
    run(inside("sysctl", "-qw", "net.ipv4.ip_forward=1"))


def remove() -> None:
    """End all that runs in the namespace and take it away. Safe to call at any time."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        alive = _processes()
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        psutil.wait_procs(alive, timeout=STOP_DEADLINE)
    for path in (NAMESPACE, CONTAINERS):
        if path.exists():
            run(["ip", "netns", "delete", path.name])


def _processes() -> list[psutil.Process]:
    processes = []
    for path in (NAMESPACE, CONTAINERS):
        with contextlib.suppress(CommandError):
            for pid in run(["ip", "netns", "pids", path.name]).split() if path.exists() else ():
                with contextlib.suppress(psutil.NoSuchProcess):
                    processes.append(psutil.Process(int(pid)))
    return [process for process in processes if process.pid != os.getpid()]
