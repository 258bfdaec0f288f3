"""Three machines that run the guest's root: by KVM, emulated, or as a container of systemd.

Each starts in the guest's network namespace and is asked by ssh alone. A kernel of its own, and
so control groups of version 2 and limits of its own, have the first two; an emulated one is ten
to twenty times slower than this machine, too slow for the suites.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from clusters.process import environment, run
from tests.guest import image, network
from tests.guest.image import Image

STOP_DEADLINE = 60  # seconds
# Of a container these would set this machine's kernel and devices.
MASKED = (
    "systemd-sysctl.service", "systemd-udevd.service", "systemd-udev-trigger.service",
    "systemd-modules-load.service",
)  # fmt: skip
# nspawn gives a container's own control groups to systemd alone, and Docker needs them too; without
# the hierarchy of version 2 beside them two nodes' systemds would share one. A kubelet reads kmsg.
SETTLE = (
    "mount -o remount,rw /sys/fs/cgroup; for each in /sys/fs/cgroup/*; do "
    "test -L $each || mount -o remount,rw,bind $each; done; "
    "mkdir /sys/fs/cgroup/unified; mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified; "
    "mknod -m 600 /dev/kmsg c 1 11"
)
CREDENTIAL = "ssh.authorized_keys.root"  # systemd.system-credentials(7)
GROUPS = Path("/sys/fs/cgroup")
# Into a control group of ours in each hierarchy, then become the program.
ENTER = (
    'for each in "$0"/*/' + network.NAME + '/cgroup.procs; do echo $$ > "$each"; done; exec "$@"'
)


class Machine(Protocol):
    """One way to run the root."""

    name: str
    tap: bool
    own_kernel: bool
    packages: tuple[str, ...]
    boot_deadline: float  # seconds
    settle: str  # what root does in there when it is up

    def obstacle(self) -> str:
        """Why it does not run here; empty if it does."""

    def start(self, made: Image, folder: Path, key: str) -> subprocess.Popen[bytes]:
        """Start it from a throw-away copy in `folder`; `key` may log in as root."""

    def clear(self) -> None:
        """Take away what it left on this machine."""


class Virtual:
    """A virtual machine of QEMU's."""

    tap = True
    own_kernel = True
    settle = "true"
    packages: tuple[str, ...] = ("qemu-system-x86", "qemu-utils", "e2fsprogs", "mmdebstrap")

    def __init__(self, name: str, accelerator: str, cpu: str, boot_deadline: float) -> None:
        self.name, self.boot_deadline = name, boot_deadline
        self._accelerator, self._cpu = accelerator, cpu

    def obstacle(self) -> str:
        if os.uname().machine != "x86_64":
            return f"the guest is amd64, and this machine {os.uname().machine}"
        return obstacle_to_kvm() if self._accelerator == "kvm" else ""

    def start(self, made: Image, folder: Path, key: str) -> subprocess.Popen[bytes]:
        image.ensure_disk(made)
        disk = folder / "disk.qcow2"
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", made.disk, disk])
        return _started(self.command(made, disk, key, folder / "console.log"), folder)

    def command(self, made: Image, disk: Path, key: str, console: Path) -> list[str]:
        """What starts it: 2 processors, a disk, a network, and a console into a file."""
        return network.inside(
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", "q35", "-accel", self._accelerator, "-cpu", self._cpu,
            "-smp", "2", "-m", str(memory_mib()), "-no-reboot",
            "-kernel", made.folder / "vmlinuz", "-initrd", made.folder / "initrd.img",
            "-append", "root=/dev/vda rw console=ttyS0",
            "-drive", f"file={_escaped(disk)},if=virtio,format=qcow2,cache=unsafe,discard=unmap",
            "-netdev", f"tap,id=net,ifname={network.TAP},script=no,downscript=no",
            "-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci",
            "-smbios", f"type=11,value=io.systemd.credential:{CREDENTIAL}={_escaped(key)}",
            "-serial", f"file:{console}",
        )  # fmt: skip

    def clear(self) -> None:
        """QEMU ends with the namespace it runs in."""


