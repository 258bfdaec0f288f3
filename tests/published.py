"""Images in the shape in which they are published, made of the files of a flat one.

An index of this machine's platform, a foreign one and an attestation. Several layers, in which a
file is replaced, one is taken away, a folder is made opaque, and another is taken away; when all
are applied, the files that were given are there and nothing else.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from clusters.engine import Engine
from clusters.images import flat
from clusters.process import run

OCI = "application/vnd.oci.image"
LAYERS = 3
DECOY = "plumbline-decoy"
LABEL = "dev.plumbline.baked"  # so that what a killed run leaves is swept
FOREIGN = {"amd64": "arm64"}

Descriptor = dict[str, Any]

Command = Sequence[str | Path]
"""A command line up to crane's own words: where it runs, crane, and its flags."""


def split(source: Path, folder: Path) -> list[Path]:
    """A tar archive's files in several, to be applied one after another."""
    paths = [folder / f"{number}.tar" for number in range(LAYERS)]
    with ExitStack() as stack:
        archive = stack.enter_context(tarfile.open(source))
        layers = [stack.enter_context(_Layer(path)) for path in paths]
        entries, at, seen = archive.getmembers(), dict[str, int](), 0
        whole = sum(entry.size for entry in entries) + 1
        folders = {entry.name: entry for entry in entries if entry.isdir()}
        for entry in entries:
            number = 0 if entry.isdir() else LAYERS * seen // whole
            # A hard link must be in one layer with what it links to.
            at[entry.name] = number = at[entry.linkname] if entry.islnk() else number
            seen += entry.size
            content = archive.extractfile(entry) if entry.isreg() else None
            layers[number].put(entry, folders, content)
        replaced = [e for e in entries if e.isreg() and at[e.name]][:1]
        for entry in replaced:
            layers[0].file(entry.name, b"of an older version", folders)
        _decoys(layers)
    return paths


