"""Fills a registry of the site's own: forged or pulled once, here, then pulled from there.

Each image goes in as clusters.images.pull asks for it, under its published repository and tag.
crane carries it and not the engine, as a private one has no way to the site. What the registry
holds and was not asked to take stays as it is; nothing is ever deleted there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from clusters.engine import Engine
from clusters.errors import CommandError, PlumblineError
from clusters.images.pull import is_loopback, mirrored
from clusters.process import run
from clusters.progress import Progress
from clusters.versions import Train

ABSENT = ("MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND")
"""How a registry says that it has no such image: OCI distribution specification, and Harbor."""
TIMEOUT = 3600  # seconds, for one image


class MirrorError(PlumblineError):
    """The registry cannot be reached, or does not take what it is given."""


@dataclass(frozen=True)
class Mirror:
    """A registry as we write to it.

    Attributes:
        address: as `pull.checked` gives it. A loopback address is the engine's own, as it is
            for a pull.
        crane: the program.
        insecure: also without TLS, or with a certificate that nobody vouches for. Loopback
            and private IPv4 addresses may always be without TLS.
    """

    address: str
    engine: Engine
    crane: Path
    insecure: bool = False

    def holds(self, published: str) -> str:
        """The id of the image that the registry has for this name; empty if it has none.

        Raises:
            MirrorError: the registry does not answer, or does not let us in.
        """
        try:
            manifest = json.loads(self._crane("manifest", mirrored(published, self.address)))
        except MirrorError as error:
            if any(word in error.seen for word in ABSENT):
                return ""
            raise
        return str(manifest.get("config", {}).get("digest", ""))

    def push(self, published: str, work: Path) -> None:
        """Bring an image that the engine holds into the registry.

        Args:
            work: a folder that has room for the image as an archive.

        Raises:
            CommandError: the engine does not hold it.
            MirrorError: the registry did not take it.
        """
        archive = work / "image.tar"
        try:
            self.engine.docker("save", "--output", archive, published)
            self._crane("push", archive, mirrored(published, self.address))
        finally:
            archive.unlink(missing_ok=True)

    def _crane(self, *argv: str | Path) -> str:
        flags = ["--insecure"] if self.insecure else []
        try:
            return run([*self._way(), self.crane, *flags, *argv], timeout=TIMEOUT)
        except CommandError as error:
            raise MirrorError(
                f"the registry {self.address} to answer `crane {' '.join(map(str, argv))}`",
                seen=error.seen,
                look=f"docker login {self.address.partition('/')[0]}; SSL_CERT_FILE for an "
                "authority of the site's own; INSECURE=1 if it has no TLS",
            ) from None

    def _way(self) -> list[str]:
        if self.engine.namespace is None or not is_loopback(self.address):
            return []
        return ["nsenter", f"--net={self.engine.namespace}", "--"]


def fill(
    mirror: Mirror, train: Train, names: Iterable[str], progress: Progress, work: Path
) -> tuple[str, ...]:
    """Push those images of the engine's that the registry does not have as they are.

    Args:
        names: images of the train; the engine holds each under its published name.
        work: as for `Mirror.push`.

    Returns:
        The published names of those that were pushed.

    Raises:
        MirrorError: the registry does not answer, or did not take one.
        CommandError: the engine does not hold one.
    """
    pushed = []
    for name in names:
        published = train.reference(name)
        if mirror.holds(published) == _id(mirror.engine, published):
            progress.say(f"{name} is there already")
            continue
        with progress.step(f"push {name}"):
            mirror.push(published, work)
        pushed.append(published)
    return tuple(pushed)


def _id(engine: Engine, published: str) -> str | None:
    found = engine.inspect("image", published) or {}
    return found.get("Id")
