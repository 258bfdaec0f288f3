"""Release trains: versions/<name>.toml, the one place where a version or a digest stands.

Reads and checks; it never resolves, downloads or guesses a version.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from clusters.errors import VersionsError

FOLDER = Path(__file__).parent / "versions"

Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+(\.\d+)?$")]
Digest = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64})?$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Versions(_Strict):
    """Every component's version, without a leading v."""

    kubernetes: Version
    kind: Version
    helm: Version
    etcd: Version
    coredns: Version
    pause: Version
    cilium: Version
    istio: Version
    envoy: Version
    gateway_api: Version
    locust: Version
    echo: Version
    distribution: Version
    crane: Version


class PublishedImage(_Strict):
    """Where an image is published; the digest, where known, is what a pull must bring.

    `reference` may name versions in braces, as `v{cilium}`.
    """

    reference: str
    digest: Digest = ""


class Deadlines(_Strict):
    """How long to wait for what, in seconds, before it is an error."""

    node: float = Field(gt=0, description="a kind cluster's control plane")
    cilium: float = Field(gt=0, description="agent and operator ready")
    clustermesh: float = Field(gt=0, description="the mesh ready in both directions")
    gateway_api: float = Field(gt=0, description="CRDs established, GatewayClass accepted")
    istio: float = Field(gt=0, description="istiod available and its webhook answering")
    workload: float = Field(gt=0, description="a suite's workloads ready")
    convergence: float = Field(gt=0, description="T: a change of configuration in effect")


class Budget(_Strict):
    """How long an upgrade of a component to this train may disturb any one stream, in seconds."""

    closed: float = Field(ge=0, description="not served although it must be")
    misrouted: float = Field(default=0.0, ge=0, description="answered by the wrong backend")


class Train(_Strict):
    """One release train: a whole file."""

    name: str
    versions: Versions
    images: dict[str, PublishedImage]
    deadlines: Deadlines
    budgets: dict[str, Budget] = Field(default_factory=dict)

    def reference(self, image: str) -> str:
        """The full reference of an image, such as `quay.io/cilium/cilium:v1.20.2`.

        Raises:
            VersionsError: the train's file has no such image.
        """
        if image not in self.images:
            raise VersionsError(
                f"images.{image} in versions/{self.name}.toml",
                seen=", ".join(self.images) or "none",
            )
        return self.images[image].reference.format(**self.versions.model_dump())


def names(folder: Path = FOLDER) -> tuple[str, ...]:
    """The trains there are, oldest first."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def load(name: str, folder: Path = FOLDER) -> Train:
    """Read a train by its name.

    Raises:
        VersionsError: there is none of that name, or it is malformed; the error names the
            file, the line and what was expected there.
    """
    path = folder / f"{name}.toml"
    try:
        text = path.read_text()
    except (OSError, ValueError):
        raise VersionsError(
            f"VERSIONS to name a file in {folder}",
            seen=f"{name!r}; there are: {', '.join(names(folder)) or 'none'}",
            look="make e2e VERSIONS=2026-08",
        ) from None
    try:
        train = Train.model_validate({**tomllib.loads(text), "name": name})
        _check_references(train, path, text)
    except tomllib.TOMLDecodeError as error:
        raise VersionsError(f"{path} to be TOML", seen=str(error), look=f"$EDITOR {path}") from None
    except ValidationError as error:
        first = error.errors()[0]
        keys = tuple(str(part) for part in first["loc"])
        line = _line(text, keys)
        raise VersionsError(
            f"{path}, line {line}: {'.'.join(keys)}: {first['msg']}",
            seen=repr(first["input"]),
            look=f"$EDITOR +{line} {path}",
        ) from None
    return train


def load_some(said: str, folder: Path = FOLDER) -> tuple[Train, ...]:
    """Read the trains of a list with commas, such as `2026-04,2026-08`; as `load`."""
    return tuple(load(name.strip(), folder) for name in said.split(","))


def _check_references(train: Train, path: Path, text: str) -> None:
    for image in train.images:
        try:
            train.reference(image)
        except (KeyError, IndexError, ValueError) as error:
            line = _line(text, ("images", image))
            raise VersionsError(
                f"{path}, line {line}: images.{image} to name known versions in braces",
                seen=f"{train.images[image].reference} ({error})",
                look=f"$EDITOR +{line} {path}",
            ) from None


def _line(text: str, keys: Iterable[str]) -> int:
    """The line where the last key that is in the file stands; 1 if none is."""
    lines = ["" if line.lstrip().startswith("#") else line for line in text.splitlines()]
    found = 0
    for key in keys:
        word = re.compile(rf"(^|[\[.,{{\s]){re.escape(key)}\s*[].=]")
        hits = (number for number in range(found, len(lines)) if word.search(lines[number]))
        found = next(hits, found)
    return found + 1
