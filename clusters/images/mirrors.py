"""$MIRROR: from which registry an image is pulled, if not from where it is published.

Reads what a person wrote and gives names; it reaches no registry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from clusters.errors import SettingsError

# As Docker tells a registry from a repository: it has a dot or a port, or is localhost.
HOST = r"(localhost|[\w-]+[.:][\w.:-]+|\[[0-9a-fA-F:]+\](:\d+)?)"
ADDRESS = re.compile(rf"{HOST}(/[\w./-]*)?")
LOOPBACK = re.compile(r"(localhost|127\.[\d.]+|\[::1\])(:\d+)?(/.*)?")


@dataclass(frozen=True)
class Mirrors:
    """Where to pull from.

    Attributes:
        everything: one registry that holds all repositories, as `host:port` or
            `host:port/prefix`; empty if there is none.
        prefixes: for a published registry the address that stands for it, as a cache that
            fetches from it has one: `docker.io` -> `host/hub`.
    """

    everything: str = ""
    prefixes: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.everything or self.prefixes)

    def __str__(self) -> str:
        return self.everything or ",".join(f"{key}={at}" for key, at in self.prefixes.items())

    def source(self, published: str) -> str:
        """The reference to pull: the mirror's name in the place of the registry's."""
        registry, _, repository = published.partition("/")
        address = self.everything or self.prefixes.get(registry, registry)
        return f"{address}/{repository}"


def parse_mirrors(said: str) -> Mirrors:
    """What $MIRROR says, `host:port/prefix` or `docker.io=host/hub,quay.io=host/quay`.

    Raises:
        SettingsError: it is neither.
    """
    if not said:
        return Mirrors()
    if "=" not in said and "," not in said:
        return Mirrors(everything=check_address(said))
    prefixes: dict[str, str] = {}
    for part in said.split(","):
        registry, _, address = part.strip().partition("=")
        if not re.fullmatch(HOST, registry) or not ADDRESS.fullmatch(address):
            raise _refusal(said, f"in it {part.strip() or 'nothing beside a comma'}")
        if registry in prefixes:
            raise _refusal(said, f"in it {registry} twice")
        prefixes[registry] = address.rstrip("/")
    return Mirrors(prefixes=prefixes)


def check_address(address: str) -> str:
    """One registry's address, `host:port` or `host:port/prefix`, if it is one.

    Raises:
        SettingsError: it is not.
    """
    if not ADDRESS.fullmatch(address):
        raise SettingsError(
            "a registry as host:port or host:port/prefix, without https://",
            seen=address or "nothing",
            look="MIRROR=registry.example:5000",
        )
    return address.rstrip("/")


def is_loopback(address: str) -> bool:
    """Whether a registry is reached from the engine's own network namespace only."""
    return LOOPBACK.fullmatch(address) is not None


def all_loopback(mirrors: Mirrors, published: Iterable[str]) -> bool:
    """Whether all that these images are pulled from is on loopback."""
    return all(is_loopback(mirrors.source(each)) for each in published)


def _refusal(said: str, seen: str) -> SettingsError:
    return SettingsError(
        "MIRROR=host:port/prefix, or a prefix for each published registry, without https://",
        seen=f"MIRROR={said}, {seen}",
        look="MIRROR=docker.io=registry.example/hub,quay.io=registry.example/quay",
    )
