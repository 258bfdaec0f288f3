"""What engines say of themselves: `docker info` and `docker version`, as each of them shapes it.

Docker 20.10, with remapped users too, and Podman 4.3 are as they printed it here; the others have
the shapes and the values that their projects' own issues and documentation show. What nobody here
reads is left out.
"""

from __future__ import annotations

import json
from typing import Any

Document = dict[str, Any]
Answers = dict[str, str]

GIB = 1024**3
FORM = "--format {{json .}}"

DOCKER_20: Document = {
    "Containers": 0,
    "Driver": "overlay2",
    "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
    "Plugins": {"Volume": ["local"], "Authorization": None},
    "CgroupDriver": "cgroupfs",
    "CgroupVersion": "1",
    "KernelVersion": "6.1.0-28-amd64",
    "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
    "OSType": "linux",
    "NCPU": 2,
    "MemTotal": 24 * GIB,
    "DockerRootDir": "/var/lib/docker",
    "ServerVersion": "20.10.24+dfsg1",
    "DefaultRuntime": "runc",
    "SecurityOptions": ["name=seccomp,profile=default"],
    "Warnings": None,
    "ClientInfo": {"Version": "20.10.24+dfsg1", "Context": "default"},
}
DOCKER_28: Document = {
    **DOCKER_20,
    "CgroupDriver": "systemd",
    "CgroupVersion": "2",
    "KernelVersion": "6.8.0-88-generic",
    "OperatingSystem": "Ubuntu 24.04.3 LTS",
    "ServerVersion": "28.5.1",
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"],
    "Containerd": {
        "Address": "/run/containerd/containerd.sock",
        "Namespaces": {"Containers": "moby", "Plugins": "plugins.moby"},
    },
}
DOCKER_29: Document = {
    **DOCKER_28,
    "Driver": "overlayfs",
    "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
    "ServerVersion": "29.1.2",
}
ROOTLESS: Document = {
    **DOCKER_28,
    "DockerRootDir": "/home/me/.local/share/docker",
    "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"],
}
REMAPPED: Document = {
    **DOCKER_28,
    "DockerRootDir": "/var/lib/docker/165536.165536",
    "SecurityOptions": [*DOCKER_28["SecurityOptions"], "name=userns"],
}
SNAP: Document = {**DOCKER_28, "DockerRootDir": "/var/snap/docker/common/var-lib-docker"}
DESKTOP: Document = {
    **DOCKER_28,
    "KernelVersion": "6.10.14-linuxkit",
    "OperatingSystem": "Docker Desktop",
}
# Docker's own program at Podman's socket: `docker version` alone tells.
PODMAN_SOCKET: Document = {
    **DOCKER_20,
    "Driver": "overlay",
    "Plugins": {"Volume": ["local"], "Network": ["bridge", "macvlan", "ipvlan"]},
    "OperatingSystem": "debian",
    "DockerRootDir": "/var/lib/containers/storage",
    "ServerVersion": "4.3.1",
    "DefaultRuntime": "crun",
}
# Podman's own program under Docker's name.
PODMAN: Document = {
    "host": {"arch": "amd64", "cgroupVersion": "v2", "security": {"rootless": True}},
    "store": {"graphDriverName": "overlay", "graphRoot": "/home/me/.local/share/containers"},
    "version": {"APIVersion": "4.9.3", "Version": "4.9.3"},
}
# Docker's program without a daemon behind it.
SILENT: Document = {
    "ServerVersion": "",
    "SecurityOptions": None,
    "DriverStatus": None,
    "ServerErrors": ["Cannot connect to the Docker daemon at unix:///var/run/docker.sock."],
}


def answers(info: Document, *components: str) -> Answers:
    """What both commands print; without components there is no server."""
    server = {"Components": [{"Name": name, "Version": "1"} for name in components]}
    version = {"Client": {"Version": "28.5.1"}, "Server": server if components else None}
    return {f"info {FORM}": json.dumps(info), f"version {FORM}": json.dumps(version)}


PARTS = ("Engine", "containerd", "runc", "docker-init")
PODMANS_PARTS = ("Podman Engine", "Conmon", "OCI Runtime (crun)", "Engine")
DOCKER = answers(DOCKER_28, *PARTS)
