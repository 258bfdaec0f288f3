"""The recipes: all parse, and everything that one names is there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from clusters import tools, versions
from clusters.components.charts import CHARTED
from clusters.errors import RecipeError
from clusters.home import Home
from clusters.images import golang, modules, recipe
from clusters.images.recipe import FOLDER, Recipe, digest_of, digest_of_folder
from clusters.images.source import LAB, NODE

NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
TRAINS = versions.names()
# Debian's root has links in these places: a folder that an archive adds would take theirs.
LINKED = ("/bin/", "/sbin/", "/lib/", "/lib64/", "/var/run/", "/var/lock/")


def targets(image: Recipe) -> list[str]:
    """Every path that a recipe adds, but for what is below a folder that it takes whole."""
    tables = [*image.programs.values(), *image.files.values()]
    paths = [path for table in tables for path in table.values()]
    wheels = list(image.wheels.files.values()) if image.wheels else []
    wheels += [image.wheels.target] if image.wheels and image.wheels.target else []
    return [*paths, *wheels, *image.text, *image.links, *image.folders]


def sources(image: Recipe) -> dict[str, list[str]]:
    """What a recipe takes from each component's module, as paths below the module's folder."""
    packages: dict[str, list[str]] = {}
    for table in (image.programs, image.files, image.unpack):
        for component, wanted in table.items():
            packages.setdefault(component, []).extend(wanted)
    return packages


def module_folder(name: str, train: versions.Train) -> Path:
    """Where a component's module is; a test that needs it is skipped where it was never fetched."""
    part = golang.component(name, train)
    if (part.folder / "main.go").exists():
        return part.folder  # a program of ours, with a vendor's packages
    module = modules.main_module(part)
    folder = modules.find(module, Home.of_user())
    if folder is None:
        pytest.skip(f"{module.path} was never fetched here: `make up` does that")
    return folder


def test_there_is_a_recipe_for_each_image_of_the_lab() -> None:
    assert {NODE, *LAB, "envoy"} <= set(NAMES)
    assert set(recipe.load(NODE).images) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_parses_and_says_what_it_is_for(name: str) -> None:
    image = recipe.load(name)
    assert image.name == name
    assert image.summary.endswith(".")
    assert targets(image) or image.packages, "an image of nothing"
    assert all(path.startswith("/") for path in targets(image))
    assert all(int(mode, 8) for mode in image.folders.values())


@pytest.mark.parametrize("name", NAMES)
def test_no_path_is_given_twice(name: str) -> None:
    paths = targets(recipe.load(name))
    assert sorted(paths) == sorted(set(paths))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_put_where_debian_has_a_link(name: str) -> None:
    image = recipe.load(name)
    if image.packages:
        assert not [path for path in targets(image) if path.startswith(LINKED)]


@pytest.mark.parametrize("train", TRAINS)
@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_has_a_reference_in_every_train(name: str, train: str) -> None:
    reference = recipe.load(name).reference_in(versions.load(train))
    assert "/" in reference
    assert "{" not in reference
    assert reference.rpartition(":")[2][0] in "v0123456789"


@pytest.mark.parametrize("train", TRAINS)
@pytest.mark.parametrize("name", NAMES)
def test_a_recipes_components_are_pinned_for_every_train(name: str, train: str) -> None:
    for component in recipe.load(name).components:
        part = golang.component(component, versions.load(train))
        for file in ("go.mod", "go.sum", "build.toml"):
            assert (part.folder / file).is_file(), f"{part.folder} has no {file}"
        assert part.version in ("", *versions.load(train).versions.model_dump().values())


@pytest.mark.parametrize("train", TRAINS)
@pytest.mark.parametrize("name", [n for n in NAMES if recipe.load(n).wheels])
def test_a_recipes_lock_file_pins_every_package_by_hash(name: str, train: str) -> None:
    image = recipe.load(name)
    assert image.wheels
    file = FOLDER / image.wheels.lock.format(**versions.load(train).versions.model_dump())
    packages = [line for line in file.read_text().splitlines() if "==" in line]
    assert packages
    assert file.read_text().count("--hash=sha256:") >= len(packages)


@pytest.mark.parametrize("train", TRAINS)
@pytest.mark.parametrize("component", sorted({c for n in NAMES for c in recipe.load(n).components}))
def test_what_recipes_take_from_a_module_is_in_it(component: str, train: str) -> None:
    wanted = {s for name in NAMES for s in sources(recipe.load(name)).get(component, ())}
    folder = module_folder(component, versions.load(train))
    assert not [path for path in sorted(wanted) if not (folder / path).exists()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('summary = "x"\ncolour = "red"', "colour"),
        ('summary = "x"\n[config]\ncmd = ["sh"]', "config.cmd"),
        ('summary = "x"\n[wheels]\nlock = "l"\nindex = "i"', "wheels.index"),
        ('summary = "x"\ncustomize = ["true"]', "customize needs packages"),
        ('packages = ["bash"]', "summary"),
        ("summary = \n[config]", "line 1"),
    ],
)
def test_a_wrong_recipe_is_refused_by_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(RecipeError, match=said) as caught:
        recipe.load("wrong", tmp_path)
    assert str(tmp_path / "wrong.toml") in caught.value.expected


def test_a_recipe_that_is_not_there_is_refused_by_its_file(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"nothing\.toml\n.*no such file"):
        recipe.load("nothing", tmp_path)


def test_all_recipes_are_loaded_by_name() -> None:
    assert sorted(image.name for image in recipe.load_all()) == NAMES


def test_every_lock_file_is_of_some_recipe() -> None:
    used = {
        image.wheels.lock.format(**versions.load(train).versions.model_dump())
        for train in TRAINS
        for image in recipe.load_all()
        if image.wheels
    }
    assert {path.name for path in FOLDER.glob("*.lock")} == used


def test_a_digest_keeps_its_parts_apart() -> None:
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"])
    assert digest_of(["ab"]) == digest_of([b"ab"])


def test_a_folders_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = digest_of_folder(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = digest_of_folder(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, renamed, digest_of_folder(tmp_path)}) == 3


def test_components_are_used_and_named_by_their_version() -> None:
    """A folder in go/ that no train asks for is dead weight."""
    programs = {name for name, _ in tools.PROGRAMS.values()}
    used = {*programs, *CHARTED}.union(*(image.components for image in recipe.load_all()))
    wanted = {
        golang.component(name, versions.load(train)).folder for train in TRAINS for name in used
    }
    there = {folder for folder in golang.COMPONENTS.iterdir() if folder.is_dir()}
    assert there == wanted
    assert all(tomllib.loads((folder / "build.toml").read_text())["module"] for folder in there)
