"""kind, helm and crane: the train's version, by one of three ways, and never another."""

from __future__ import annotations

import hashlib
import io
import platform
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from clusters import tools, versions
from clusters.errors import DoctorError
from clusters.home import Home
from clusters.progress import Progress
from clusters.versions import Program, Train
from tests.served import Served, serving

TRAIN = versions.load("2026-08")
OS, ARCH = tools.machine()


def script(says: str, status: int = 0) -> bytes:
    return f"#!/bin/sh\necho '{says}'\nexit {status}\n".encode()


def packed(files: dict[str, bytes]) -> bytes:
    """A tar.gz of these."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


PUBLISHED = {
    "/kind": script("vendor's kind"),
    "/helm.tar.gz": packed({f"{OS}-{ARCH}/README": b"", f"{OS}-{ARCH}/helm": script("v helm")}),
    "/crane.tar.gz": packed({"LICENSE": b"", "crane": script("vendor's crane")}),
    "/empty.tar.gz": packed({"LICENSE": b""}),
}


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there, and no proxy."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def vendor() -> Iterator[Served]:
    with serving(dict(PUBLISHED)) as served:
        yield served


def train(url: str, sha256: str = "") -> Train:
    """A train whose programs are all published at this URL; pinned rightly unless told."""
    content = PUBLISHED.get(url[url.rfind("/") :], b"")
    pins = {f"{OS}-{ARCH}": sha256 or hashlib.sha256(content).hexdigest()}
    return TRAIN.model_copy(
        update={"programs": {name: Program(url=url, sha256=pins) for name in tools.PACKAGES}}
    )


NOWHERE = train("http://127.0.0.1:1/kind")


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def put_go(folder: Path, says: str = "go version go1.26.0 linux/amd64") -> None:
    """A Go whose only build is one file in the folder that it is told, with its GOOS in it."""
    build = 'while [ "$1" != -o ]; do shift; done; for last; do :; done'
    text = (
        f"#!/bin/sh\nif [ $1 = version ]; then echo '{says}'; exit; fi\n{build}\n"
        'name=${last##*/}; echo "#built for $GOOS" > "$2$name"\n'
    )
    put(folder, "go", text.encode())


def ensure(name: str, home: Path, wanted: Train = NOWHERE) -> tuple[Path, str]:
    """The program, and all that was said on the way to it."""
    said = io.StringIO()
    progress = Progress(home / "estimates.json", Console(file=said, width=500))
    return tools.ensure(name, Home(home), wanted, progress), said.getvalue()


OWN = [
    ("kind", TRAIN.versions.kind),
    ("helm", f"v{TRAIN.versions.helm}+g0123456"),
    ("crane", TRAIN.versions.crane),
]


@pytest.mark.parametrize(("name", "says"), OWN)
def test_the_users_own_is_taken_if_it_is_of_the_version(
    name: str, says: str, tmp_path: Path, path: Path, vendor: Served
) -> None:
    own = put(path, name, script(says))
    program, said = ensure(name, tmp_path, train(vendor.url + "/kind"))
    assert program == own
    assert f"{name} {getattr(TRAIN.versions, name)}: {own}\n" in said
    assert not vendor.asked


@pytest.mark.parametrize(
    ("name", "file"),
    [("kind", "/kind"), ("helm", "/helm.tar.gz"), ("crane", "/crane.tar.gz")],
)
def test_the_vendors_is_fetched_once(
    name: str, file: str, tmp_path: Path, path: Path, vendor: Served
) -> None:
    put(path, name, script("0.1.0"))
    program, said = ensure(name, tmp_path, train(vendor.url + file))
    assert program.read_bytes().startswith(b"#!/bin/sh\necho 'v")
    assert program.stat().st_mode & 0o777 == 0o755
    assert f"{path}/{name} says '0.1.0'" in said
    assert ensure(name, tmp_path, train(vendor.url + file)) == (program, "")
    assert vendor.asked == [file]
    assert sorted(program.parent.parent.iterdir()) == [program.parent], "no draft is left"


def test_what_is_not_the_one_pinned_is_never_put_into_place(
    tmp_path: Path, path: Path, vendor: Served
) -> None:
    put_go(path)
    program, said = ensure("kind", tmp_path, train(vendor.url + "/kind", sha256="0" * 64))
    assert "must be 0000" in said
    assert program.read_text() == f"#built for {OS}\n"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/kind", "refused"),
        ("{vendor}/none", "answered 404"),
        ("{vendor}/empty.tar.gz", "it holds no file kind"),
    ],
)
def test_without_the_vendor_it_is_built_for_this_machine(
    url: str, reason: str, tmp_path: Path, path: Path, vendor: Served
) -> None:
    put_go(path)
    program, said = ensure("kind", tmp_path, train(url.format(vendor=vendor.url)))
    assert program.read_text() == f"#built for {OS}\n"
    assert f"kind {TRAIN.versions.kind}: not on PATH; asking its vendor" in said
    assert said.count("; building it") == 1
    assert reason in said


def test_a_platform_that_is_not_pinned_is_built(
    tmp_path: Path, path: Path, vendor: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_go(path)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    program, said = ensure("kind", tmp_path, TRAIN)
    assert f"versions/2026-08.toml has no SHA-256 of it for {OS}-riscv64" in said
    assert program.read_text() == f"#built for {OS}\n"


@pytest.mark.parametrize("says", ["0.1.0", f"{TRAIN.versions.kind}1", ""])
def test_without_any_way_all_three_are_named(says: str, tmp_path: Path, path: Path) -> None:
    own = put(path, "kind", script(says))
    with pytest.raises(DoctorError, match=f"kind {TRAIN.versions.kind}: on PATH") as caught:
        ensure("kind", tmp_path)
    assert f"{own} says '{says}'" in caught.value.seen
    assert "http://127.0.0.1:1/kind: " in caught.value.seen
    assert caught.value.seen.endswith("; go is not on PATH")
    assert "go.dev/dl" in caught.value.look


def test_a_go_that_is_too_old_is_told_so(tmp_path: Path, path: Path) -> None:
    put_go(path, "go version go1.19.8 linux/amd64")
    with pytest.raises(DoctorError, match=r"go1\.19\.8 linux/amd64 is too old") as caught:
        ensure("kind", tmp_path)
    assert "install Go 1.21 or later" in caught.value.look


def test_a_build_that_fails_is_told_with_its_log(tmp_path: Path, path: Path) -> None:
    put(path, "go", b"#!/bin/sh\n[ $1 = version ] || { echo no room; exit 2; }\n")
    with pytest.raises(DoctorError, match="exit status 2: no room") as caught:
        ensure("kind", tmp_path)
    assert caught.value.look.endswith(f"less {tmp_path}/logs/go-kind.log")


def test_one_on_path_that_does_not_run_is_told(tmp_path: Path, path: Path) -> None:
    put(path, "kind", script("broken", status=3))
    with pytest.raises(DoctorError, match="exit status 3"):
        ensure("kind", tmp_path)


def test_a_new_pin_is_another_program(tmp_path: Path, path: Path, vendor: Served) -> None:
    first, _ = ensure("kind", tmp_path, train(vendor.url + "/kind"))
    vendor.files["/kind"] = b"mended"
    sha256 = hashlib.sha256(b"mended").hexdigest()
    second, _ = ensure("kind", tmp_path, train(vendor.url + "/kind", sha256))
    assert first != second
    assert second.read_bytes() == b"mended"


@pytest.mark.parametrize(
    ("system", "processor", "named"),
    [
        ("Linux", "x86_64", ("linux", "amd64")),
        ("Linux", "aarch64", ("linux", "arm64")),
        ("Darwin", "arm64", ("darwin", "arm64")),
        ("Linux", "ppc64le", ("linux", "ppc64le")),
    ],
)
def test_a_machine_is_named_as_go_names_it(
    system: str, processor: str, named: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: processor)
    assert tools.machine() == named


@pytest.mark.parametrize("name", versions.names())
def test_every_train_pins_every_program(name: str) -> None:
    wanted = versions.load(name)
    assert set(wanted.programs) == set(tools.PACKAGES) == set(versions.PROGRAMS)
    for program in wanted.programs.values():
        assert {"linux-amd64", "linux-arm64"} <= set(program.sha256)
        assert len(set(program.sha256.values())) == len(program.sha256)


def test_a_url_is_that_of_the_platform() -> None:
    urls = [
        TRAIN.programs[name].url_for(getattr(TRAIN.versions, name), *platform_).rpartition("/")[2]
        for name in ("kind", "helm", "crane")
        for platform_ in (("linux", "amd64"), ("darwin", "arm64"))
    ]
    assert urls == [
        "kind-linux-amd64",
        "kind-darwin-arm64",
        f"helm-v{TRAIN.versions.helm}-linux-amd64.tar.gz",
        f"helm-v{TRAIN.versions.helm}-darwin-arm64.tar.gz",
        "go-containerregistry_Linux_x86_64.tar.gz",
        "go-containerregistry_Darwin_arm64.tar.gz",
    ]


@pytest.mark.parametrize("name", tools.PACKAGES)
def test_another_version_has_another_pin(name: str) -> None:
    """A version that was raised alone would be fetched in vain, and then built."""
    pins: dict[str, set[str]] = {}
    for wanted in map(versions.load, versions.names()):
        pins.setdefault(getattr(wanted.versions, name), set()).add(
            wanted.programs[name].model_dump_json()
        )
    assert all(len(of_one) == 1 for of_one in pins.values())
    assert len(set().union(*pins.values())) == len(pins)
