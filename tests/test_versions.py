"""The versions files: every one loads, and a wrong one is refused by file, line and reason."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from clusters import versions
from clusters.errors import VersionsError
from clusters.versions import FOLDER
from tests.test_recipes import module_folder

TRAIN = "2026-08"
REAL = (FOLDER / f"{TRAIN}.toml").read_text()
REFERENCE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+/[a-z0-9._/-]+:[\w.-]+")


def keys(section: str) -> list[str]:
    return list(tomllib.loads(REAL)[section])


def spoiled(section: str, key: str, line: str) -> tuple[str, int]:
    """The real file with one key's line replaced, and the number of that line."""
    lines = REAL.splitlines()
    table = lines.index(f"[{section}]")
    at = next(n for n in range(table, len(lines)) if lines[n].startswith(f"{key} ="))
    lines[at] = line
    return "\n".join(lines), at + 1


def refusal(folder: Path, text: str) -> str:
    """What the error says of a train with this text."""
    (folder / "bad.toml").write_text(text)
    with pytest.raises(VersionsError) as caught:
        versions.load("bad", folder)
    assert str(folder / "bad.toml") in caught.value.expected
    return str(caught.value)


def test_there_are_trains() -> None:
    assert TRAIN in versions.names()


@pytest.mark.parametrize("name", versions.names())
def test_every_train_loads_and_its_references_are_whole(name: str) -> None:
    train = versions.load(name)
    assert train.name == name
    assert train.images
    for image in train.images:
        assert REFERENCE.fullmatch(train.reference(image))


def test_several_are_read_in_the_order_given() -> None:
    assert [train.name for train in versions.load_some("2026-08, 2026-04")] == [
        "2026-08", "2026-04",
    ]  # fmt: skip
    with pytest.raises(VersionsError, match="''; there are"):
        versions.load_some("2026-08,")


NODES: dict[str, dict[str, str]] = tomllib.loads(
    (FOLDER.parent / "images/kind-nodes.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", versions.names())
def test_a_trains_node_is_one_that_its_kind_release_lists(name: str) -> None:
    """Any other tag may never have been published, or was built for another kind."""
    train = versions.load(name)
    listed = NODES[train.versions.kind]
    assert train.reference("node") == f"docker.io/kindest/node:v{train.versions.kubernetes}"
    assert train.images["node"].digest == listed[train.versions.kubernetes]


@pytest.mark.parametrize("name", versions.names())
def test_the_list_of_nodes_has_the_one_that_kind_takes_by_itself(name: str) -> None:
    """Read from kind's own source, so that the list is not of another release."""
    train = versions.load(name)
    source = module_folder("kind", train) / "pkg/apis/config/defaults/image.go"
    default = re.search(r"kindest/node:v([\d.]+)@(sha256:[0-9a-f]{64})", source.read_text())
    assert default is not None
    assert NODES[train.versions.kind][default[1]] == default[2]


def test_a_reference_carries_the_version() -> None:
    train = versions.load(TRAIN)
    assert train.reference("cilium") == f"quay.io/cilium/cilium:v{train.versions.cilium}"


def test_an_image_that_is_not_in_the_file_is_named() -> None:
    with pytest.raises(VersionsError, match=r"images\.nothing in versions/2026-08\.toml"):
        versions.load(TRAIN).reference("nothing")


@pytest.mark.parametrize("key", keys("versions"))
def test_a_malformed_version_is_refused_by_its_line(key: str, tmp_path: Path) -> None:
    text, line = spoiled("versions", key, f'{key} = "v1"')
    assert f"line {line}: versions.{key}: " in refusal(tmp_path, text)


@pytest.mark.parametrize("key", keys("deadlines"))
@pytest.mark.parametrize("value", ["0", "-1", '"soon"'])
def test_a_malformed_deadline_is_refused_by_its_line(key: str, value: str, tmp_path: Path) -> None:
    text, line = spoiled("deadlines", key, f"{key} = {value}")
    said = refusal(tmp_path, text)
    assert f"line {line}: deadlines.{key}: " in said
    assert f"seen:     {value.strip(chr(34))}" in said.replace("'", "")


@pytest.mark.parametrize("key", keys("images"))
def test_a_malformed_digest_is_refused_by_its_line(key: str, tmp_path: Path) -> None:
    bad = f'{key} = {{ reference = "quay.io/a/b:1", digest = "sha256:12" }}'
    text, line = spoiled("images", key, bad)
    assert f"line {line}: images.{key}.digest: " in refusal(tmp_path, text)


@pytest.mark.parametrize("braces", ["{nothing}", "{", "{}"])
def test_unknown_braces_are_refused_by_their_line(braces: str, tmp_path: Path) -> None:
    text, line = spoiled("images", "echo", f'echo = {{ reference = "quay.io/a/b:{braces}" }}')
    assert f"line {line}: images.echo to name known versions" in refusal(tmp_path, text)


def test_a_key_that_another_begins_with_is_not_taken_for_it(tmp_path: Path) -> None:
    text = spoiled("images", "cilium", "cilium = 5")[0].splitlines()
    operator = next(line for line in text if line.startswith("cilium-operator"))
    text.remove(operator)
    text.insert(text.index("[images]") + 1, operator)
    line = next(n for n, each in enumerate(text, 1) if each == "cilium = 5")
    assert f"line {line}: images.cilium: " in refusal(tmp_path, "\n".join(text))


def test_a_key_in_a_comment_is_not_taken_for_it(tmp_path: Path) -> None:
    text, line = spoiled("versions", "kind", 'kind = "?"')
    assert f"line {line + 1}: versions.kind" in refusal(tmp_path, f"# versions kind = 1\n{text}")


@pytest.mark.parametrize("section", ["versions", "deadlines"])
def test_a_missing_key_is_refused_by_its_table(section: str, tmp_path: Path) -> None:
    key = keys(section)[0]
    text, _ = spoiled(section, key, "")
    line = text.splitlines().index(f"[{section}]") + 1
    assert f"line {line}: {section}.{key}: Field required" in refusal(tmp_path, text)


@pytest.mark.parametrize("section", ["versions", "deadlines"])
def test_an_unknown_key_is_refused_by_its_line(section: str, tmp_path: Path) -> None:
    text = REAL.replace(f"[{section}]", f'[{section}]\nflannel = "1.0"')
    line = text.splitlines().index('flannel = "1.0"') + 1
    assert f"line {line}: {section}.flannel: Extra inputs" in refusal(tmp_path, text)


def test_a_train_is_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "file.toml").write_text(f'name = "another"\n{REAL}')
    assert versions.load("file", tmp_path).name == "file"


