"""Fills a registry of the site's own: published images copied, or built ones pushed, by crane.

Each image goes in as clusters.images.pull asks for it, under its published repository and tag.
What the registry holds and was not asked to take stays as it is; nothing is ever deleted there.
A published image is copied as it is, with its digest and for all platforms, and needs no engine.
A built one is the engine's, which may have no way to the site: crane carries it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clusters.engine import Engine
from clusters.errors import CommandError, RegistryError
from clusters.images import refusals
from clusters.images.mirrors import Mirrors, is_loopback
from clusters.process import run
from clusters.progress import Progress
from clusters.versions import Train

ASK_TIMEOUT = 60  # seconds, for what takes one answer
TIMEOUT = 3600  # seconds, for one image
COMPARED = ("Labels", "Env", "Entrypoint", "Cmd", "User", "WorkingDir")


@dataclass(frozen=True)
class Mirror:
    """A registry as we write to it.

    Attributes:
        address: as `mirrors.check_address` gives it.
        crane: the program.
        engine: what holds the images, where they were built. A loopback address is then the
            engine's own, as it is for a pull.
        insecure: also without TLS, or with a certificate that nobody vouches for. Loopback
            and private IPv4 addresses may always be without TLS.
    """

    address: str
    crane: Path
    engine: Engine | None = None
    insecure: bool = False

    def name(self, published: str) -> str:
        """The reference that the image gets here."""
        return Mirrors(everything=self.address).source(published)

    def digest(self, published: str) -> str:
        """The digest that the registry has for this name; empty if it has none.

        Raises:
            RegistryError: the registry does not answer, or does not let us in.
        """
        return self._ask("digest", self.name(published))

    def copy(self, published: str, pinned: str) -> bool:
        """Copy an image from where it is published; false if the registry has it already.

        Raises:
            RegistryError: one of the two registries does not answer, or does not let us.
        """
        origin = refusals.registry_of(published)
        wanted = pinned or self._crane("digest", published, registry=origin)
        if self.digest(published) == wanted:
            return False
        whole = published if not pinned else f"{published}@{pinned}"
        self._crane("copy", whole, self.name(published), registry=origin, timeout=TIMEOUT)
        return True

    def push(self, work: Path, published: str, _pinned: str = "") -> bool:
        """Bring an image that the engine holds into the registry; false if it is there already.

        Args:
            work: a folder that has room for the image as an archive.
            _pinned: is the published image's, and a built one has another.

        Raises:
            CommandError: the engine does not hold it.
            RegistryError: the registry does not answer, or did not take it.
        """
        if self.engine is None:
            raise CommandError("an engine that holds what is pushed", seen="none")
        if self._holds(published):
            return False
        archive, target = work / "image.tar", self.name(published)
        try:
            self.engine.docker("save", "--output", archive, published)
            self._crane("push", archive, target, registry=self._registry, timeout=TIMEOUT)
        finally:
            archive.unlink(missing_ok=True)
        return True

    def _holds(self, published: str) -> bool:
        """Whether the registry's image is the engine's: the same layers, set up in the same way.

        Their ids would not tell: Docker's containerd store has a manifest's digest for one.
        """
        said = self._ask("config", self.name(published))
        held = self.engine.inspect("image", published) if self.engine else None
        if not said or not held:
            return False
        there = json.loads(said)
        return bool(
            there.get("rootfs", {}).get("diff_ids") == held["RootFS"].get("Layers")
            and _settings(there.get("config")) == _settings(held.get("Config"))
        )

    @property
    def _registry(self) -> str:
        return refusals.registry_of(self.address)

    def _ask(self, *argv: str) -> str:
        """What the registry says of an image; empty if it has none of the name."""
        try:
            return self._crane(*argv, registry=self._registry)
        except RegistryError as error:
            if error.reason == "missing":
                return ""
            raise

    def _crane(self, *argv: str | Path, registry: str, timeout: float = ASK_TIMEOUT) -> str:
        flags, words = ["--insecure"] if self.insecure else [], [*map(str, argv)]
        began = time.monotonic()
        try:
            return run([*self._way(), self.crane, *flags, *words], timeout=timeout).strip()
        except CommandError as error:
            # Of two registries crane names the one it speaks of in an address.
            blamed = self._registry if f"//{self._registry}/" in error.seen else registry
            seconds = time.monotonic() - began
            raise refusals.refusal(
                f"crane {' '.join(words)}", blamed, error.seen, tries=1, seconds=seconds
            ) from None

    def _way(self) -> list[str]:
        if self.engine is None or self.engine.namespace is None or not is_loopback(self.address):
            return []
        return ["nsenter", f"--net={self.engine.namespace}", "--"]


def fill(
    trains: Iterable[Train], progress: Progress, bring: Callable[[str, str], bool]
) -> tuple[str, ...]:
    """Bring every image of some trains; one that several name once.

    Args:
        bring: takes a published name and the digest that is pinned for it; false if it was
            there already. It is `Mirror.copy` or `Mirror.push`.

    Returns:
        The published names of those that were brought.
    """
    wanted = {
        train.reference(name): image.digest
        for train in trains
        for name, image in train.images.items()
    }
    brought = []
    for published, pinned in wanted.items():
        with progress.step(f"mirror {published}"):
            if bring(published, pinned):
                brought.append(published)
            else:
                progress.say(f"{published} is there already")
    return tuple(brought)


def _settings(config: dict[str, Any] | None) -> list[object]:
    """What an image's configuration says of how it is run; nothing and empty are the same."""
    return [(config or {}).get(key) or None for key in COMPARED]