class _Layer(tarfile.TarFile):
    """An archive to which a file is added with the folders that it is in, as builders do."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w", format=tarfile.PAX_FORMAT, encoding="utf-8")
        self._made: set[str] = set()

    def _once(self, entry: tarfile.TarInfo, content: Any = None) -> None:
        if entry.isdir() and entry.name in self._made:
            return
        self._made.add(entry.name)
        self.addfile(entry, content)

    def put(
        self, entry: tarfile.TarInfo, folders: Mapping[str, tarfile.TarInfo], content: Any = None
    ) -> None:
        parents = Path(entry.name).parents
        for parent in reversed(parents):
            if str(parent) in folders:
                self._once(folders[str(parent)])
        self._once(entry, content)

    def file(
        self, name: str, raw: bytes = b"", folders: Mapping[str, tarfile.TarInfo] | None = None
    ) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(raw)
        self.put(entry, folders or {}, io.BytesIO(raw))

    def folder(self, name: str) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        self._once(entry)


def _decoys(layers: list[_Layer]) -> None:
    """What the second and the third layer take away (OCI image layer specification, whiteouts)."""
    for layer in layers[:2]:
        layer.folder(DECOY)
        layer.folder(f"{DECOY}/opaque")
    layers[0].file(f"{DECOY}/removed")
    layers[0].file(f"{DECOY}/opaque/old")
    layers[1].file(f"{DECOY}/.wh.removed")
    layers[1].file(f"{DECOY}/opaque/.wh..wh..opq")
    layers[1].file(f"{DECOY}/opaque/new")
    layers[2].file(f".wh.{DECOY}")


class Layout:
    """A folder in the form of OCI's image layout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def image(self, settings: Mapping[str, Any], layers: Iterable[Path], **more: Any) -> Descriptor:
        """One platform's manifest, with its layers compressed."""
        packed, plain = [], []
        for layer in layers:
            descriptor, digest = self._packed(layer)
            packed.append(descriptor)
            plain.append(digest)
        whole = {**settings, "rootfs": {"type": "layers", "diff_ids": plain}}
        platform = {"architecture": settings["architecture"], "os": settings["os"]}
        return self._manifest(whole, packed, platform=platform, **more)

    def attestation(self, of: Descriptor) -> Descriptor:
        """As buildx publishes it beside an image: a manifest for no platform that there is."""
        statement = {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [{"name": "_", "digest": {"sha256": of["digest"].partition(":")[2]}}],
            "predicate": {},
        }
        layer = self._blob(json.dumps(statement).encode(), "application/vnd.in-toto+json")
        settings = {
            "architecture": "unknown", "os": "unknown", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        }  # fmt: skip
        return self._manifest(
            settings, [layer],
            platform={"architecture": "unknown", "os": "unknown"},
            annotations={
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": of["digest"],
            },
        )  # fmt: skip

    def index(self, manifests: Iterable[Descriptor]) -> str:
        """The layout's own index, which is what is pushed; its digest."""
        whole = {
            "schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [*manifests],
        }  # fmt: skip
        raw = json.dumps(whole).encode()
        (self.folder / "index.json").write_bytes(raw)
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"

    def _manifest(
        self, settings: Mapping[str, Any], layers: list[Descriptor], **more: Any
    ) -> Descriptor:
        config = self._blob(json.dumps(settings).encode(), f"{OCI}.config.v1+json")
        kind = f"{OCI}.manifest.v1+json"
        whole = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}
        return {**self._blob(json.dumps(whole).encode(), kind), **more}

    def _packed(self, layer: Path) -> tuple[Descriptor, str]:
        draft = self.folder / "blobs" / "draft"
        with layer.open("rb") as plain:
            digest = hashlib.file_digest(plain, "sha256").hexdigest()
            plain.seek(0)
            with draft.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed:
                shutil.copyfileobj(plain, packed, 1 << 20)
        with draft.open("rb") as file:
            name = hashlib.file_digest(file, "sha256").hexdigest()
        size = draft.stat().st_size
        draft.replace(self._path(name))
        kind = f"{OCI}.layer.v1.tar+gzip"
        return {"mediaType": kind, "digest": f"sha256:{name}", "size": size}, f"sha256:{digest}"

    def _blob(self, raw: bytes, kind: str) -> Descriptor:
        name = hashlib.sha256(raw).hexdigest()
        self._path(name).write_bytes(raw)
        return {"mediaType": kind, "digest": f"sha256:{name}", "size": len(raw)}

    def _path(self, name: str) -> Path:
        return self.folder / "blobs" / "sha256" / name


def publish(
    layers: Iterable[Path], settings: Mapping[str, Any], target: str, crane: Command, work: Path
) -> str:
    """Push an image of these layers in published shape; the digest of its index."""
    layout = Layout(work / "layout")
    own = layout.image(settings, layers)
    foreign = {**settings, "architecture": FOREIGN.get(settings["architecture"], "amd64")}
    other = work / "foreign.tar"
    with _Layer(other) as layer:
        layer.file("for-another-machine", foreign["architecture"].encode())
    digest = layout.index([own, layout.image(foreign, [other]), layout.attestation(own)])
    run([*crane, "push", "--index", layout.folder, target], timeout=1800)
    shutil.rmtree(layout.folder)
    return digest


def publish_held(engine: Engine, published: str, registry: str, crane: Command, work: Path) -> str:
    """Push an image that the engine holds in published shape, with its configuration."""
    archive = work / "flat.tar"
    flat.write(engine, published, archive, label=LABEL)
    settings = unpacked(archive, work)
    _, _, path = published.partition("/")
    layers = split(work / "layer.tar", work)
    (work / "layer.tar").unlink()
    return publish(layers, settings, f"{registry}/{path}", crane, work)


def unpacked(archive: Path, work: Path) -> dict[str, Any]:
    """Take a flat image apart: its layer.tar into a folder; its configuration is returned."""
    with tarfile.open(archive) as tar:
        tar.extractall(work, filter="data")
    archive.unlink()
    (image,) = json.loads((work / "manifest.json").read_text())
    settings: dict[str, Any] = json.loads((work / image["Config"]).read_text())
    return settings
