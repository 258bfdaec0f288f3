"""Images of one layer: every file as it was, the configuration kept, in what containerd imports."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.errors import CommandError
from clusters.images import flat
from tests.engines import TableEngine
from tests.published import DECOY, Layout, split, unpacked

CAPABILITY = b"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xfe"
SETTINGS: dict[str, Any] = {
    "User": "locust", "Env": ["PATH=/opt/venv/bin:/bin"], "Entrypoint": ["/bin/it"], "Cmd": ["-x"],
    "WorkingDir": "/home/locust", "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}},
    "StopSignal": "SIGINT", "Volumes": {"/data": {}},
}  # fmt: skip
TOLD: dict[str, Any] = {
    "Architecture": "arm64", "Os": "linux", "Variant": "v8",
    "Config": {**SETTINGS, "Hostname": "x", "Image": "sha256:1", "OnBuild": None, "Shell": []},
}  # fmt: skip


def entry(name: str, **more: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(info, key, value)
    return info


def exported(*more: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Files with everything that a file can have, as `docker export` gives them."""
    binary = CAPABILITY.decode("utf-8", "surrogateescape")
    xattr = {"SCHILY.xattr.security.capability": binary}
    long = f"usr/{'long/' * 30}name"
    files = [
        (entry("bin", type=tarfile.DIRTYPE, mode=0o755, mtime=7), b""),
        (entry("bin/su", mode=0o4755, mtime=1_700_000_000), b"program"),
        (entry("bin/ping", mode=0o755, pax_headers=xattr), b"ping"),
        (
            entry(
                "bin/also", type=tarfile.LNKTYPE, linkname="bin/ping", mode=0o755, pax_headers=xattr
            ),
            b"",
        ),
        (entry("bin/soft", type=tarfile.SYMTYPE, linkname="../bin/su", mode=0o777), b""),
        (entry("dev", type=tarfile.DIRTYPE, mode=0o755, mtime=99), b""),
        (entry("dev/console", mode=0o755), b""),
        (entry("dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666), b""),
        (entry(".dockerenv", mode=0o755), b""),
        (entry("etc", type=tarfile.DIRTYPE, mode=0o755, mtime=99), b""),
        (entry("etc/hosts", mode=0o755), b""),
        (entry("etc/hostname", mode=0o755), b""),
        (entry("etc/resolv.conf", mode=0o755), b""),
        (entry("etc/hosts.allow"), b"kept"),
        (entry("srv/é ü", uid=1000, gid=100, uname="locust", mode=0o600), b"x" * 300_000),
        (entry("home/locust", type=tarfile.DIRTYPE, mode=0o700, uid=1000), b""),
        (entry("home/fifo", type=tarfile.FIFOTYPE), b""),
        (entry(long, uid=4_000_000), b"deep"),
        *more,
    ]
    return archived(*files)


def archived(*files: tuple[tarfile.TarInfo, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as tar:
        for made, content in files:
            made.size = len(content)
            tar.addfile(made, io.BytesIO(content))
    return raw.getvalue()


def shown(archive: Path) -> dict[str, tuple[Any, ...]]:
    """Every entry by its name, with all that it bears and its content."""
    with tarfile.open(archive, encoding="utf-8") as tar:
        return {
            each.name: (
                each.type, each.mode, each.uid, each.gid, each.uname, each.linkname, each.mtime,
                each.devmajor, each.devminor,
                {k: v for k, v in each.pax_headers.items() if k.startswith("SCHILY")},
                hashlib.sha256(tar.extractfile(each).read()).hexdigest()  # type: ignore[union-attr]
                if each.isreg() else "",
            )
            for each in tar
        }  # fmt: skip


def flattened(tmp_path: Path, raw: bytes, told: dict[str, Any] = TOLD) -> tuple[str, Path]:
    archive = tmp_path / "a.tar"
    with archive.open("wb") as target:
        digest = flat.flatten(io.BytesIO(raw), told, "quay.io/a/b:1", target)
    return digest, archive


def test_every_file_is_as_it_was_but_for_what_docker_puts_there(tmp_path: Path) -> None:
    _, archive = flattened(tmp_path, exported())
    unpacked(archive, tmp_path)
    (tmp_path / "given.tar").write_bytes(exported())
    given, found = shown(tmp_path / "given.tar"), shown(tmp_path / "layer.tar")
    assert set(given) - set(found) == {
        ".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf",
    }  # fmt: skip
    touched = {"dev", "etc"}
    assert all(found[name] == given[name] for name in found if name not in touched)
    assert all(found[name][6] == 0 for name in touched)
    kept = found["bin/ping"][9]["SCHILY.xattr.security.capability"]
    assert kept.encode("utf-8", "surrogateescape") == CAPABILITY


def test_the_digest_is_that_of_the_layer_and_the_configuration_names_it(tmp_path: Path) -> None:
    digest, archive = flattened(tmp_path, exported())
    with tarfile.open(archive) as tar:
        assert tar.getnames()[0] == "layer.tar"
        assert len(tar.getnames()) == 3
        (image,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = tar.extractfile(image["Config"]).read()  # type: ignore[union-attr]
    assert image["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"
    assert (image["RepoTags"], image["Layers"]) == (["quay.io/a/b:1"], ["layer.tar"])
    settings = unpacked(archive, tmp_path)
    raw = (tmp_path / "layer.tar").read_bytes()
    assert digest == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert settings == {
        "architecture": "arm64", "os": "linux", "variant": "v8", "config": SETTINGS,
        "rootfs": {"type": "layers", "diff_ids": [digest]},
    }  # fmt: skip


@pytest.mark.parametrize("config", [None, {}, {"User": "", "Env": None, "Labels": {}}])
def test_an_image_that_says_nothing_says_nothing(
    tmp_path: Path, config: dict[str, Any] | None
) -> None:
    document = {"Architecture": "amd64", "Os": "linux", "Variant": "", "Config": config}
    digest, archive = flattened(tmp_path, exported(), document)
    assert unpacked(archive, tmp_path) == {
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest]},
    }  # fmt: skip


def test_equal_files_give_equal_layers_whenever_docker_made_the_container(tmp_path: Path) -> None:
    digests = set()
    for made in (1, 2):
        proc = entry("proc", type=tarfile.DIRTYPE, mtime=made)
        digests.add(flattened(tmp_path, exported((proc, b"")))[0])
    assert len(digests) == 1
    late = entry("srv", type=tarfile.DIRTYPE, mtime=3)
    assert flattened(tmp_path, exported((late, b"")))[0] not in digests


@given(name=st.binary(min_size=1, max_size=200), content=st.binary(max_size=2000))
def test_any_name_and_content(name: bytes, content: bytes) -> None:
    """Names are bytes to the kernel, and need not be text."""
    text = "x" + name.replace(b"\0", b"").replace(b"/", b"_").decode("utf-8", "surrogateescape")
    target = io.BytesIO()
    digest = flat.flatten(io.BytesIO(archived((entry(text), content))), TOLD, "a:1", target)
    target.seek(0)
    with tarfile.open(fileobj=target) as whole:
        layer = whole.extractfile("layer.tar").read()  # type: ignore[union-attr]
    assert digest == f"sha256:{hashlib.sha256(layer).hexdigest()}"
    with tarfile.open(fileobj=io.BytesIO(layer), encoding="utf-8") as tar:
        (only,) = tar.getmembers()
        assert only.name == text
        assert tar.extractfile(only).read() == content  # type: ignore[union-attr]


@pytest.mark.parametrize("end", [0, 100, 5000, 5120, 200_000, -10240])
@pytest.mark.parametrize("error", [b"", b'{"message": "no more"}'])
def test_half_of_an_archive_is_no_image(tmp_path: Path, end: int, error: bytes) -> None:
    """dockerd that fails half-way writes its error behind what it has written."""
    with pytest.raises(
        CommandError, match=r"all files of quay\.io/a/b:1, in an archive with an end"
    ):
        flattened(tmp_path, exported()[:end] + error)


# --- asking an engine --------------------------------------------------------------------------


@dataclass(frozen=True)
class Exporting(TableEngine):
    """Gives files, as `docker export` does."""

    files: bytes = field(default_factory=exported)

    def pipe(self, *argv: str) -> Any:
        self.docker(*argv)
        return io.BytesIO(self.files)


def test_a_container_is_made_read_and_taken_away(tmp_path: Path) -> None:
    held = Exporting(things={("image", "a:1"): TOLD})
    digest = flat.write(held, "a:1", tmp_path / "a.tar", label="ours")
    assert digest == flattened(tmp_path, exported())[0]
    create, export, remove = held.calls
    name = export.removeprefix("export ")
    assert create == (f"create --name {name} --label=ours= --network=none --pull=never a:1 none")
    assert remove == f"rm --force --volumes {name}"


def test_it_is_taken_away_also_when_reading_fails(tmp_path: Path) -> None:
    held = Exporting(things={("image", "a:1"): TOLD}, files=exported()[:5120])
    with pytest.raises(CommandError, match="ends early"):
        flat.write(held, "a:1", tmp_path / "a.tar", label="ours")
    assert held.calls[-1].startswith("rm --force --volumes plumbline-flat-")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^expected: a:1 in a table\nseen:     no such image"):
        flat.write(Exporting(), "a:1", tmp_path / "a.tar", label="ours")


# --- the published shape that other tests use ----------------------------------------------------


def test_layers_applied_are_the_files_that_were_given(tmp_path: Path) -> None:
    """As OCI's image specification has them applied."""
    unpacked(flattened(tmp_path, exported())[1], tmp_path)
    layers = [shown(path) for path in split(tmp_path / "layer.tar", tmp_path)]
    assert all(layers)
    applied: dict[str, tuple[Any, ...]] = {}
    for layer in layers:
        for name in layer:
            folder, _, last = name.rpartition("/")
            below = f"{folder}/" if folder else ""
            gone = below if last == ".wh..wh..opq" else f"{below}{last.removeprefix('.wh.')}"
            if last.startswith(".wh."):
                applied = {
                    each: of for each, of in applied.items()
                    if not each.startswith(gone.rstrip("/") + "/") and each != gone
                }  # fmt: skip
        applied |= {n: of for n, of in layer.items() if "/.wh." not in f"/{n}"}
    assert applied == shown(tmp_path / "layer.tar")
    whiteouts = {f"{DECOY}/.wh.removed", f"{DECOY}/opaque/.wh..wh..opq", f".wh.{DECOY}"}
    assert whiteouts <= {name for layer in layers for name in layer}


def test_an_index_names_every_blob_by_its_digest(tmp_path: Path) -> None:
    unpacked(flattened(tmp_path, exported())[1], tmp_path)
    layout = Layout(tmp_path / "layout")
    own = layout.image(
        {"architecture": "amd64", "os": "linux"}, split(tmp_path / "layer.tar", tmp_path)
    )
    digest = layout.index([own, layout.attestation(own)])
    raw = (layout.folder / "index.json").read_bytes()
    assert digest == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    blobs = {path.name: path.read_bytes() for path in (layout.folder / "blobs/sha256").iterdir()}
    assert all(hashlib.sha256(blob).hexdigest() == name for name, blob in blobs.items())
    named = set()
    for manifest in json.loads(raw)["manifests"]:
        named.add(manifest["digest"])
        whole = json.loads(blobs[manifest["digest"].partition(":")[2]])
        named |= {each["digest"] for each in (whole["config"], *whole["layers"])}
    assert named == {f"sha256:{name}" for name in blobs}
    assert json.loads(raw)["manifests"][1]["platform"]["os"] == "unknown"
