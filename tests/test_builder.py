"""The image builder's decisions: what is current, what a digest covers, what an image is told."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from clusters import versions
from clusters.errors import DoctorError
from clusters.home import Home
from clusters.images import builder, recipe
from clusters.images.builder import LABEL, Builder, require_builder
from clusters.images.recipe import Recipe
from clusters.progress import Progress
from clusters.versions import Train
from tests.engines import TableEngine

TRAIN = versions.load("2026-08")


def builder_of(folder: Path, train: Train = TRAIN, engine: TableEngine | None = None) -> Builder:
    progress = Progress(folder / "estimates.json", Console(file=io.StringIO()))
    return Builder(Home(folder), engine or TableEngine(), train, progress)


def held(image_builder: Builder, *names: str) -> TableEngine:
    """An engine that holds these images as their recipes are now."""
    things = {
        ("image", image.reference_in(TRAIN)): {
            "Id": f"sha256:{image.name}",
            "Config": {"Labels": {LABEL: image_builder.digest(image)}},
        }
        for image in map(recipe.load, names)
    }
    return TableEngine(things=things)


def test_what_is_current_is_not_built_again(tmp_path: Path) -> None:
    engine = held(builder_of(tmp_path), "echo", "envoy")
    images = builder_of(tmp_path, engine=engine).ensure(["echo", "envoy"])
    assert engine.calls == []
    assert [(i.reference, i.digest, i.source) for i in images] == [
        (TRAIN.reference(name), f"sha256:{name}", "forge") for name in ("echo", "envoy")
    ]


def test_an_image_is_not_current_without_the_recipes_own_digest(tmp_path: Path) -> None:
    echo = recipe.load("echo")
    image_builder = builder_of(tmp_path)
    engine = held(image_builder, "echo")
    assert builder_of(tmp_path, engine=engine).is_current(echo)
    assert not image_builder.is_current(echo), "it is not there"
    engine.things["image", TRAIN.reference("echo")]["Config"]["Labels"][LABEL] = "draft"
    assert not builder_of(tmp_path, engine=engine).is_current(echo)
    engine.things["image", TRAIN.reference("echo")]["Config"]["Labels"] = None
    assert not builder_of(tmp_path, engine=engine).is_current(echo), "it was pulled"


CHANGES: dict[str, dict[str, object]] = {
    "text": {"text": {"/a": "other"}},
    "reference": {"reference": "b.example/c:1"},
    "packages": {"packages": ("bash",)},
    "programs": {"programs": {"pause": {".": "/pause"}}},
    "wheels": {"wheels": recipe.Wheels(lock="envoy-{envoy}.lock")},
    "images": {"images": ("pause",)},
    "config": {"config": recipe.Config(user="1")},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_digest_covers_all_that_an_image_is_made_of(tmp_path: Path, change: str) -> None:
    plain = Recipe(name="plain", summary="x", reference="a.example/b:1", text={"/a": "a"})
    image_builder = builder_of(tmp_path)
    assert image_builder.digest(plain) == image_builder.digest(plain.model_copy())
    assert image_builder.digest(plain.model_copy(update=CHANGES[change])) != image_builder.digest(
        plain
    )


def test_a_digest_follows_the_versions_that_a_recipe_names(tmp_path: Path) -> None:
    named = Recipe(name="n", summary="x", reference="a.example/b:1", text={"/v": "v{kubernetes}"})
    plain = Recipe(name="n", summary="x", reference="a.example/b:1", text={"/v": "1"})
    versions_ = TRAIN.versions.model_copy(update={"kubernetes": "1.99.0"})
    image_builder = builder_of(tmp_path)
    later = builder_of(tmp_path, TRAIN.model_copy(update={"versions": versions_}))
    assert image_builder.digest(named) != later.digest(named)
    assert image_builder.digest(plain) == later.digest(plain)


def test_a_nodes_images_are_wanted_with_it_and_each_once(tmp_path: Path) -> None:
    node = recipe.load("node")
    everything = [*node.images, "node", "echo"]
    engine = held(builder_of(tmp_path), *everything)
    images = builder_of(tmp_path, engine=engine).ensure(["node", "echo", "etcd", "echo"])
    assert [i.reference for i in images] == [
        recipe.load(name).reference_in(TRAIN) for name in everything
    ]


def test_a_text_gets_versions_and_keeps_its_own_braces(tmp_path: Path) -> None:
    text = {"/v": '\nv{kubernetes} {"json": {}} {unknown}'}
    image = Recipe(name="n", summary="x", reference="r", text=text)
    said = builder_of(tmp_path)._texts(image)["/v"]
    assert said == f'v{TRAIN.versions.kubernetes} {{"json": {{}}}} {{unknown}}'


def test_an_image_is_told_its_configuration(tmp_path: Path) -> None:
    config = recipe.Config(
        env={"V": "{istio}"}, user="1:1", workdir="/w", entrypoint=("/a", "--b", "c d")
    )
    image = Recipe(name="n", summary="x", reference="r", config=config)
    words = builder_of(tmp_path)._changes(image, "l=1")
    assert words[::2] == ["--change"] * 5
    assert words[1::2] == [
        "LABEL l=1",
        f"ENV V={TRAIN.versions.istio}",
        "USER 1:1",
        "WORKDIR /w",
        'ENTRYPOINT ["/a", "--b", "c d"]',
    ]


@pytest.mark.parametrize("name", [image.name for image in recipe.load_all()])
def test_every_recipes_configuration_can_be_told(tmp_path: Path, name: str) -> None:
    """Braces name versions, and Docker gets JSON where it wants it."""
    for change in builder_of(tmp_path)._changes(recipe.load(name), "l=1")[1::2]:
        word, _, rest = change.partition(" ")
        assert word in ("LABEL", "ENV", "USER", "WORKDIR", "ENTRYPOINT")
        assert "{" not in rest
        assert word != "ENTRYPOINT" or json.loads(rest)


def test_a_console_script_names_the_images_python(tmp_path: Path) -> None:
    script = tmp_path / "locust"
    script.write_text("#!/somewhere/venv/bin/python\nimport sys\nsys.exit()\n")
    assert builder._for_python3(script) == "#!/usr/bin/python3\nimport sys\nsys.exit()\n"


def test_a_machine_that_cannot_build_is_told_what_mends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        DoctorError,
        match=r"go is not on PATH \(install Go 1\.21.*mmdebstrap is not on PATH \(apt-get",
    ):
        require_builder()
    with pytest.raises(DoctorError, match="without an image registry"):
        builder_of(tmp_path).ensure(["echo"])
