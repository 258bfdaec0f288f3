"""Makes of any image one of a single layer, in an archive that containerd imports.

Reads the files of a container that is never started. So it does not matter how many layers an
image has, for which platforms it is there, what was published beside it, and which of its two
stores Docker keeps it in. It changes no image, and runs nothing of one.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
import uuid
from pathlib import Path
from typing import IO, Any, cast

from clusters.engine import Engine
from clusters.errors import CommandError
from clusters.images.archive import name_of
from clusters.process import CHUNK

# What Docker puts into every container, in place of what the image may have there: a node's
# runtime brings its own, and a program that finds the first believes that Docker runs it.
LEFT_OUT = frozenset({".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf"})
# Folders that bear the time at which it did so. Without it equal images have equal layers.
TOUCHED = frozenset({"", "dev", "dev/pts", "dev/shm", "etc", "etc/mtab", "proc", "sys"})
END = bytes(2 * tarfile.BLOCKSIZE)  # POSIX.1, pax: what an archive ends with
SETTINGS = (
    "User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels",
    "StopSignal",
)  # fmt: skip
"""What OCI's image specification has of a configuration, as Docker names it too."""


def write(engine: Engine, reference: str, archive: Path, *, label: str) -> str:
    """Write an image that the engine holds into an archive.

    Args:
        label: of the container whose files are read.

    Returns:
        The digest of its layer.

    Raises:
        CommandError: the engine does not hold it, or a step failed.
    """
    image = engine.inspect("image", reference)
    if image is None:
        raise CommandError(
            f"{reference} in {engine.name}", seen="no such image", look="docker images"
        )
    name = f"plumbline-flat-{uuid.uuid4().hex[:8]}"
    try:
        engine.docker(
            "create", "--name", name, f"--label={label}=", "--network=none", "--pull=never",
            reference, "none",
        )  # fmt: skip
        with engine.pipe("export", name) as files, archive.open("wb") as target:
            return flatten(files, image, reference, target)
    finally:
        with contextlib.suppress(CommandError):
            engine.remove([name])


def flatten(files: IO[bytes], image: dict[str, Any], reference: str, target: IO[bytes]) -> str:
    """Write files and a configuration as an image archive of Docker's form.

    Args:
        files: a tar archive; it is read once, from its beginning to its end.
        image: as `docker image inspect` tells of it.
        target: is written once, but for the size of the layer, which is known last.

    Returns:
        The digest of the layer.

    Raises:
        CommandError: the archive is not whole.
    """
    target.write(bytes(tarfile.BLOCKSIZE))
    layer = _Hashed(target)
    try:
        _copy(_Ended(files), layer)
    except tarfile.TarError as error:
        raise CommandError(
            f"all files of {reference}, in an archive with an end",
            seen=str(error),
            look="docker system info",
        ) from None
    settings = _settings(image, layer.digest)
    config = f"{hashlib.sha256(settings).hexdigest()}.json"
    manifest = {"Config": config, "RepoTags": [reference], "Layers": ["layer.tar"]}
    with tarfile.open(fileobj=target, mode="w") as rest:
        for name, raw in ((config, settings), ("manifest.json", json.dumps([manifest]).encode())):
            rest.addfile(_entry(name, len(raw)), io.BytesIO(raw))
    target.seek(0)
    target.write(_entry("layer.tar", layer.size).tobuf())
    return layer.digest


class _Hashed:
    """A file that is written to, with the digest and the size of what was."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._sum, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self._sum.update(data)
        self.size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self.size

    @property
    def digest(self) -> str:
        return f"sha256:{self._sum.hexdigest()}"


class _Ended:
    """A file that is read, with its last blocks. tarfile takes any end for that of an archive."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._last = file, b""

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._last = (self._last + data[-len(END) :])[-len(END) :]
        return data

    def check(self) -> None:
        while self.read(CHUNK):
            pass
        if self._last != END:
            raise tarfile.ReadError("it ends early")


def _copy(files: _Ended, layer: _Hashed) -> None:
    """Every entry with all that it bears: pax has room for extended attributes and any name."""
    with (
        tarfile.open(
            fileobj=cast(IO[bytes], files), mode="r|", bufsize=CHUNK, encoding="utf-8"
        ) as source,
        tarfile.TarFile(
            fileobj=cast(IO[bytes], layer),
            mode="w",
            format=tarfile.PAX_FORMAT,
            encoding="utf-8",
            copybufsize=CHUNK,
        ) as copy,
    ):
        for entry in source:
            name = name_of(entry.name)
            if name in LEFT_OUT:
                continue
            if name in TOUCHED:
                entry.mtime = 0
            copy.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
    files.check()


def _settings(image: dict[str, Any], layer: str) -> bytes:
    """The image's configuration, in JSON: its own, for the one layer that it now has."""
    config = image.get("Config") or {}
    whole = {
        "architecture": image["Architecture"],
        "os": image["Os"],
        **({"variant": image["Variant"]} if image.get("Variant") else {}),
        "config": {key: config[key] for key in SETTINGS if config.get(key)},
        "rootfs": {"type": "layers", "diff_ids": [layer]},
    }
    return json.dumps(whole, sort_keys=True).encode()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry
