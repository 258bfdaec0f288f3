"""Where images come from: pulled as published, or forged from package registries.

Decides, says why, and brings them into the engine. From then on there is one path.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

import httpx

from clusters.engine import Engine
from clusters.errors import CommandError, DoctorError
from clusters.home import Home
from clusters.images import forge, pull
from clusters.images.bake import bake, digest
from clusters.progress import Progress
from clusters.topology import Image
from clusters.versions import Train

Mode = Literal["auto", "pull", "forge"]

NODE = "node"
LAB = (
    "cilium", "cilium-operator", "clustermesh-apiserver", "istio-pilot", "istio-proxyv2",
    "echo", "locust",
)  # fmt: skip
ASK_TIMEOUT = 3.0  # seconds that a registry has to answer


@dataclass(frozen=True)
class Supply:
    """What the bring-up needs of its images.

    Attributes:
        node: reference of the node image with all others in it.
        plain_envoy: the proxy is forged: an Envoy without Istio's own filters.
        forged_node: the node image is forged, with the train's own CoreDNS and etcd.
    """

    images: tuple[Image, ...]
    node: str
    plain_envoy: bool
    forged_node: bool
    why: str


def mode_of_user() -> Mode:
    """$IMAGES: auto, pull or forge.

    Raises:
        DoctorError: it is something else.
    """
    said = os.environ.get("IMAGES") or "auto"
    for mode in get_args(Mode):
        if said == mode:
            return cast(Mode, mode)
    raise DoctorError("IMAGES=auto, pull or forge", seen=f"IMAGES={said}", look="make help")


def mirror_of_user() -> str:
    """$MIRROR: a registry of the site's own, empty for none.

    Raises:
        DoctorError: it is no registry's address.
    """
    said = os.environ.get("MIRROR", "")
    return pull.checked(said) if said else ""


def decide(
    mode: Mode, engine: Engine, train: Train, mirror: str, ask: Callable[[str], bool]
) -> tuple[Literal["pull", "forge"], str]:
    """Which source serves here, and why, in a sentence."""
    if mode != "auto":
        return mode, f"IMAGES={mode}"
    if mirror:
        return "pull", f"MIRROR={mirror}"
    if engine.namespace is not None:
        return "forge", "the private engine has no way to a registry"
    for registry in sorted({train.reference(name).partition("/")[0] for name in train.images}):
        if not ask(registry):
            return "forge", f"{registry} does not answer"
    return "pull", "every registry answers"


def answers(registry: str) -> bool:
    """Whether a registry speaks its protocol to us, with or without leave."""
    host = "registry-1.docker.io" if registry == "docker.io" else registry
    try:
        return httpx.get(f"https://{host}/v2/", timeout=ASK_TIMEOUT).status_code in (200, 401)
    except httpx.HTTPError:
        return False


def ensure(
    home: Home, engine: Engine, train: Train, progress: Progress, *, also: Train | None = None
) -> Supply:
    """Have every image of the lab in the engine, and a node image with all of them in it.

    Args:
        also: another train, whose images of the lab are put into the node image too.

    Raises:
        DoctorError: they must be forged and this machine cannot.
        CommandError: a build or a pull failed.
    """
    names, mirror = (NODE, *LAB), mirror_of_user()
    images, why = ensure_images(home, engine, train, progress, names, mirror=mirror)
    base = train.reference(NODE)
    inner = [train.reference(name) for name in LAB]
    if also is not None:
        more, _ = ensure_images(home, engine, also, progress, LAB, mirror=mirror)
        images = tuple(dict.fromkeys((*images, *more)))
        inner = list(dict.fromkeys((*inner, *(also.reference(name) for name in LAB))))
    name = f"{train.name}_to_{also.name}" if also else train.name
    target = f"plumbline/node:{name}-{digest(engine, base, inner)[:12]}"
    with progress.step("node image"):
        bake(engine, base, inner, target, work=home.folder("bake"))
        _forget_older(engine, target)
    return Supply(
        images,
        target,
        plain_envoy=is_forged(engine, train.reference("istio-proxyv2")),
        forged_node=is_forged(engine, base),
        why=why,
    )


def present(engine: Engine, train: Train) -> Supply:
    """What is known of a train whose images are on the nodes already: no node image of its own."""
    return Supply(
        (),
        "",
        plain_envoy=is_forged(engine, train.reference("istio-proxyv2")),
        forged_node=is_forged(engine, train.reference(NODE)),
        why="they are on the nodes",
    )


def ensure_images(  # noqa: PLR0913 - what to have, where, and where from
    home: Home,
    engine: Engine,
    train: Train,
    progress: Progress,
    names: Sequence[str],
    *,
    mirror: str,
) -> tuple[tuple[Image, ...], str]:
    """Have some images in the engine under their published names; also why they came as they did.

    Args:
        mirror: as `mirror_of_user` gives it.

    Raises:
        DoctorError: they must be forged and this machine cannot, or be pulled and the engine
            has no way to a registry.
        CommandError: a build or a pull failed.
    """
    source, why = decide(mode_of_user(), engine, train, mirror, answers)
    progress.say(f"images: {source}, because {why}")
    with progress.step("images"):
        if source == "forge":
            images = forge.Forge(home, engine, train, progress).ensure(names)
        else:
            _require_way(engine, mirror)
            images = pull.ensure(engine, train, names, mirror)
    return images, f"{source}, because {why}"


def _require_way(engine: Engine, mirror: str) -> None:
    if engine.namespace is None or pull.is_loopback(mirror):
        return
    raise DoctorError(
        "an engine that can reach a registry",
        seen=f"{engine.name}, which reaches nothing outside, and MIRROR={mirror}",
        look="start a Docker of your own, or leave out MIRROR and IMAGES to forge",
    )


def _forget_older(engine: Engine, target: str) -> None:
    """Remove what today's images took the place of: only ours, by label and name."""
    engine.docker("image", "prune", "--force", "--filter", f"label={forge.LABEL}")
    listed = engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}", "plumbline/node")
    name, _, _ = target.rpartition("-")
    for older in listed.split():
        if older.rpartition("-")[0] == name and older != target:
            with contextlib.suppress(CommandError):  # a cluster that runs holds on to its own
                engine.docker("rmi", older)


def is_forged(engine: Engine, reference: str) -> bool:
    """Whether an image came from a forge, here or at the site whose mirror we pulled it from."""
    found = engine.inspect("image", reference) or {}
    return forge.LABEL in (found.get("Config", {}).get("Labels") or {})
