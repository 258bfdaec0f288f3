"""What a container engine says of itself: version, kind, kernel, cores, memory, where its data are.

Reads `docker info` and `docker version`; asks nobody else. Its machine may be another than
this process's own (Docker Desktop, a container with a socket mounted), so what holds of the
engine is never read from this process's /proc or /sys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clusters.errors import EngineError

CAP_SYS_RESOURCE = 24  # capabilities(7)
CONTAINERD_OWN = "/var/lib/containerd"  # the data of a containerd that runs beside dockerd
SNAPSHOTTER = "io.containerd.snapshotter.v1"


@dataclass(frozen=True)
class Facts:
    """An engine as it describes itself.

    Attributes:
        version: of the server; empty for what is no Docker.
        podman: Podman answers, as itself or in Docker's place.
        rootless, remapped: containers' root is another user outside.
        root: its data folder, on its own machine.
        images: the folder that holds its images: containerd's, or a part of `root`.
        cgroup: 1 or 2.
        memory: bytes.
    """

    version: str
    podman: bool
    rootless: bool
    remapped: bool
    system: str
    kernel: str
    cgroup: int
    cores: int
    memory: int
    root: str
    images: str
    driver: str

    @property
    def desktop(self) -> bool:
        """Docker Desktop: its engine has a virtual machine of its own."""
        return self.system == "Docker Desktop"

    @property
    def snap(self) -> bool:
        """Installed by snapd, which shuts it off from hidden folders of a home."""
        return self.root.startswith("/var/snap/")


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Containerd(_Answer):
    address: str = Field(default="", alias="Address")


class _Info(_Answer):
    """`docker info`; a Podman that is called docker has none of these keys."""

    version: str = Field(default="", alias="ServerVersion")
    errors: tuple[str, ...] = Field(default=(), alias="ServerErrors")
    security: tuple[str, ...] | None = Field(default=None, alias="SecurityOptions")
    system: str = Field(default="", alias="OperatingSystem")
    kernel: str = Field(default="", alias="KernelVersion")
    cgroup: str = Field(default="1", alias="CgroupVersion")  # Docker 19 does not tell: 1
    cores: int = Field(default=0, alias="NCPU")
    memory: int = Field(default=0, alias="MemTotal")
    root: str = Field(default="", alias="DockerRootDir")
    driver: str = Field(default="", alias="Driver")
    status: tuple[tuple[str, ...], ...] | None = Field(default=None, alias="DriverStatus")
    containerd: _Containerd | None = Field(default=None, alias="Containerd")


class _Component(_Answer):
    name: str = Field(default="", alias="Name")


class _Server(_Answer):
    components: tuple[_Component, ...] | None = Field(default=None, alias="Components")


class _Version(_Answer):
    """`docker version`; Podman without a socket has no server."""

    server: _Server | None = Field(default=None, alias="Server")


def parse(info: str, version: str) -> Facts:
    """The facts in what `docker info` and `docker version` print with `--format '{{json .}}'`.

    Raises:
        EngineError: either is not what an engine prints, or there is no server behind it.
    """
    try:
        reply = _Info.model_validate_json(info)
        server = _Version.model_validate_json(version).server
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise EngineError(
            "an engine that describes itself as Docker does",
            seen=f"{where}: {first['msg']}".removeprefix(": "),
            look="docker info",
        ) from None
    if reply.errors:
        raise EngineError(
            "an engine that answers", seen="; ".join(reply.errors), look="docker info"
        )
    components = {each.name for each in (server.components or ())} if server else set()
    security = {each.partition(",")[0] for each in reply.security or ()}
    podman = not reply.version or "Podman Engine" in components
    return Facts(
        version=reply.version,
        podman=podman,
        rootless="name=rootless" in security,
        remapped="name=userns" in security,
        system=reply.system,
        kernel=reply.kernel,
        cgroup=2 if reply.cgroup == "2" else 1,
        cores=reply.cores,
        memory=reply.memory,
        root=reply.root,
        images=_images(reply),
        driver=reply.driver,
    )


def kernel_version(release: str) -> tuple[int, int]:
    """Major and minor number of a kernel's release; (0, 0) where it has none."""
    numbers = re.match(r"(\d+)\.(\d+)", release)
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def lacks_sys_resource(status: str) -> bool:
    """Whether a process's bounding set lacks CAP_SYS_RESOURCE, by its /proc/<pid>/status.

    Raises:
        EngineError: that is no such file.
    """
    bounding = re.search(r"^CapBnd:\s+([0-9a-f]+)$", status, re.MULTILINE)
    if not bounding:
        raise EngineError(
            "a line CapBnd in /proc/self/status", seen=status[:200] or "nothing", look="docker info"
        )
    return not int(bounding[1], 16) >> CAP_SYS_RESOURCE & 1


def _images(reply: _Info) -> str:
    """Where images are kept: containerd's folder where it keeps them and is not dockerd's child."""
    in_containerd = ("driver-type", SNAPSHOTTER) in (reply.status or ())
    own = reply.containerd
    beside = own is not None and own.address.startswith("/run/containerd/")
    return CONTAINERD_OWN if in_containerd and beside else reply.root
