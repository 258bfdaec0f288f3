"""A private dockerd for a bare machine, in a network namespace without an uplink.

The machine's own network, firewall and any other Docker stay as they are: this daemon has
its own namespace, socket and data folder, and nothing that it runs can reach anything
outside. Of the machine's own it changes the limits on watched files alone, as long as it runs. It
knows nothing of images or clusters.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from clusters import engine_facts, files, inotify
from clusters.errors import CommandError, EngineError
from clusters.home import Home
from clusters.process import answers as program_answers
from clusters.process import environment, run

NAMESPACE = Path("/run/netns/plumbline")
RUNTIME = Path("/run/plumbline")  # a socket's path is bounded to 107 bytes, so not in the cache
WRAPPER = "runtime"
LIMITS = "inotify.json"
GROUPS = Path("/sys/fs/cgroup")
PACKAGES = ("docker.io", "iptables", "iproute2", "mmdebstrap")
START_DEADLINE = 60  # seconds
STOP_DEADLINE = 60
THAWED = "THAWED"


def host(_home: Home) -> str:
    """The value of DOCKER_HOST for this engine."""
    return f"unix://{RUNTIME}/docker.sock"


def answers(home: Home) -> bool:
    """Whether it runs and answers."""
    return _socket().exists() and program_answers(
        ["docker", "--host", host(home), "version", "--format", "{{.Server.Version}}"]
    )


def obstacle() -> str:
    """Why no private engine can be started here; empty if one can."""
    if sys.platform != "linux":
        return "this is not Linux"
    if os.geteuid() != 0:
        return "this is not root"
    if not shutil.which("dockerd") and not shutil.which("apt-get"):
        return "there is neither dockerd nor apt-get to install it"
    return ""


def has_containers(home: Home) -> bool:
    """Whether its data have containers, running or not; nobody is asked."""
    folder = home.root / "engine" / "data" / "containers"
    return folder.is_dir() and any(folder.iterdir())


def start(home: Home) -> None:
    """Start the daemon and wait until it answers; what a crash or reboot left is cleared first.

    Raises:
        EngineError: it does not answer within the deadline; the error repeats its log's end.
        CommandError: its packages cannot be installed, or the namespace cannot be made.
    """
    install()
    stop(home)
    _make_namespace()
    inotify.raise_limits(RUNTIME / LIMITS)
    log = home.logs / "dockerd.log"
    with log.open("wb") as out:
        daemon = subprocess.Popen(
            ["nsenter", f"--net={NAMESPACE}", "--", "dockerd", f"--config-file={_configure(home)}"],
            stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env=environment(), start_new_session=True,
        )  # fmt: skip
    waiting = Retrying(
        stop=stop_after_delay(START_DEADLINE),
        wait=wait_fixed(0.2),
        retry=retry_if_result(lambda ready: not ready and daemon.poll() is None),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )
    if not waiting(answers, home):
        tail = "\n".join(log.read_text(errors="replace", encoding="utf-8").splitlines()[-8:])
        raise EngineError(
            f"dockerd to answer within {START_DEADLINE} s", seen=tail, look=f"less {log}"
        )


def renew_runtime() -> None:
    """Have the daemon that runs call this checkout's runtime, if it calls any of ours: the checkout
    that started it may have been moved or deleted since."""
    if (RUNTIME / WRAPPER).exists():
        _wrapper()


def stop(home: Home) -> None:
    """Stop the daemon and everything it runs, and take its namespace and mounts away.

    Safe to call at any time, also after the daemon was killed. Its data folder is kept.
    """
    for process in daemons(home):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(daemons(home), timeout=STOP_DEADLINE)
    # Containers' shims outlive a killed daemon, and a killed shim's container outlives it.
    thaw()
    left = [*alive, *daemons(home), *contained()]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=STOP_DEADLINE)
    _unmount(RUNTIME)
    _unmount(home.root / "engine")
    _remove_control_groups()
    if NAMESPACE.exists():
        run(["ip", "netns", "delete", NAMESPACE.name])
    inotify.put_back(RUNTIME / LIMITS)
    shutil.rmtree(RUNTIME, ignore_errors=True)


def remove(home: Home) -> None:
    """Stop the engine and delete its data: images and build results included."""
    stop(home)
    shutil.rmtree(home.root / "engine", ignore_errors=True)


def install() -> None:
    """Install dockerd and what it needs from Debian, without starting Debian's own service."""
    if all(shutil.which(program) for program in ("dockerd", "iptables", "ip", "mmdebstrap")):
        return
    # SYSTEMD_OFFLINE keeps the package's scripts from starting a second Docker beside ours.
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_OFFLINE": "1"}
    run(["dpkg", "--configure", "-a"], env=quiet)  # what was killed half-way keeps apt from all
    run(["apt-get", "update", "-qq"], env=quiet)
    run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *PACKAGES], env=quiet)


