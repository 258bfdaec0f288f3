"""Recipes: what an image is made of, as data. One file per image in recipes/.

Parses and checks; it builds nothing. A recipe names where things come from (Debian
packages, Go packages, files of a Go module's folder, wheels) and never carries them.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from clusters.errors import RecipeError
from clusters.models import Frozen
from clusters.versions import Train

FOLDER = Path(__file__).parent / "recipes"


class Config(Frozen):
    """The image's configuration, as in the OCI image specification."""

    env: dict[str, str] = Field(default_factory=dict)
    user: str = ""
    workdir: str = ""
    entrypoint: tuple[str, ...] = ()


class Wheels(Frozen):
    """Python packages from a lock file beside the recipes, every one with its hash.

    `files` takes single files out of the installed packages; without it they are all put
    into `target`, with their console scripts in /usr/local/bin.
    """

    lock: str
    target: str = ""
    files: dict[str, str] = Field(default_factory=dict)


class Recipe(Frozen):
    """One image. On the left of a table stands where a thing comes from, on the right its path.

    A component is a folder in go/ that pins a Go module; paths in it are relative to that
    module's folder.

    Attributes:
        reference: the image's name, if no versions file gives it one.
        packages: Debian packages; none means an image from scratch.
        customize: shell lines run in the new root, before any file is added.
        programs: component -> {Go package -> file}.
        files: component -> {file or whole folder -> path}.
        unpack: component -> {tar archive -> folder it is unpacked into}.
        text: file -> its text, for the few lines that no source has.
        folders: folder -> its mode, octal.
        links: symbolic link -> what it points at.
        images: recipes whose images are put into this one's containerd (a node's own).
    """

    name: str
    summary: str
    reference: str = ""
    packages: tuple[str, ...] = ()
    customize: tuple[str, ...] = ()
    programs: dict[str, dict[str, str]] = Field(default_factory=dict)
    files: dict[str, dict[str, str]] = Field(default_factory=dict)
    unpack: dict[str, dict[str, str]] = Field(default_factory=dict)
    wheels: Wheels | None = None
    text: dict[str, str] = Field(default_factory=dict)
    folders: dict[str, str] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)
    images: tuple[str, ...] = ()
    config: Config = Config()

    @model_validator(mode="before")
    @classmethod
    def _known_only(cls, data: dict[str, object]) -> dict[str, object]:
        if not data.get("packages") and data.get("customize"):
            raise ValueError("customize needs packages: an image from scratch has no shell")
        return data

    def reference_in(self, train: Train) -> str:
        """The name under which charts and kubeadm ask for this image."""
        if self.name in train.images:
            return train.reference(self.name)
        return self.reference.format(**train.versions.model_dump())

    @property
    def components(self) -> tuple[str, ...]:
        """Every component that this image takes something from."""
        return tuple(sorted({*self.programs, *self.files, *self.unpack}))


def load(name: str, folder: Path = FOLDER) -> Recipe:
    """Read one recipe.

    Raises:
        RecipeError: it is not there or malformed; the error names the file and the key.
    """
    path = folder / f"{name}.toml"
    try:
        return Recipe.model_validate(
            {**tomllib.loads(path.read_text(encoding="utf-8")), "name": name}
        )
    except OSError:
        raise RecipeError(f"a recipe {path}", seen="no such file", look=f"ls {folder}") from None
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise RecipeError(f"a recipe in {path}", seen=str(error), look=f"$EDITOR {path}") from None


def load_all(folder: Path = FOLDER) -> tuple[Recipe, ...]:
    """Every recipe there is, by name."""
    return tuple(load(path.stem, folder) for path in sorted(folder.glob("*.toml")))


def digest_of(parts: Iterable[str | bytes]) -> str:
    """One hash over some parts, each bounded so that no two lists collide."""
    total = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        total.update(len(raw).to_bytes(8, "big") + raw)
    return total.hexdigest()


def digest_of_folder(folder: Path) -> str:
    """One hash over the names and contents of the files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest_of(
        part for path in files for part in (str(path.relative_to(folder)), path.read_bytes())
    )
