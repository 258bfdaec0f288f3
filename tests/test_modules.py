"""A module's files without Go: what go.mod pins, by GOPROXY, and only if go.sum's hash agrees."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters import versions
from clusters.components.charts import CHARTED
from clusters.errors import DownloadError, RecipeError
from clusters.home import Home
from clusters.images import golang, modules
from clusters.images.golang import Component
from clusters.images.modules import Module
from clusters.process import run
from tests.served import Served, serving

FILES = {"go.mod": b"module a.example/Azure/x\n", "chart/values.yaml": b"a: 1\n", "B": b""}
PREFIX = "a.example/Azure/x@v1.2.3-RC1"
FILE = "/a.example/!azure/x/@v/v1.2.3-!r!c1.zip"


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{PREFIX}/{name}", content)
    return out.getvalue()


ZIP = zipped(FILES)
with zipfile.ZipFile(io.BytesIO(ZIP)) as _archive:
    HASH = modules.hash_of(_archive)


@pytest.fixture
def part(tmp_path: Path) -> Component:
    """A component that pins the module above."""
    folder = tmp_path / "component"
    folder.mkdir()
    (folder / "go.mod").write_text("module y\n\nrequire a.example/Azure/x v1.2.3-RC1\n")
    (folder / "go.sum").write_text(
        f"a.example/Azure/x v1.2.3-RC1/go.mod h1:other\na.example/Azure/x v1.2.3-RC1 {HASH}\n"
    )
    return Component(name="x", version="1.2.3", folder=folder, module="a.example/Azure/x")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving({FILE: ZIP}) as served:
        monkeypatch.setenv("GOPROXY", served.url)
        yield served


def test_a_module_is_fetched_once(part: Component, home: Home, proxy: Served) -> None:
    folder_ = modules.folder(part, home)
    assert {
        str(path.relative_to(folder_)): path.read_bytes()
        for path in folder_.rglob("*")
        if path.is_file()
    } == FILES
    assert folder_ == home.root / "modules" / "a.example/!azure/x@v1.2.3-!r!c1"
    assert modules.folder(part, home) == folder_
    assert proxy.asked == [FILE]
    assert [path.name for path in (home.root / "modules").iterdir()] == ["a.example"], "no draft"


@pytest.mark.parametrize(
    "content",
    [zipped({**FILES, "B": b"!"}), zipped({"B": b""}), zipped({**FILES, "C": b""}), b"no zip"],
)
def test_what_go_sum_does_not_pin_is_refused(
    part: Component, home: Home, proxy: Served, content: bytes
) -> None:
    proxy.files[FILE] = content
    with pytest.raises(DownloadError, match=r"of go\.sum") as caught:
        modules.folder(part, home)
    assert proxy.url in caught.value.seen
    assert not list(home.root.rglob("values.yaml"))


@pytest.mark.parametrize(
    "word", ["{url}", "{url}/none,{url}", "http://127.0.0.1:1|{url}", "off,{url}"]
)
def test_goproxy_is_gone_through(
    word: str, part: Component, home: Home, proxy: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", word.format(url=proxy.url))
    assert (modules.folder(part, home) / "B").exists()


@pytest.mark.parametrize(
    ("word", "seen"),
    [
        ("http://127.0.0.1:1,{url}", "refused"),  # a comma: only `none here` leads on
        ("direct", "direct: not a proxy"),
        ("{url}/none", "answered 404"),
    ],
)
def test_without_a_proxy_that_has_it_each_is_named(
    word: str, seen: str, part: Component, proxy: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", word.format(url=proxy.url))
    with pytest.raises(DownloadError, match="from a Go module proxy") as caught:
        modules.folder(part, Home(part.folder / "home"))
    assert seen in caught.value.seen
    assert FILE not in proxy.asked


def test_a_folder_can_be_the_proxy(
    part: Component, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "proxy" / FILE[1:]
    file.parent.mkdir(parents=True)
    file.write_bytes(ZIP)
    monkeypatch.setenv("GOPROXY", (tmp_path / "proxy").as_uri())
    assert (modules.folder(part, home) / "B").exists()


def test_goproxy_is_gos_own_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GOPROXY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert modules.proxies() == [("https://proxy.golang.org", False), ("direct", False)]
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'https://a.example|https://b.example,direct'\n")
    go.chmod(0o755)
    assert modules.proxies() == [
        ("https://a.example", True), ("https://b.example", False), ("direct", False),
    ]  # fmt: skip


def test_what_our_own_go_fetched_is_taken(part: Component, home: Home, proxy: Served) -> None:
    """And only if Go noted the pinned hash for it, and is not unpacking it still."""
    module = modules.main_module(part)
    cache = home.folder("go", "mod")
    (cache / module.folder).mkdir(parents=True)
    note = cache / "cache" / "download" / module.file
    note.parent.mkdir(parents=True)
    assert modules.find(module, home) is None
    Path(f"{note}.ziphash").write_text("h1:another")
    assert modules.find(module, home) is None
    Path(f"{note}.ziphash").write_text(HASH)
    assert modules.folder(part, home) == cache / module.folder
    assert not proxy.asked
    Path(f"{note}.partial").touch()
    assert modules.find(module, home) is None


@pytest.mark.parametrize(
    ("go_mod", "path", "version"),
    [
        ("require a.example/Azure/x v1 // indirect", "a.example/Azure/x", "v1"),
        ("require (\n\tother v9\n\ta.example/Azure/x v1\n)", "a.example/Azure/x", "v1"),
        (
            "exclude (\n\ta.example/Azure/x v3\n)\nrequire a.example/Azure/x v1\n"
            "exclude a.example/Azure/x v2",
            "a.example/Azure/x",
            "v1",
        ),
        ("require a.example/Azure/x v1\nreplace a.example/Azure/x => fork v2", "fork", "v2"),
        (
            "replace (\n\ta.example/Azure/x v1 => fork v2\n)\nrequire a.example/Azure/x v1",
            "fork",
            "v2",
        ),
        (
            "require a.example/Azure/x v1\nreplace a.example/Azure/x v3 => fork v2",
            "a.example/Azure/x",
            "v1",
        ),
    ],
)
def test_the_version_is_that_of_go_mod(
    part: Component, go_mod: str, path: str, version: str
) -> None:
    (part.folder / "go.mod").write_text(f"module y\n\n{go_mod}\n")
    sums = [f"{p} {v} h1:{p}{v}\n" for p in ("a.example/Azure/x", "fork") for v in ("v1", "v2")]
    (part.folder / "go.sum").write_text("".join(sums))
    assert modules.main_module(part) == Module(path, version, f"h1:{path}{version}")


@pytest.mark.parametrize("go_mod", ["", "require other v1", "require a.example/Azure/x v7"])
def test_a_module_that_is_not_pinned_is_refused(part: Component, go_mod: str) -> None:
    (part.folder / "go.mod").write_text(f"module y\n{go_mod}\n")
    with pytest.raises(RecipeError, match=r"to pin a\.example/Azure/x"):
        modules.main_module(part)


@pytest.mark.parametrize("train", versions.names())
@pytest.mark.parametrize("name", [*CHARTED, "kind"])
def test_every_train_pins_what_is_read_of_it(name: str, train: str) -> None:
    part = golang.component(name, versions.load(train))
    module = modules.main_module(part)
    assert module.path == part.module
    assert len(module.hash) == len("h1:") + 44


def test_a_module_is_what_go_makes_of_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest real one, from Go's cache or the proxy: the same files, byte by byte."""
    if not golang.is_installed():
        pytest.skip("there is no Go here")
    part = golang.component("kind", versions.load("2026-08"))
    module = modules.main_module(part)
    env = golang.Toolchain(Home.of_user()).env
    run(["go", "mod", "download", module.path], cwd=part.folder, env=env)
    cache = Home.of_user().root / "go" / "mod"
    file = home.folder("proxy") / f"{module.file}.zip"
    file.parent.mkdir(parents=True)
    shutil.copy(cache / "cache" / "download" / f"{module.file}.zip", file)
    monkeypatch.setenv("GOPROXY", (home.root / "proxy").as_uri())
    ours = modules.folder(part, home)
    theirs = cache / module.folder
    names = sorted(p.relative_to(theirs) for p in theirs.rglob("*"))
    assert names == sorted(p.relative_to(ours) for p in ours.rglob("*"))
    files = [name for name in names if (theirs / name).is_file()]
    assert len(files) > 300
    assert all((theirs / name).read_bytes() == (ours / name).read_bytes() for name in files)
