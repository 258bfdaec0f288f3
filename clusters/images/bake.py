"""Puts images into a node image, so that nodes start with them and pull nothing.

Takes whatever the engine holds, pulled or built, and commits a new node image that is
known by its content. It starts no cluster.

kind copies /var of the image into a volume for each node. So the images' layers are kept
outside /var, already unpacked, with symbolic links to them in containerd's store: nothing is
copied, nothing is unpacked again, and all nodes of the machine share one copy in the page cache.

Each image goes in with one layer (clusters/images/flat.py). Of several, an upper one may hold
whiteouts, and these would hide files of the node image; and the overlay that a container is
cannot bear another, which unpacking the second layer would take.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from clusters.engine import Engine
from clusters.errors import CommandError
from clusters.images import flat
from clusters.images.recipe import digest_of
from clusters.process import PROXIES

LABEL = "dev.plumbline.baked"
SIDE_BY_SIDE = 2  # images whose files are read at once

HOLD = """
containerd >/tmp/containerd.log 2>&1 &
echo "$!" >/tmp/containerd.pid
wait
exec sleep infinity
"""
# A layer that is unpacked is not needed packed, as containerd's own discard_unpacked_layers has
# it. Its file goes at once: containerd's garbage collector may not come by before the end.
IMPORT = """
set -eu
archive=$1 layer=$2
for _ in $(seq 300); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done
ctr --namespace=k8s.io images import "$archive" || { tail /tmp/containerd.log >&2; exit 1; }
ctr --namespace=k8s.io content rm "$layer"
rm -f "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/${layer#sha256:}"
"""
KEEP = """
set -eu
pid=$(cat /tmp/containerd.pid)
kill "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
rm /tmp/containerd.log /tmp/containerd.pid
mkdir -p /kind/store
cd /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots
for each in *; do
    [ -L "$each" ] && continue
    mv "$each" /kind/store/
    ln -s "/kind/store/$each" "$each"
done
"""


def bake(  # noqa: PLR0913 - what goes in, what comes out, and where
    engine: Engine, base: str, images: Sequence[str], target: str, *, work: Path, label: str = ""
) -> None:
    """Make a node image `target` that is `base` with `images` in its containerd.

    Does nothing if `target` was made from the same ones already.

    Args:
        base: reference of a node image.
        images: references that the engine holds.
        target: reference to give it.
        work: a folder on the engine's machine, for archives of single images.
        label: another label to set, as `key=value`.

    Raises:
        CommandError: a step failed.
    """
    content = digest(engine, base, images)
    if content_of(engine.inspect("image", target)) == content:
        return
    work.mkdir(parents=True, exist_ok=True)
    name = f"plumbline-bake-{uuid.uuid4().hex[:8]}"
    try:
        engine.docker(
            "run", "--detach", "--name", name, "--privileged", "--network=none",
            f"--label={LABEL}=", f"--mount=type=bind,source={work},destination=/baking,readonly",
            "--entrypoint=/bin/bash", base, "-c", HOLD,
        )  # fmt: skip
        _Oven(engine, name, work).fill(images)
        engine.docker("exec", name, "/bin/bash", "-c", KEEP)
        changes = [
            f"LABEL {LABEL}={content}",
            'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]',
            "CMD []",
            *(f"ENV {variable}=" for variable in _proxies(engine, name)),
            *([f"LABEL {label}"] if label else []),
        ]
        flags = [word for change in changes for word in ("--change", change)]
        engine.docker("commit", *flags, name, target)
    finally:
        with contextlib.suppress(CommandError):
            engine.remove([name])


class _Oven:
    """A container of the node image, in which containerd runs."""

    def __init__(self, engine: Engine, name: str, work: Path) -> None:
        self._engine, self._name, self._work = engine, name, work
        self._free = threading.Lock()

    def fill(self, images: Sequence[str]) -> None:
        """Bring images into its containerd."""
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            list(pool.map(self._bring, images, range(len(images))))

    def _bring(self, image: str, number: int) -> None:
        archive = self._work / f"{number}.tar"
        try:
            layer = flat.write(self._engine, image, archive, label=LABEL)
            with self._free:  # two images may have the same layer, which goes when it is unpacked
                self._engine.docker(
                    "exec", self._name, "/bin/bash", "-c", IMPORT, "import",
                    f"/baking/{archive.name}", layer,
                )  # fmt: skip
        finally:
            archive.unlink(missing_ok=True)


def digest(engine: Engine, base: str, images: Sequence[str]) -> str:
    """What a baked image is made of: the identities of its parts, and how they are put in."""
    parts = [engine.inspect("image", reference) or {} for reference in (base, *sorted(images))]
    return digest_of([HOLD, IMPORT, KEEP, *(str(each.get("Id", "")) for each in parts)])


def content_of(document: dict[str, Any] | None) -> str:
    """What a baked image was made of, or the one that a container was made from; or nothing.

    Docker's two stores name an image by different things, and a label is the same in both.
    """
    labels = (document or {}).get("Config", {}).get("Labels") or {}
    return str(labels.get(LABEL, ""))


def _proxies(engine: Engine, container: str) -> list[str]:
    """Variables for a proxy, which Docker gives every container if its user's settings have one."""
    document = engine.inspect("container", container) or {}
    names = [each.partition("=")[0] for each in document.get("Config", {}).get("Env") or ()]
    return [name for name in names if name.upper() in PROXIES]
