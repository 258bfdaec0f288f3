"""What proposes new versions: renovate.json finds each version and digest of the newest train."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from clusters import versions
from clusters.versions import FOLDER

RENOVATE: dict[str, Any] = json.loads((FOLDER.parent.parent / "renovate.json").read_text())
NEWEST = versions.newest()
FOLLOWS = {
    "pause", "kubernetes", "echo", "ratelimit", "redis", "cilium_cli", "alpine_curl", "json_mock",
}  # fmt: skip
"""What follows another version or another's package, or is the last of its repository or of no
release: its comment says which."""
UNMARKED = {"node", "echo", "alpine-curl", "json-mock"}
"""Images whose digest is raised by hand: a node's is of kind's release, and the last two are those
that Cilium's CLI names."""


def python(pattern: str) -> re.Pattern[str]:
    """A pattern of renovate.json; it names its groups as JavaScript does."""
    return re.compile(pattern.removeprefix("/").removesuffix("/").replace("(?<", "(?P<"))


def managers() -> list[dict[str, Any]]:
    """What finds versions, and what finds images' digests."""
    custom: list[dict[str, Any]] = RENOVATE["customManagers"]
    assert len(custom) == 2
    return custom


def lines_of(section: str, name: str) -> dict[str, str]:
    """The line of each version, or image, in a train's file."""
    text = (FOLDER / f"{name}.toml").read_text()
    section = text.partition(f"[{section}]\n")[2].partition("\n[")[0]
    return {line.partition(" =")[0]: line for line in section.splitlines() if " = " in line}


def test_new_versions_are_proposed_to_the_newest_train_alone() -> None:
    files = {name: f"clusters/versions/{name}.toml" for name in versions.names()}
    for manager in managers():
        patterns = [python(pattern) for pattern in manager["managerFilePatterns"]]
        matched = [n for n, file in files.items() if any(p.search(file) for p in patterns)]
        assert matched == [NEWEST]


def test_every_version_of_the_newest_train_says_where_it_is_published() -> None:
    (pattern,) = map(python, managers()[0]["matchStrings"])
    lines = lines_of("versions", NEWEST)
    assert lines.keys() == versions.Versions.model_fields.keys()
    hits_of = {name: pattern.findall(line) for name, line in lines.items()}
    assert {name for name, hits in hits_of.items() if len(hits) != 1} == FOLLOWS
    train, sources = versions.load(NEWEST).versions.model_dump(), set()
    for name, line in lines.items():
        if (hit := pattern.search(line)) is not None:
            assert line == f"{name} = {hit[0]}", "the whole line, and only that"
            assert hit["currentValue"] == train[name]
            assert hit["datasource"] in {"docker", "github-releases", "pypi"}
            sources.add(hit["depName"])
    assert len(sources) == len(lines) - len(FOLLOWS)


def test_every_digest_of_the_newest_train_says_of_which_tag_it_is() -> None:
    """A tag that is raised alone would be told, and the former image run."""
    (pattern,) = map(python, managers()[1]["matchStrings"])
    train, lines = versions.load(NEWEST), lines_of("images", NEWEST)
    hits = {name: hit for name, line in lines.items() if (hit := pattern.search(line))}
    pinned = {name for name, image in train.images.items() if image.digest}
    assert hits.keys() == pinned - UNMARKED
    for name, hit in hits.items():
        assert lines[name].endswith(hit[0]), "to the end of the line"
        assert hit["currentDigest"] == train.images[name].digest
        assert f"{hit['depName']}:{hit['currentValue']}" == train.reference(name)


def test_every_comment_for_renovate_is_found_once() -> None:
    whole = (FOLDER / f"{NEWEST}.toml").read_text()
    counts = [
        len(pattern.findall(whole))
        for manager in managers()
        for pattern in map(python, manager["matchStrings"])
    ]
    assert sum(counts) == whole.count("# renovate: ")
    assert counts[0] == len(lines_of("versions", NEWEST)) - len(FOLLOWS)


@pytest.mark.parametrize("name", versions.names())
def test_an_image_has_another_digest_in_every_version(name: str) -> None:
    train, other = versions.load(name), versions.load(NEWEST)
    for image in train.images.keys() & other.images.keys():
        pins = {each.images[image].digest for each in (train, other)}
        if "" not in pins:
            assert len(pins) == len({train.reference(image), other.reference(image)}), image


@pytest.mark.parametrize("tag", ["v1.20.2", "1.20.2"])
def test_a_tag_is_read_as_a_version(tag: str) -> None:
    hit = python(managers()[0]["extractVersionTemplate"]).search(tag)
    assert hit is not None
    assert hit["version"] == "1.20.2"
    assert not python(managers()[0]["extractVersionTemplate"]).search(f"{tag}-rc.1")
