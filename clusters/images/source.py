"""Where images come from: pulled as published, or built from package registries.

Decides, says why, and brings them into the engine. From then on there is one path.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from clusters.engine import Engine
from clusters.errors import CommandError, DoctorError, SettingsError
from clusters.home import Home
from clusters.images import builder, pull
from clusters.images.bake import bake, digest
from clusters.images.mirrors import Mirrors, all_loopback, parse_mirrors
from clusters.images.pull import is_from_builder
from clusters.models import Image
from clusters.progress import Progress
from clusters.settings import Settings
from clusters.versions import Train

Mode = Literal["auto", "pull", "forge"]

NODE = "node"
LAB = (
    "cilium", "cilium-operator", "clustermesh-apiserver", "istio-pilot", "istio-proxyv2",
    "echo", "locust", "ratelimit", "redis",
)  # fmt: skip


@dataclass(frozen=True)
class Supply:
    """What the bring-up needs of its images.

    Attributes:
        node: reference of the node image with all others in it.
        plain_envoy: the proxy was built here: an Envoy without Istio's own filters.
        built_node: the node image was built here, with the train's own CoreDNS and etcd.
        why: where the images come from, and why from there.
        copied: names of images that an image builder made for a mirror, though the train pins
            another.
    """

    images: tuple[Image, ...]
    node: str
    plain_envoy: bool
    built_node: bool
    why: str
    copied: tuple[str, ...] = ()


def mode_of_user() -> Mode:
    """$IMAGES: auto, pull or forge.

    Raises:
        SettingsError: it is something else.
    """
    said = Settings.of_user().images
    for mode in get_args(Mode):
        if said == mode:
            return cast(Mode, mode)
    raise SettingsError("IMAGES=auto, pull or forge", seen=f"IMAGES={said}", look="make help")


def mirrors_of_user() -> Mirrors:
    """$MIRROR: registries of the site's own, false for none.

    Raises:
        SettingsError: it names none.
    """
    return parse_mirrors(Settings.of_user().mirror)


def decide(
    mode: Mode, engine: Engine | None, mirrors: Mirrors
) -> tuple[Literal["pull", "forge"], str]:
    """Which source serves here, and why, in a sentence. No registry is asked: a pull is.

    Args:
        engine: None if there is none yet, as a private one is started where none is.
    """
    if mode != "auto":
        return mode, f"IMAGES={mode}"
    if mirrors:
        return "pull", f"MIRROR={mirrors}"
    if engine is None or engine.namespace is not None:
        return "forge", "the private engine has no way to a registry"
    return "pull", f"there is {engine.name}"


def ensure(
    home: Home, engine: Engine, train: Train, progress: Progress, *, also: Train | None = None
) -> Supply:
    """Have every image of the lab in the engine, and a node image with all of them in it.

    Args:
        also: another train, whose images of the lab are put into the node image too.

    Raises:
        DoctorError: they must be built and this machine cannot.
        RegistryError: a registry does not give one.
        CommandError: a build failed.
    """
    names, mirrors = (NODE, *LAB), mirrors_of_user()
    images, why = ensure_images(home, engine, train, progress, names, mirrors=mirrors)
    base = train.reference(NODE)
    inner = [train.reference(name) for name in LAB]
    if also is not None:
        more, _ = ensure_images(home, engine, also, progress, LAB, mirrors=mirrors)
        images = tuple(dict.fromkeys((*images, *more)))
        inner = list(dict.fromkeys((*inner, *(also.reference(name) for name in LAB))))
    copied = {name for each in (train, also) if each for name in pull.names_of_copies(each, images)}
    name = f"{train.name}_to_{also.name}" if also else train.name
    target = f"plumbline/node:{name}-{digest(engine, base, inner)[:12]}"
    with progress.step("node image"):
        bake(engine, base, inner, target, work=home.folder("bake"))
        _forget_older(engine, target)
    return Supply(
        images,
        target,
        plain_envoy=is_from_builder(engine, train.reference("istio-proxyv2")),
        built_node=is_from_builder(engine, base),
        why=why,
        copied=tuple(sorted(copied)),
    )


def present(engine: Engine, train: Train) -> Supply:
    """What is known of a train whose images are on the nodes already: no node image of its own."""
    return Supply(
        (),
        "",
        plain_envoy=is_from_builder(engine, train.reference("istio-proxyv2")),
        built_node=is_from_builder(engine, train.reference(NODE)),
        why="they are on the nodes",
    )


def ensure_images(  # noqa: PLR0913 - what to have, where, and where from
    home: Home,
    engine: Engine,
    train: Train,
    progress: Progress,
    names: Sequence[str],
    *,
    mirrors: Mirrors,
) -> tuple[tuple[Image, ...], str]:
    """Have some images in the engine under their published names; also why they came as they did.

    Args:
        mirrors: as `mirrors_of_user` gives them.

    Raises:
        DoctorError: they must be built and this machine cannot, or be pulled and the engine
            has no way to a registry.
        RegistryError: a registry does not give one.
        CommandError: a build failed.
    """
    source, why = decide(mode_of_user(), engine, mirrors)
    progress.say(f"images: {source}, because {why}")
    with progress.step("images"):
        if source == "forge":
            images = builder.Builder(home, engine, train, progress).ensure(names)
        else:
            _require_way(engine, mirrors, [train.reference(name) for name in names])
            images = pull.ensure(home, engine, train, names, mirrors, progress=progress)
    return images, f"{source}, because {why}"


def _require_way(engine: Engine, mirrors: Mirrors, published: Sequence[str]) -> None:
    if engine.namespace is None or all_loopback(mirrors, published):
        return
    raise DoctorError(
        "an engine that can reach a registry",
        seen=f"{engine.name}, which reaches nothing outside, and MIRROR={mirrors}",
        look="start a Docker of your own, or leave out MIRROR and IMAGES to build the images",
    )


def _forget_older(engine: Engine, target: str) -> None:
    """Remove what today's images took the place of: only ours, by label and name."""
    engine.docker("image", "prune", "--force", "--filter", f"label={builder.LABEL}")
    listed = engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}", "plumbline/node")
    name, _, _ = target.rpartition("-")
    for older in listed.split():
        if older.rpartition("-")[0] == name and older != target:
            with contextlib.suppress(CommandError):  # a cluster that runs holds on to its own
                engine.docker("rmi", older)
