"""Puts images into a node image, so that nodes start with them and pull nothing.

Takes whatever the engine holds, pulled or forged, and commits a new node image that is
known by its content. It starts no cluster.

kind copies /var of the image into a volume for each node. So the images' layers are kept
outside /var, already unpacked where that can be, with symbolic links to them in
containerd's store: nothing is copied, nothing is unpacked again, and all nodes of the
machine share one copy in the page cache.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from pathlib import Path

from clusters.engine import Engine
from clusters.errors import CommandError
from clusters.images.recipe import digest_of

LABEL = "dev.plumbline.baked"

# An overlay cannot have its upper layer on another overlay, so containerd works in a volume.
# A layer that is unpacked is not needed packed, as containerd's own discard_unpacked_layers has it.
# A whiteout inside a committed layer would hide files of the node: an image of several
# layers may hold one, so its layers are left for the nodes to unpack.
IMPORT = """
set -eu
unpack=$1
mkdir -p /var/lib/containerd
cp -a /var/lib/containerd/. /store/
containerd --root /store >/tmp/containerd.log 2>&1 &
pid=$!
for _ in $(seq 300); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done
ctr --namespace=k8s.io images import $unpack /baking/images.tar
kill "$pid"
wait "$pid" || true
cd /store
if [ -z "$unpack" ]; then
    find io.containerd.snapshotter.v1.overlayfs/snapshots -mindepth 1 -maxdepth 1 -type d
    find io.containerd.content.v1.content/blobs -type f -size +64k -delete
else
    find io.containerd.content.v1.content/blobs -type f -size +64k
fi > /tmp/keep
while read -r path; do
    mkdir -p "/kind/store/$(dirname "$path")"
    cp -a "$path" "/kind/store/$path"
    rm -rf "$path"
    ln -s "/kind/store/$path" "$path"
done < /tmp/keep
rm -rf /var/lib/containerd /tmp/keep /tmp/containerd.log
cp -a /store /var/lib/containerd
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
        work: a folder on the engine's machine, for an archive of the images.
        label: another label to set, as `key=value`.

    Raises:
        CommandError: a step failed.
    """
    content = digest(engine, base, images)
    if _baked_from(engine, target) == content:
        return
    archive = work / "images.tar"
    work.mkdir(parents=True, exist_ok=True)
    name = f"plumbline-bake-{uuid.uuid4().hex[:8]}"
    unpack = "" if all(_layers(engine, image) == 1 for image in images) else "--no-unpack"
    try:
        engine.docker("save", "--output", archive, *images)
        engine.docker(
            "run", "--name", name, "--privileged", "--network=none", "--entrypoint=/bin/bash",
            f"--label={LABEL}=", "--mount=type=volume,destination=/store",
            f"--mount=type=bind,source={work},destination=/baking,readonly",
            base, "-c", IMPORT, "bake", unpack,
        )  # fmt: skip
        changes = [
            f"LABEL {LABEL}={content}",
            'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]',
            "CMD []",
            *([f"LABEL {label}"] if label else []),
        ]
        flags = [word for change in changes for word in ("--change", change)]
        engine.docker("commit", *flags, name, target)
    finally:
        archive.unlink(missing_ok=True)
        with contextlib.suppress(CommandError):
            engine.docker("rm", "--force", "--volumes", name)


def digest(engine: Engine, base: str, images: Sequence[str]) -> str:
    """What a baked image is made of: the identities of its parts, and how they are put in."""
    found = [engine.inspect("image", reference) or {} for reference in (base, *sorted(images))]
    return digest_of([IMPORT, *(str(each.get("Id", "")) for each in found)])


def _baked_from(engine: Engine, target: str) -> str:
    found = engine.inspect("image", target) or {}
    return str((found.get("Config", {}).get("Labels") or {}).get(LABEL, ""))


def _layers(engine: Engine, image: str) -> int:
    found = engine.inspect("image", image) or {}
    return len(found.get("RootFS", {}).get("Layers") or ())
