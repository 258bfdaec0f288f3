"""The guest's disk: Debian trixie with its Docker and an ordinary user, and no Go nor compiler.

Made by mmdebstrap and kept by what it is made of. It holds no key and no name of a run.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from clusters.home import Home
from clusters.images import rootfs
from clusters.images.recipe import digest_of
from clusters.process import run
from tests.guest import network

SUITE = "trixie"
USER = "dev"
DISK = "40G"  # sparse
PACKAGES = (
    "ca-certificates", "dbus", "docker-cli", "docker.io", "git", "iproute2", "iptables", "kmod",
    "linux-image-cloud-amd64", "make", "openssh-server", "procps", "python3", "python3-venv",
    "systemd", "systemd-sysv", "udev",
)  # fmt: skip
UNIT = f"""\
[Match]
Name={network.THERE} en*
[Network]
Address={network.GUEST}/{network.BITS}
Gateway={network.GATEWAY}
"""
CUSTOMIZE = (
    f"useradd --create-home --shell /bin/bash --groups docker {USER}",
    f"printf '%s' '{UNIT}' > /etc/systemd/network/10-guest.network",
    "systemctl enable -q systemd-networkd ssh docker",
    "systemctl mask -q systemd-networkd-wait-online.service apt-daily.timer",
    "echo guest > /etc/hostname; : > /etc/resolv.conf; rm -f /etc/machine-id",
    "printf '127.0.0.1 localhost guest\\n' > /etc/hosts",
    "rm -rf /var/lib/apt/lists/* /var/cache/apt/*",
)


@dataclass(frozen=True)
class Image:
    """A folder with the root as a tar archive, and from it a disk, kernel and first ramdisk."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root.tar"

    @property
    def disk(self) -> Path:
        return self.folder / "disk.raw"


def ensure(home: Home) -> Image:
    """The image, made if this home has none; others, made of something else, are deleted.

    Raises:
        CommandError: mmdebstrap failed.
    """
    wanted = digest_of([SUITE, *PACKAGES, "", *CUSTOMIZE])[:16]
    images = home.folder("guest", "images")
    for old in images.iterdir():
        if old.name != wanted:
            shutil.rmtree(old)
    image = Image(home.folder("guest", "images", wanted))
    if not image.root.exists():
        log = home.logs / "guest-root.log"
        rootfs.build(PACKAGES, CUSTOMIZE, image.root, log, suite=SUITE)
    return image


def ensure_disk(image: Image) -> None:
    """A file system from the root, and the kernel beside it: what a virtual machine boots.

    Raises:
        CommandError: mke2fs failed.
    """
    if image.disk.exists():
        return
    with tempfile.TemporaryDirectory(dir=image.folder) as draft:
        root = Path(draft) / "root"
        root.mkdir()
        unpack(image, root)
        for name in ("vmlinuz", "initrd.img"):  # links into /boot, to be read in there
            shutil.copyfile(root / (root / name).readlink(), image.folder / name)
        disk = Path(draft) / "disk.raw"
        run(["mke2fs", "-q", "-t", "ext4", "-d", root, disk, DISK])
        disk.replace(image.disk)


def unpack(image: Image, target: Path) -> None:
    """The root into a folder.

    Raises:
        CommandError: tar failed.
    """
    run(["tar", "--extract", "--numeric-owner", "--xattrs", f"--file={image.root}", "-C", target])
