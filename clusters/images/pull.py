"""The published images, pulled by the engine from where they are published or from a mirror.

Checks digests where the train pins them. It never pushes and never logs in: credentials
are the user's Docker's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from clusters.engine import Engine
from clusters.errors import DoctorError, EngineError
from clusters.topology import Image
from clusters.versions import Train

# As Docker tells a registry from a repository: it has a dot or a port, or is localhost.
ADDRESS = re.compile(r"(localhost|[\w-]+[.:][\w.:-]+|\[[0-9a-fA-F:]+\](:\d+)?)(/[\w./-]*)?")
LOOPBACK = re.compile(r"(localhost|127\.[\d.]+|\[::1\])(:\d+)?(/.*)?")


class DigestError(EngineError):
    """What was pulled is not what the versions file pins."""


def ensure(engine: Engine, train: Train, names: Iterable[str], mirror: str) -> tuple[Image, ...]:
    """Pull those images that the engine does not hold, and name them as they are published.

    Args:
        mirror: a registry that holds the same repositories, as `host:port` or
            `host:port/prefix`; empty to pull from where they are published.

    Raises:
        CommandError: an image cannot be pulled.
        DigestError: an image has another digest than the train pins.
    """
    with ThreadPoolExecutor(4) as pool:
        return tuple(pool.map(lambda name: _ensure(engine, train, name, mirror), names))


def checked(mirror: str) -> str:
    """A registry's address, `host:port` or `host:port/prefix`, if it is one.

    Raises:
        DoctorError: it is not.
    """
    if not ADDRESS.fullmatch(mirror):
        raise DoctorError(
            "a registry as host:port or host:port/prefix, without https://",
            seen=mirror or "nothing",
            look="MIRROR=registry.example:5000",
        )
    return mirror.rstrip("/")


def is_loopback(mirror: str) -> bool:
    """Whether a registry is reached from the engine's own network namespace only."""
    return LOOPBACK.fullmatch(mirror) is not None


def mirrored(reference: str, mirror: str) -> str:
    """The reference as the mirror serves it: the registry's name is replaced by the mirror's."""
    if not mirror:
        return reference
    return f"{mirror.rstrip('/')}/{reference.partition('/')[2]}"


def _ensure(engine: Engine, train: Train, name: str, mirror: str) -> Image:
    published, pinned = train.reference(name), train.images[name].digest
    source = mirrored(published, mirror)
    held = _digest(engine, published, source)
    if not held or (pinned and held != pinned):
        wanted = f"{source}@{pinned}" if pinned else source
        engine.docker("pull", "--quiet", wanted)
        engine.docker("tag", wanted, published)
    found = _digest(engine, published, source)
    if pinned and found != pinned:
        raise DigestError(
            f"{published} with digest {pinned}, as versions/{train.name}.toml pins it",
            seen=found or "no digest",
            look=f"docker image inspect {published}",
        )
    return Image(reference=published, digest=found, source="pull")


def _digest(engine: Engine, published: str, source: str) -> str:
    """The repository digest under which an image was pulled; empty if it was not."""
    found = engine.inspect("image", published) or {}
    repository = source.rpartition(":")[0]
    short = repository.removeprefix("docker.io/").removeprefix("library/")
    for entry in found.get("RepoDigests") or ():
        name, _, digest = str(entry).partition("@")
        if name in (repository, short):
            return digest
    return ""
