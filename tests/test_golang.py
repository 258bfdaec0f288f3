"""Go components: found by version, built with no path of this machine in the program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from clusters import versions
from clusters.errors import DoctorError, RecipeError
from clusters.home import Home
from clusters.images import golang
from clusters.images.golang import Component, Toolchain, program_name

TRAIN = versions.load("2026-08")


def part(**changed: object) -> Component:
    plain = {"name": "thing", "version": "1.2.3", "folder": Path(), "module": "a.example/thing"}
    return Component.model_validate({**plain, **changed})


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("sigs.k8s.io/kind", "kind"),
        ("helm.sh/helm/v3/cmd/helm", "helm"),
        ("go.etcd.io/etcd/server/v3", "server"),
        ("a.example/v12", "a.example"),
        ("a.example/vet", "vet"),
        ("single", "single"),
        ("v3", "v3"),
    ],
)
def test_a_program_is_named_as_go_names_it(package: str, name: str) -> None:
    assert program_name(package) == name


def test_a_package_is_relative_to_its_module() -> None:
    assert part().package(".") == "a.example/thing"
    assert part().package("cmd/x") == "a.example/thing/cmd/x"


def test_flags_carry_version_and_tags_and_trim_paths() -> None:
    flags = part(tags=("a", "b"), ldflags=("-X v={version}", "-X m={major}.{minor}")).flags()
    assert flags[0] == "-trimpath"
    assert flags[-4:] == ["-tags", "a,b", "-ldflags", "-s -w -X v=1.2.3 -X m=1.2"]
    assert "-tags" not in part().flags()
    assert part(version="", ldflags=("-X m={minor}",)).flags()[-1] == "-s -w -X m="


def folder(root: Path, name: str, build: str = 'module = "a.example/kind"\n') -> Path:
    path = root / name
    path.mkdir()
    (path / "build.toml").write_text(build)
    (path / "go.mod").write_text("module x\n")
    return path


def test_a_component_is_that_of_the_trains_version(tmp_path: Path) -> None:
    wanted = folder(tmp_path, f"kind-{TRAIN.versions.kind}")
    folder(tmp_path, "kind-0.1.0")
    component = golang.component("kind", TRAIN, tmp_path)
    assert (component.folder, component.version) == (wanted, TRAIN.versions.kind)


def test_a_component_that_is_not_pinned_is_refused_with_those_there_are(tmp_path: Path) -> None:
    folder(tmp_path, "kind-0.1.0")
    with pytest.raises(
        RecipeError, match=rf"kind {TRAIN.versions.kind} of train 2026-08"
    ) as caught:
        golang.component("kind", TRAIN, tmp_path)
    assert caught.value.seen == "there are kind-0.1.0"


@pytest.mark.parametrize("build", ["module =", "tags = []\n", 'module = "m"\ncolour = "red"\n'])
def test_a_malformed_build_file_is_refused_by_its_name(tmp_path: Path, build: str) -> None:
    path = folder(tmp_path, f"kind-{TRAIN.versions.kind}", build)
    with pytest.raises(RecipeError, match=f"{path}/build.toml"):
        golang.component("kind", TRAIN, tmp_path)


def test_a_digest_changes_with_version_and_any_file(tmp_path: Path) -> None:
    path = folder(tmp_path, f"kind-{TRAIN.versions.kind}")
    component = golang.component("kind", TRAIN, tmp_path)
    before = component.digest()
    assert component.model_copy(update={"version": "9"}).digest() != before
    (path / "go.sum").write_text("a v1 h1:x\n")
    assert component.digest() != before


def test_a_program_is_built_static_and_without_paths_of_this_machine(tmp_path: Path) -> None:
    """The smallest component, with the caches that the image builder uses."""
    if not golang.is_installed():
        pytest.skip("there is no Go here")
    pause = golang.component("pause", TRAIN)
    home = Home.of_user()
    built = Toolchain(home).build(pause, ["."], tmp_path / "out", tmp_path / "go.log")
    program = built["."]
    assert program.name == "pause"
    content = program.read_bytes()
    assert content.startswith(b"\x7fELF")
    assert str(pause.folder).encode() not in content
    assert str(home.root).encode() not in content
    # It holds a pod's namespaces until it is told to end.
    process = subprocess.Popen([program])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    process.terminate()
    assert process.wait(5) == 0


@pytest.mark.parametrize(
    ("says", "seen"),
    [
        ("go version go1.19.8 linux/amd64", "go1.19.8 linux/amd64 is too old"),
        ("go version go1.21 linux/amd64", ""),
        ("go version go1.26.8 linux/arm64", ""),
        ("go version devel go1.27-0123456 darwin/arm64", ""),
    ],
)
def test_a_go_that_fetches_no_toolchain_is_refused(
    says: str, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies of the syntax of a go.mod that asks for a newer one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert golang.obstacle() == "go is not on PATH"
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\n[ $GOTOOLCHAIN = local ] && echo '{says}'\n")
    go.chmod(0o755)
    assert seen in golang.obstacle()
    if seen:
        with pytest.raises(DoctorError, match=r"Go 1\.21 or later"):
            golang.require()
    else:
        assert not golang.obstacle()
        golang.require()


def test_images_are_linuxes_and_tools_this_machines(tmp_path: Path) -> None:
    assert Toolchain(Home(tmp_path)).env["GOOS"] == "linux"
    assert Toolchain(Home(tmp_path), "darwin").env["GOOS"] == "darwin"
