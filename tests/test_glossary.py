"""One word for each concept: none of its twins in the docs, and ever fewer of them in the code."""

from __future__ import annotations

import re

import pytest

from tests import twins
from tests.twins import TWINS, Twin

GLOSSARY = (twins.ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
IN_PROSE = [twin for twin in TWINS if twin.prose]


def found(word: str, text: str) -> int:
    (twin,) = (twin for twin in TWINS if twins.key(twin) == word)
    return twin.count(text)


@pytest.fixture(scope="module")
def code() -> list[tuple[str, str]]:
    return list(twins.sources())


@pytest.fixture(scope="module")
def documents() -> list[tuple[str, str]]:
    return list(twins.documents())


@pytest.mark.parametrize("twin", IN_PROSE, ids=lambda twin: twin.word)
def test_the_docs_have_no_twin(twin: Twin, documents: list[tuple[str, str]]) -> None:
    places = twins.places(twin, documents)
    assert not places, f"say {twin.say}, not {twin.word}: {dict(places)}"


@pytest.mark.parametrize("twin", TWINS, ids=twins.key)
def test_a_twin_does_not_become_more_frequent(twin: Twin, code: list[tuple[str, str]]) -> None:
    places = twins.places(twin, code)
    allowed = twins.allowed().get(twins.key(twin), 0)
    assert places.total() <= allowed, f"say {twin.say}, not {twin.word}: {places.most_common(9)}"


def test_the_counts_are_of_words_that_are_looked_for() -> None:
    assert twins.allowed().keys() <= {twins.key(twin) for twin in TWINS}


def test_the_glossary_names_each_twin_beside_its_word() -> None:
    rows = [row.strip("| ").split(" | ") for row in GLOSSARY.splitlines() if row.startswith("| ")]
    named = {(word, row[2]) for row in rows if len(row) == 3 for word in row[0].split(", ")}
    meant = {
        (word, twin.word)
        for twin in TWINS
        for word in re.split(r", or |, ", twin.say)
        if not twin.say.startswith("the noun")
    }
    assert meant == {pair for pair in named if pair[1] != "not"}, "say it in docs/glossary.md too"


def test_the_glossary_has_each_word_once() -> None:
    words = [word for word in re.findall(r"(?m)^\| ([^|]+) \|", GLOSSARY) if word != "word"]
    assert [word for word in words if words.count(word) > 1] == []


@pytest.mark.parametrize(
    ("word", "text", "count"),
    [
        ("mesh", "the mesh is up", 1),
        ("mesh", "mesh: Path, without_mesh, MeshMember, fixtures/mesh.py", 4),
        (
            "mesh",
            "service mesh, ClusterMesh, clustermesh, meshed, mesh.internal, multi-cloud-mesh",
            0,
        ),
        ("caller", "callers_of(Caller)", 2),
        ("post", "Post.at(posts)", 2),
        ("post", "POST, postStart, http.post(", 0),
        ("kept connection", "over kept connections; it is kept; KEPT; _kept", 3),
        ("forge", "IMAGES=forge", 0),
        ("told = ", "    told = 1\n    told: list[str] = []\n    if told == 1: f(told=1)\n", 2),
    ],
)
def test_a_twin_is_found_in_words_and_names(word: str, text: str, count: int) -> None:
    assert found(word, text) == count


def test_code_in_prose_is_not_prose() -> None:
    text = "a `caller` [x](caller.md)\n```\ncaller\n```\n<!-- caller -->\n"
    assert found("caller", twins.prose(text)) == 0


def test_counts_are_lowered_and_never_raised() -> None:
    files = [("a.py", "caller caller station")]
    counts = {"caller": 3, "station": 0, "lane": 2}
    assert twins.lowered(counts, files) == {"caller": 2}
