"""Release trains: versions/<name>.toml, the one place where a version or a digest stands.

Reads and checks; it never resolves, downloads or guesses a version.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from clusters.errors import VersionsError
from clusters.files import why
from clusters.models import Frozen
from clusters.settings import Settings

FOLDER = Path(__file__).parent / "versions"

NUMBER = "(0|[1-9][0-9]*)"
# Items 2 and 9 of semver.org 2.0.0, but that the last number may be left out of a release.
VERSION = re.compile(
    rf"{NUMBER}\.{NUMBER}(\.{NUMBER}(-(?P<pre>{{one}}(\.{{one}})*))?)?".format(
        one=f"({NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
    )
)
RELEASE = re.compile(r"\d{4}-\d{2}")
"""How a train is named that may be taken where none was asked for: not `2026-11-rc`."""
IMAGES = (
    "node", "cilium", "cilium-operator", "clustermesh-apiserver", "istio-pilot", "istio-proxyv2",
    "envoy", "echo", "locust", "ratelimit", "redis", "alpine-curl", "json-mock", "registry",
)  # fmt: skip
PROGRAMS = ("kind", "helm", "crane")
COMPONENTS = ("gateway-api", "kubernetes-crds", "cilium", "istio")
"""What an upgrade moves, in this order, and may have a budget."""


def _version(text: str) -> str:
    if not VERSION.fullmatch(text):
        raise PydanticCustomError("version", "a version such as 1.31.0 or 1.32.0-rc.1, without a v")
    return text


Version = Annotated[str, AfterValidator(_version)]
Digest = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64})?$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Versions(Frozen):
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
    ratelimit: Version
    redis: Version
    cilium_cli: Version
    alpine_curl: Version
    json_mock: Version
    distribution: Version
    crane: Version


class PublishedImage(Frozen):
    """Where an image is published; the digest, where known, is what a pull must bring.

    `reference` may name versions in braces, as `v{cilium}`.
    """

    reference: str
    digest: Digest = ""


class Program(Frozen):
    """Where a vendor publishes a program that we run, and what it must be.

    `url` may name {version}, {os} and {arch} as Go spells them, {Os} and {cpu} as `uname` does.
    """

    url: str
    sha256: dict[str, Sha256] = Field(description="of what the URL names, by `os-arch`")

    def url_for(self, version: str, os: str, arch: str) -> str:
        """The URL for one platform."""
        cpu = {"amd64": "x86_64"}.get(arch, arch)
        return self.url.format(version=version, os=os, arch=arch, Os=os.capitalize(), cpu=cpu)

    @field_validator("url")
    @classmethod
    def _names_what_is_known(cls, url: str) -> str:
        try:
            cls.model_construct(url=url, sha256={}).url_for("1.0.0", "linux", "amd64")
        except (KeyError, IndexError, ValueError):
            raise PydanticCustomError(
                "url", "no other words in braces than version, os, arch, Os and cpu"
            ) from None
        return url


class Deadlines(Frozen):
    """How long to wait for what, in seconds, before it is an error."""

    node: float = Field(gt=0, description="a kind cluster's control plane")
    cilium: float = Field(gt=0, description="agent and operator ready")
    clustermesh: float = Field(gt=0, description="ClusterMesh ready in both directions")
    gateway_api: float = Field(gt=0, description="CRDs established, GatewayClass accepted")
    istio: float = Field(gt=0, description="istiod available and its webhook answering")
    workload: float = Field(gt=0, description="a suite's workloads ready")
    convergence: float = Field(gt=0, description="T: a change of configuration in effect")


class Budget(Frozen):
    """How long an upgrade of a component to this train may disturb any one stream, in seconds."""

    closed: float = Field(ge=0, description="not served although it must be")
    misrouted: float = Field(default=0.0, ge=0, description="answered by the wrong backend")


class Deviation(Frozen):
    """A requirement that a train is known to fail: it is red only once it no longer does."""

    requirement: str = Field(pattern=r"^[A-Z]+[0-9]+$", description="its id")
    reason: str = Field(min_length=1, description="what is known, in a sentence")
    issue: str = Field(min_length=1, description="where its vendor or its rule is read of it")

    @property
    def text(self) -> str:
        return f"{self.reason} ({self.issue})"


class Train(Frozen):
    """One release train: a whole file."""

    name: str
    versions: Versions
    images: dict[str, PublishedImage]
    programs: dict[str, Program] = Field(default_factory=dict)
    deadlines: Deadlines
    budgets: dict[str, Budget] = Field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()

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


def names(folder: Path | None = None) -> tuple[str, ...]:
    """The trains there are, oldest first."""
    return tuple(sorted(path.stem for path in (folder or FOLDER).glob("*.toml")))


def newest(known: Iterable[str] | None = None) -> str:
    """The newest of some trains, or of all; a candidate only where there is no release."""
    trains = names() if known is None else sorted(known)
    return "".join([*trains, *filter(RELEASE.fullmatch, trains)][-1:])


def of_user() -> str:
    """$VERSIONS, or the newest train there is: the one place that knows what is meant by none."""
    return Settings.of_user().versions or newest()


def order(version: str) -> tuple[object, ...]:
    """By which versions are sorted: item 11 of semver.org 2.0.0, candidates before the release."""
    core, _, before = version.partition("-")
    numbers = [int(number) for number in core.split(".")]
    parts = [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in before.split(".") if part
    ]
    return (*numbers, *[0] * (3 - len(numbers)), not before, parts)


def minor(version: str) -> str:
    """The first two numbers, as a vendor names a line of releases: 1.21 of 1.21.0-rc.0."""
    return ".".join(version.split(".")[:2])


def load(name: str, folder: Path | None = None) -> Train:
    """Read a train by its name.

    Raises:
        VersionsError: there is none of that name, or it is malformed; the error names the
            file, the line and what was expected there.
    """
    folder = folder or FOLDER
    path, known = folder / f"{name}.toml", names(folder)
    if name not in known:  # a name, and no way to another folder
        raise VersionsError(
            f"VERSIONS to name a file in {folder}",
            seen=f"{name!r}; there are: {', '.join(known) or 'none'}",
            look=f"make e2e VERSIONS={newest(known)}" if known else f"ls {folder}",
        )
    text = _text(path)
    try:
        train = Train.model_validate({**tomllib.loads(text), "name": name})
    except tomllib.TOMLDecodeError as error:
        raise VersionsError(f"{path} to be TOML", seen=str(error), look=f"$EDITOR {path}") from None
    except ValidationError as error:
        raise _misfit(error, path, text) from None
    _check_keys(train, path, text)
    _check_references(train, path, text)
    return train


def load_some(said: str, folder: Path | None = None) -> tuple[Train, ...]:
    """Read the trains of a list with commas, such as `2026-04,2026-08`; as `load`."""
    return tuple(load(name.strip(), folder) for name in said.split(","))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise VersionsError(
            f"{path}, line {line}: text in UTF-8",
            seen=f"the byte 0x{error.object[error.start]:02x}",
            look=f"iconv -f latin1 -t utf-8 {path}",
        ) from None
    except OSError as error:
        raise VersionsError(f"to read {path}", seen=why(error), look=f"ls -l {path}") from None


def _misfit(error: ValidationError, path: Path, text: str) -> VersionsError:
    """What is wrong, first. A key too many comes first: it explains the one that is missing.

    A table is never shown whole: what is wrong is a key of it.
    """
    wrong = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    first, place = wrong[0], wrong[0]["loc"][:-1]
    keys = tuple(str(part) for part in first["loc"])
    missing = [
        str(e["loc"][-1]) for e in wrong if e["type"] == "missing" and e["loc"][:-1] == place
    ]
    lacks = f"no {', '.join(missing)}" if missing else ""
    if first["type"] == "extra_forbidden":
        line = f"{keys[-1]} = {first['input']!r}" + (f", and {lacks}" if lacks else "")
        return _wrong(path, text, keys, "a key that is known", line)
    return _wrong(path, text, keys, first["msg"], lacks or repr(first["input"]))


def _wrong(path: Path, text: str, keys: tuple[str, ...], what: str, seen: str) -> VersionsError:
    line = _line(text, keys)
    return VersionsError(
        f"{path}, line {line}: {'.'.join(keys)}: {what}", seen=seen, look=f"$EDITOR +{line} {path}"
    )


def _check_keys(train: Train, path: Path, text: str) -> None:
    """Every image that the lab asks for, and nothing that nobody will ever ask for."""
    for table, keys, known in (
        ("images", train.images.keys(), IMAGES),
        ("programs", train.programs.keys(), PROGRAMS),
        ("budgets", train.budgets.keys(), COMPONENTS),
    ):
        for key in sorted(keys - set(known)):
            raise _wrong(path, text, (table, key), f"one of {', '.join(known)}", key)
    for image in IMAGES:
        if image not in train.images:
            raise _wrong(path, text, ("images", image), "where it is published", "no such line")


def _check_references(train: Train, path: Path, text: str) -> None:
    for image in train.images:
        try:
            train.reference(image)
        except (KeyError, IndexError, ValueError) as error:
            reference = f"{train.images[image].reference} ({error})"
            what = f"images.{image} to name known versions in braces"
            line = _line(text, ("images", image))
            look = f"$EDITOR +{line} {path}"
            raise VersionsError(f"{path}, line {line}: {what}", seen=reference, look=look) from None


def _line(text: str, keys: Iterable[str]) -> int:
    """The line where the last key that is in the file stands; 1 if none is."""
    lines = ["" if line.lstrip().startswith("#") else line for line in text.splitlines()]
    place = 0
    for key in keys:
        word = re.compile(rf"(^|[\[.,{{\s]){re.escape(key)}\s*[].=]")
        hits = (number for number in range(place, len(lines)) if word.search(lines[number]))
        place = next(hits, place)
    return place + 1