def test_what_is_no_toml_is_refused_by_its_line(tmp_path: Path) -> None:
    assert "at line 2, column" in refusal(tmp_path, "[versions]\nkind = = 1\n")


def test_an_unknown_train_is_refused_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "2031-01.toml").write_text(REAL)
    with pytest.raises(VersionsError, match=r"'nope'; there are: 2031-01"):
        versions.load("nope", tmp_path)


# --- what proposes new versions ----------------------------------------------------------------

RENOVATE: dict[str, Any] = json.loads((FOLDER.parent.parent / "renovate.json").read_text())
NEWEST = versions.names()[-1]
FOLLOWS = {"pause"}
"""What follows another version: its comment says which."""


def python(pattern: str) -> re.Pattern[str]:
    """A pattern of renovate.json; it names its groups as JavaScript does."""
    return re.compile(pattern.removeprefix("/").removesuffix("/").replace("(?<", "(?P<"))


def train_manager() -> dict[str, Any]:
    (manager,) = RENOVATE["customManagers"]
    return dict(manager)


def version_lines(name: str) -> dict[str, str]:
    """The line of each version in a train's file."""
    text = (FOLDER / f"{name}.toml").read_text()
    section = text.partition("[versions]\n")[2].partition("\n[")[0]
    return {line.partition(" =")[0]: line for line in section.splitlines() if " = " in line}


def test_new_versions_are_proposed_to_the_newest_train_alone() -> None:
    patterns = [python(pattern) for pattern in train_manager()["managerFilePatterns"]]
    files = {name: f"clusters/versions/{name}.toml" for name in versions.names()}
    matched = [n for n, file in files.items() if any(p.search(file) for p in patterns)]
    assert matched == [NEWEST]


def test_every_version_of_the_newest_train_says_where_it_is_published() -> None:
    (pattern,) = map(python, train_manager()["matchStrings"])
    lines = version_lines(NEWEST)
    assert lines.keys() == versions.Versions.model_fields.keys()
    found = {name: pattern.findall(line) for name, line in lines.items()}
    assert {name for name, hits in found.items() if len(hits) != 1} == FOLLOWS
    train, sources = versions.load(NEWEST).versions.model_dump(), set()
    for name, line in lines.items():
        if (hit := pattern.search(line)) is not None:
            assert line == f"{name} = {hit[0]}", "the whole line, and only that"
            assert hit["currentValue"] == train[name]
            assert hit["datasource"] in {"docker", "github-releases", "pypi"}
            sources.add(hit["depName"])
    assert len(sources) == len(lines) - len(FOLLOWS)


def test_nothing_else_of_the_file_is_taken_for_a_version() -> None:
    (pattern,) = map(python, train_manager()["matchStrings"])
    whole = (FOLDER / f"{NEWEST}.toml").read_text()
    assert len(pattern.findall(whole)) == len(version_lines(NEWEST)) - len(FOLLOWS)


@pytest.mark.parametrize("tag", ["v1.20.2", "1.20.2"])
def test_a_tag_is_read_as_a_version(tag: str) -> None:
    hit = python(train_manager()["extractVersionTemplate"]).search(tag)
    assert hit is not None
    assert hit["version"] == "1.20.2"
    assert not python(train_manager()["extractVersionTemplate"]).search(f"{tag}-rc.1")