def lacks_sys_resource() -> bool:
    """Whether what we start lacks CAP_SYS_RESOURCE, which `docker run --privileged` asks for."""
    return engine_facts.lacks_sys_resource(Path("/proc/self/status").read_text(encoding="utf-8"))


def _socket() -> Path:
    return RUNTIME / "docker.sock"


def _make_namespace() -> None:
    run(["ip", "netns", "add", NAMESPACE.name])
    run(["ip", "-n", NAMESPACE.name, "link", "set", "lo", "up"])


def _configure(home: Home) -> Path:
    RUNTIME.mkdir(parents=True, exist_ok=True)
    settings: dict[str, object] = {
        "hosts": [host(home)],
        "data-root": str(home.folder("engine", "data")),
        "exec-root": str(RUNTIME / "exec"),
        "pidfile": str(RUNTIME / "docker.pid"),
        "storage-driver": "overlay2",
        # Its namespace has no other network, whatever the machine's own have.
        "default-address-pools": [{"base": "198.18.0.0/16", "size": 24}],
        "bip": "198.19.255.1/24",
        "log-driver": "local",
        "cgroup-parent": f"/{RUNTIME.name}",
    }
    if lacks_sys_resource():
        settings["runtimes"] = {"without-sys-resource": {"path": str(_wrapper())}}
        settings["default-runtime"] = "without-sys-resource"
    path = RUNTIME / "daemon.json"
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")
    return path


def _wrapper() -> Path:
    """A runtime for dockerd: a program of one line, since dockerd passes no arguments of ours."""
    filter_ = Path(__file__).with_name("oci_runtime.py")
    command = shlex.join([sys.executable, "-IS", str(filter_)])
    return files.write(RUNTIME / WRAPPER, f'#!/bin/sh\nexec {command} "$@"\n', 0o755)


def daemons(home: Home) -> list[psutil.Process]:
    """Our daemon, its containerd and their shims: known by our folders on their command lines."""
    marks = (str(RUNTIME), str(home.root / "engine"))
    programs = ("dockerd", "containerd", "containerd-shim", "docker-proxy", "nsenter")
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if (process.info["name"] or "").startswith(programs)
        and any(mark in word for word in process.info["cmdline"] or () for mark in marks)
    ]


def contained() -> list[psutil.Process]:
    """What still runs in our control groups, as containers do, or in our network namespace."""
    pids: set[int] = set()
    for file in (file for ours in control_groups() for file in ours.rglob("cgroup.procs")):
        with contextlib.suppress(OSError):  # its group is gone meanwhile
            pids |= set(map(int, file.read_text(encoding="ascii").split()))
    if NAMESPACE.exists():
        with contextlib.suppress(CommandError):
            pids |= set(map(int, run(["ip", "netns", "pids", NAMESPACE.name]).split()))
    processes = []
    for pid in pids - {0, os.getpid()}:  # 0: of another namespace of processes
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    return processes


def thaw() -> int:
    """Let those of our control groups go on that are frozen; how many were.

    On version 1 the kernel ends no frozen process, however it is killed, and runc freezes a group
    while it writes down its devices: so a node that is killed while a pod starts in it cannot end.
    Source: https://docs.kernel.org/admin-guide/cgroup-v1/freezer-subsystem.html
    """
    frozen = 0
    for state in (file for ours in control_groups() for file in ours.rglob("freezer.state")):
        with contextlib.suppress(OSError):  # its group is gone meanwhile
            if state.read_text(encoding="ascii").strip() != THAWED:
                state.write_text(THAWED, encoding="ascii")
                frozen += 1
    return frozen


def _unmount(root: Path) -> None:
    mounts = [Path(each.mountpoint) for each in psutil.disk_partitions(all=True)]
    for mount in sorted((m for m in mounts if m.is_relative_to(root)), reverse=True):
        run(["umount", "--lazy", str(mount)])


def _remove_control_groups() -> None:
    """Empty groups that dead containers left, below our own parent and nowhere else."""
    for ours in control_groups():
        for folder in [*sorted(ours.rglob("*/"), reverse=True), ours]:
            with contextlib.suppress(OSError):
                folder.rmdir()


def control_groups() -> list[Path]:
    """Our own parent, in each hierarchy of version 1 and in the one of version 2."""
    return [*GROUPS.glob(f"*/{RUNTIME.name}"), *GROUPS.glob(RUNTIME.name)]