class Container:
    """systemd of the guest's root, in namespaces of its own on this machine's kernel."""

    name = "container"
    tap = False
    own_kernel = False
    settle = SETTLE
    packages: tuple[str, ...] = ("systemd-container", "mmdebstrap")
    boot_deadline = 120.0

    def obstacle(self) -> str:
        if (GROUPS / "cgroup.controllers").exists():
            return "this machine has control groups of version 2: run `make e2e` here itself"
        return ""

    def start(self, made: Image, folder: Path, key: str) -> subprocess.Popen[bytes]:
        root = folder / "root"
        root.mkdir()
        image.unpack(made, root)
        self._make_groups()
        return _started(self.command(root, key), folder)

    def command(self, root: Path, key: str) -> list[str]:
        """What starts it; systemd of trixie must be told twice to take version 1."""
        return network.inside(
            "/bin/sh", "-euc", ENTER, GROUPS,
            "systemd-nspawn", "--register=no", "--keep-unit", "--resolv-conf=off", "--timezone=off",
            "--link-journal=no", "--kill-signal=SIGRTMIN+3", "--capability=all",
            "--system-call-filter=@known", f"--machine={network.NAME}", f"--directory={root}",
            f"--network-namespace-path={network.CONTAINERS}",
            f"--set-credential={CREDENTIAL}:{key}",
            "/lib/systemd/systemd", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
            "systemd.unified_cgroup_hierarchy=0", *(f"systemd.mask={unit}" for unit in MASKED),
        )  # fmt: skip

    def clear(self) -> None:
        for ours in GROUPS.glob(f"*/{network.NAME}"):
            for folder in [*sorted(ours.rglob("*/"), reverse=True), ours]:
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def _make_groups(self) -> None:
        for hierarchy in GROUPS.iterdir():
            if hierarchy.is_symlink() or not (hierarchy / "cgroup.procs").exists():
                continue
            ours = hierarchy / network.NAME
            ours.mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (ours / name).exists():
                    (ours / name).write_text((hierarchy / name).read_text())


MACHINES: dict[str, Machine] = {
    each.name: each
    for each in (
        Virtual("kvm", "kvm", "host", 120),
        Container(),
        Virtual("emulated", "tcg,thread=multi", "max", 900),
    )
}


def obstacle_to_kvm() -> str:
    """Why KVM cannot run Debian's kernel here; empty if it can."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "there is no /dev/kvm that can be opened"
    flags = Path("/proc/cpuinfo").read_text().split("flags", 1)[-1].partition("\n")[0].split()
    if not {"vmx", "svm"} & set(flags):
        return (
            "/dev/kvm is there, but the processor shows neither vmx nor svm: such a KVM (pvm) "
            "runs only kernels that were made for it"
        )
    return ""


def memory_mib() -> int:
    """Half of this machine's memory, and no more than 12 GiB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
    return min(12 * 1024, total // 2)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a machine: it is asked by its signal for that, and then made to."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_DEADLINE)


def _started(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    quiet = {
        "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0",
    }  # fmt: skip
    with (folder / "machine.log").open("wb") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env=environment(quiet), start_new_session=True,
        )  # fmt: skip


def _escaped(value: str | Path) -> str:
    """As QEMU wants a comma inside of a value."""
    return str(value).replace(",", ",,")


def install(packages: Sequence[str]) -> None:
    """The Debian packages that this machine lacks.

    Raises:
        CommandError: they cannot be installed.
    """
    lines = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n"]).splitlines()
    there = {line.split()[0] for line in lines if line.split()[1:] == ["ii"]}
    lacking = [name for name in packages if name not in there]
    if lacking and shutil.which("apt-get"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_OFFLINE": "1"}
        run(["apt-get", "update", "-qq"], env=quiet)
        run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *lacking], env=quiet)
