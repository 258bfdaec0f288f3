"""The image builder: images from package registries alone, for a machine with no image registry.

One recipe per image, cached by content: an image whose label carries the recipe's present
digest is not built again. It brings images into the engine under their published names
and never pushes, pulls or runs one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clusters.engine import Engine
from clusters.errors import DoctorError
from clusters.home import Home
from clusters.images import golang, modules, recipe, rootfs, wheels
from clusters.images.archive import Archive
from clusters.images.bake import bake
from clusters.images.golang import Component, Toolchain
from clusters.images.recipe import Recipe
from clusters.models import Image
from clusters.progress import Progress
from clusters.versions import Train

LABEL = "dev.plumbline.recipe"
FORMAT = "1"  # part of every digest: raise it when the builder writes images differently

# Seconds on 2 cores with nothing cached, shown until a machine has times of its own.
ESTIMATES = {
    "programs of kubernetes": 330, "programs of cilium": 300, "programs of istio": 150,
    "programs of etcd": 30, "programs of coredns": 15, "programs of distribution": 13,
    "root that all share": 40, "root of node": 30, "root of cilium": 50,
    "root of istio-proxyv2": 15, "root of locust": 15,
}  # fmt: skip


class Builder:
    """Builds the images of one train into one engine."""

    def __init__(self, home: Home, engine: Engine, train: Train, progress: Progress) -> None:
        self.home = home
        self.engine = engine
        self.train = train
        self.progress = progress
        self.go = Toolchain(home)
        self.work = home.folder("builder")
        progress.expect(ESTIMATES)

    def ensure(self, names: Iterable[str]) -> tuple[Image, ...]:
        """Build those of the named images that the engine does not hold as their recipe says.

        Raises:
            DoctorError: something must be built and this machine cannot.
            CommandError: a build failed.
        """
        wanted = _with_inner(names)
        missing = [each for each in wanted if not self.is_current(each)]
        if missing:
            require_builder()
            self._build_all(missing)
        return tuple(self._image(each) for each in wanted)

    def is_current(self, image: Recipe) -> bool:
        """Whether the engine holds this image, built from the recipe as it stands."""
        held = self.engine.inspect("image", image.reference_in(self.train))
        labels = (held or {}).get("Config", {}).get("Labels") or {}
        return labels.get(LABEL) == self.digest(image)

    def digest(self, image: Recipe) -> str:
        """All that an image is made of: recipe, components, lock files, referenced versions."""
        lock = self._lock(image)
        return recipe.digest_of(
            [
                FORMAT,
                image.model_dump_json(),
                image.reference_in(self.train),
                json.dumps(self._texts(image), sort_keys=True),
                *(golang.component(name, self.train).digest() for name in image.components),
                lock.read_bytes() if lock else b"",
                rootfs.digest(image.packages, image.customize) if image.packages else "",
                *(self.digest(recipe.load(name)) for name in image.images),
            ]
        )

    def _build_all(self, images: list[Recipe]) -> None:
        """Roots and programs side by side: one waits for the network, the other for the cores."""
        packages: dict[str, set[str]] = {}
        for image in images:
            for name, wanted in image.programs.items():
                packages.setdefault(name, set()).update(wanted)
        with ThreadPoolExecutor(1) as pool:
            roots = pool.submit(self._roots, [image for image in images if image.packages])
            programs = self._programs(packages)
            roots.result()
        for image in sorted(images, key=lambda each: bool(each.images)):
            with self.progress.step(f"image {image.name}"):
                self._assemble(image, programs)
        shutil.rmtree(self.work, ignore_errors=True)

    def _programs(self, packages: dict[str, set[str]]) -> dict[tuple[str, str], Path]:
        """Build every component's programs, one after another: Go itself uses all the cores."""
        programs: dict[tuple[str, str], Path] = {}
        for name, wanted in packages.items():
            part = golang.component(name, self.train)
            with self.progress.step(f"programs of {name}"):
                own = self.go.build(
                    part, sorted(wanted), self.work / "programs" / name, self._log(f"go-{name}")
                )
            programs.update({(name, package): program for package, program in own.items()})
        return programs

    def _roots(self, images: list[Recipe]) -> None:
        """Make every root filesystem that is not there, on one that they share."""
        missing = [image for image in images if not self._root_archive(image).exists()]
        base = self.work / f"base-{rootfs.base_digest()[:16]}.tar"
        if missing and not base.exists():
            with self.progress.step("root that all share"):
                rootfs.build_base(base, self._log("root-base"))
        for image in missing:
            target, log = self._root_archive(image), self._log(f"root-{image.name}")
            with self.progress.step(f"root of {image.name}"):
                rootfs.build(image.packages, image.customize, target, log, base=base)

    def _assemble(self, image: Recipe, programs: dict[tuple[str, str], Path]) -> None:
        path = self.work / f"{image.name}.tar"
        path.unlink(missing_ok=True)
        if image.packages:
            self._root_archive(image).replace(path)
        with Archive(path) as archive:
            for folder, mode in image.folders.items():
                archive.folder(folder, int(mode, 8))
            for name, files in image.files.items():
                source = modules.folder(self._component(name), self.home)
                for relative, target in files.items():
                    archive.tree(source / relative, target)
            for name, archives in image.unpack.items():
                source = modules.folder(self._component(name), self.home)
                for relative, target in archives.items():
                    archive.unpack(source / relative, target)
            for name, wanted in image.programs.items():
                for package, target in wanted.items():
                    archive.file(programs[name, package], target)
            self._add_wheels(image, archive)
            for target, text in self._texts(image).items():
                archive.text(target, text)
            for target, points_at in image.links.items():
                archive.link(target, points_at)
        self._import(image, path)
        path.unlink()

    def _add_wheels(self, image: Recipe, archive: Archive) -> None:
        lock = self._lock(image)
        if image.wheels is None or lock is None:
            return
        folder = self.work / f"{image.name}.wheels"
        wheels.install(lock, folder, self._log(f"wheels-{image.name}"))
        for relative, target in image.wheels.files.items():
            archive.file(folder / relative, target)
        if image.wheels.target:
            for script in sorted((folder / "bin").glob("*")):
                archive.text(f"/usr/local/bin/{script.name}", _for_python3(script), mode=0o755)
            shutil.rmtree(folder / "bin", ignore_errors=True)
            archive.tree(folder, image.wheels.target)
        shutil.rmtree(folder)

    def _import(self, image: Recipe, archive: Path) -> None:
        """Bring the archive into the engine; what is not whole never bears the final label."""
        label = f"{LABEL}={self.digest(image)}"
        reference = image.reference_in(self.train)
        if not image.images:
            flags = self._changes(image, label)
            self.engine.docker("import", *flags, archive, reference)
            return
        draft = f"plumbline/{image.name}:draft"
        inner = [recipe.load(name).reference_in(self.train) for name in image.images]
        self.engine.docker("import", *self._changes(image, f"{LABEL}=draft"), archive, draft)
        bake(self.engine, draft, inner, reference, work=self.work / "bake", label=label)
        self.engine.docker("rmi", draft)

    def _changes(self, image: Recipe, label: str) -> list[str]:
        config = image.config
        words = self.train.versions.model_dump()
        changes = [f"LABEL {label}"]
        changes += [f"ENV {key}={value.format(**words)}" for key, value in config.env.items()]
        changes += [f"USER {config.user}"] if config.user else []
        changes += [f"WORKDIR {config.workdir}"] if config.workdir else []
        changes += [f"ENTRYPOINT {json.dumps(config.entrypoint)}"] if config.entrypoint else []
        return [word for change in changes for word in ("--change", change)]

    def _image(self, image: Recipe) -> Image:
        reference = image.reference_in(self.train)
        held = self.engine.inspect("image", reference) or {}
        return Image(reference=reference, digest=str(held.get("Id", "")), source="forge")

    def _component(self, name: str) -> Component:
        return golang.component(name, self.train)

    def _texts(self, image: Recipe) -> dict[str, str]:
        words = self.train.versions.model_dump()
        texts = {}
        for target, text in image.text.items():
            for key, value in words.items():
                text = text.replace(f"{{{key}}}", value)  # noqa: PLW2901 - files have braces of their own
            texts[target] = text.lstrip("\n")
        return texts

    def _lock(self, image: Recipe) -> Path | None:
        if image.wheels is None:
            return None
        return recipe.FOLDER / image.wheels.lock.format(**self.train.versions.model_dump())

    def _root_archive(self, image: Recipe) -> Path:
        """Named by content: what a failed run finished, the next one takes."""
        digest = rootfs.digest(image.packages, image.customize)
        return self.work / f"root-{digest[:16]}.tar"

    def _log(self, name: str) -> Path:
        return self.home.logs / f"{name}.log"


def _with_inner(names: Iterable[str]) -> list[Recipe]:
    """The named recipes and those whose images they hold, each once."""
    recipes: dict[str, Recipe] = {}
    for name in names:
        each = recipe.load(name)
        recipes.update({inner: recipe.load(inner) for inner in each.images})
        recipes[name] = each
    return list(recipes.values())


def require_builder() -> None:
    """See that this machine can build images at all.

    Raises:
        DoctorError: it cannot; the error names the command that mends it.
    """
    go = golang.obstacle()
    lacks = [f"{go} ({golang.MEND})"] if go else []
    if not shutil.which("mmdebstrap"):
        lacks.append("mmdebstrap is not on PATH (apt-get install mmdebstrap, as root on Debian)")
    if lacks:
        raise DoctorError(
            "Go and mmdebstrap, to build images without an image registry",
            seen="; ".join(lacks),
            look="make doctor",
        )


def _for_python3(script: Path) -> str:
    """A console script whose first line names the image's Python, not this machine's."""
    _, _, body = script.read_text(encoding="utf-8").partition("\n")
    return f"#!/usr/bin/python3\n{body}"
