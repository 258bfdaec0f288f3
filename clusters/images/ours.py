"""Which images of an engine are ours: what we pulled, built and baked; and takes them away.

An image that was there before we pulled is the user's and stays. Which ones were not is written
down as each comes; built and baked ones bear a label.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from rich.filesize import decimal

from clusters import files, versions
from clusters.engine import Engine
from clusters.errors import CommandError, VersionsError
from clusters.home import Home
from clusters.images import bake, builder, recipe

BAKED = "plumbline/node"


class _Pulled(BaseModel):
    """By engine (as `docker info` has its ID) and name, the id of what we pulled."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    engines: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class Record:
    """What our pulls brought into one engine that was not there before."""

    file: Path
    engine: Engine

    @classmethod
    def of(cls, home: Home, engine: Engine) -> Record:
        return cls(home.root / "pulled.json", engine)

    @property
    def names(self) -> dict[str, str]:
        """Each name and the image's id, for this engine."""
        return self._read().engines.get(self._key(), {})

    def add(self, names: Iterable[str]) -> None:
        """These came with our pull."""
        self._write({**self.names, **{name: _id(self.engine, name) for name in names}})

    def forget(self, names: Iterable[str]) -> None:
        """These are no more."""
        gone = set(names)
        self._write({name: at for name, at in self.names.items() if name not in gone})

    def _key(self) -> str:
        return self.engine.docker("info", "--format", "{{.ID}}").strip()

    def _read(self) -> _Pulled:
        try:
            return _Pulled.model_validate_json(self.file.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return _Pulled()  # then none is known to be ours, and all stay

    def _write(self, names: dict[str, str]) -> None:
        whole = _Pulled(engines={**self._read().engines, self._key(): names})
        files.write(self.file, whole.model_dump_json(indent=1))


def names(home: Home, engine: Engine) -> tuple[str, ...]:
    """The names of all images here that are ours, those that others are made of last."""
    baked = _names_with_label(engine, bake.LABEL, BAKED)
    published = {_short(name) for name in _published_names()}
    built = [name for name in _names_with_label(engine, builder.LABEL) if name in published]
    pulled = [
        name for name, known in Record.of(home, engine).names.items() if _id(engine, name) == known
    ]
    return tuple(dict.fromkeys([*baked, *built, *pulled]))


def room_note(home: Home, engine: Engine) -> str:
    """How much room our images take, and what would free it; empty if there are none."""
    images = [engine.inspect("image", name) for name in names(home, engine)]
    size = room_of([each for each in images if each])
    word = "IMAGES" if engine.namespace is None else "ENGINE"
    said = f"kept: {decimal(size)} of images in {engine.name}; make down {word}=1 takes them away"
    return said if size else ""


def room_of(images: Iterable[dict[str, Any]]) -> int:
    """Bytes that images take together, as `docker image inspect` tells of each.

    One that is made on top of another has all of its layers, and counts for what it adds.
    """
    held: dict[tuple[str, ...], int] = {}
    for each in images:
        held[tuple(each.get("RootFS", {}).get("Layers") or [each["Id"]])] = int(each["Size"])
    total = 0
    for layers, size in held.items():
        below = [held[layers[:n]] for n in range(len(layers) - 1, 0, -1) if layers[:n] in held]
        total += size - (below[0] if below else 0)
    return total


def remove(home: Home, engine: Engine) -> None:
    """Take all that is ours out of the engine; what a container still runs from stays."""
    record, gone = Record.of(home, engine), []
    for name in names(home, engine):
        with contextlib.suppress(CommandError):
            engine.docker("rmi", name)
            gone.append(name)
    engine.docker("image", "prune", "--force", "--filter", f"label={builder.LABEL}")
    record.forget(gone)


def _names_with_label(engine: Engine, label: str, *repository: str) -> list[str]:
    form = "{{.Repository}}:{{.Tag}}"
    said = engine.docker("images", "--filter", f"label={label}", "--format", form, *repository)
    return [name for name in said.split() if "<none>" not in name]


def _published_names() -> set[str]:
    """Every name under which a train's image is pulled or built."""
    trains = []
    for name in versions.names():
        with contextlib.suppress(VersionsError):  # what it named can be told no more
            trains.append(versions.load(name))
    recipes = recipe.load_all()
    built = {each.reference_in(train) for train in trains for each in recipes}
    return built | {train.reference(name) for train in trains for name in train.images}


def _short(reference: str) -> str:
    """As Docker lists it."""
    return reference.removeprefix("docker.io/").removeprefix("library/")


def _id(engine: Engine, name: str) -> str:
    return str((engine.inspect("image", name) or {}).get("Id", ""))
