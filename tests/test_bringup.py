"""The order of things: values merged as helm merges them, and work side by side."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters import versions
from clusters.bringup import _notes, new_run
from clusters.components.helm import merge_values
from clusters.errors import PlanError
from clusters.images.source import Supply
from clusters.models import Image
from clusters.plan import read_plan
from clusters.versions import PublishedImage

Tree = dict[str, Any]
KEYS = st.sampled_from("abc")
LEAVES = st.none() | st.integers() | st.lists(st.integers(), max_size=2)
TREES = st.dictionaries(
    KEYS, st.recursive(LEAVES, lambda below: st.dictionaries(KEYS, below), max_leaves=6)
)


def leaves(tree: Tree, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], object]:
    """Every value that is no table, by its path."""
    by_path: dict[tuple[str, ...], object] = {}
    for key, value in tree.items():
        below = leaves(value, (*path, key)) if isinstance(value, dict) else {}
        by_path.update(below if isinstance(value, dict) else {(*path, key): value})
    return by_path


@given(TREES, TREES)
def test_the_second_wins_and_the_firsts_others_stay(one: Tree, other: Tree) -> None:
    merged, first, second = (leaves(tree) for tree in (merge_values(one, other), one, other))
    assert merged | second == merged
    for path, value in first.items():
        hidden = any(
            path[: len(above)] == above or above[: len(path)] == path for above in second
        ) or _table_at(other, path)
        assert hidden or merged[path] == value


def _table_at(tree: Tree, path: tuple[str, ...]) -> bool:
    """Whether a table, be it an empty one, stands where the other has a value."""
    at: object = tree
    for key in path:
        if not isinstance(at, dict) or key not in at:
            return False
        at = at[key]
    return isinstance(at, dict)


@given(TREES)
def test_nothing_changes_nothing(one: Tree) -> None:
    assert merge_values(one, {}) == one
    assert merge_values({}, one) == one
    assert merge_values(one, one) == one


@given(TREES, TREES)
def test_merging_leaves_both_as_they_were(one: Tree, other: Tree) -> None:
    before = copy.deepcopy((one, other))
    merge_values(one, other)
    assert (one, other) == before


def test_a_clustermesh_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "mesh.yaml"
    for text in ("", "- a\n", "spec: {clusters: [", "kind: X\n"):
        file.write_text(text)
        with pytest.raises(PlanError):
            read_plan(file)
    with pytest.raises(PlanError, match=str(tmp_path / "nowhere.yaml")):
        read_plan(tmp_path / "nowhere.yaml")


TRAIN = versions.load("2026-08")
PULLED = Image(reference="a", digest="", source="pull")
BUILT = Image(reference="a", digest="", source="forge")


def notes(*images: Image, plain: bool = False, pinned: bool = False, copied: str = "") -> str:
    supply = Supply(
        images, "node", plain_envoy=plain, built_node=plain, why="forge, because",
        copied=(copied,) if copied else (),
    )  # fmt: skip
    digest = f"sha256:{'0' * 64}" if pinned else ""
    known = {
        name: PublishedImage(reference=image.reference, digest=digest)
        for name, image in TRAIN.images.items()
    }
    return "\n".join(_notes(supply, TRAIN.model_copy(update={"images": known})))


def test_a_reader_is_told_what_is_not_as_published() -> None:
    assert "XP9" in notes(BUILT)
    assert "Images: forge, because." in notes(BUILT)
    assert "upstream Envoy" in notes(BUILT, plain=True)
    assert "upstream Envoy" not in notes(PULLED)
    assert "No digest is pinned for" in notes(PULLED)
    assert "No digest is pinned" not in notes(PULLED, pinned=True)
    assert "No digest is pinned" not in notes(BUILT)
    assert "The mirror's quay.io/a/b:1 were built" in notes(PULLED, copied="quay.io/a/b:1")
    assert "were built" not in notes(PULLED)


def test_a_run_is_named_so_that_names_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLUMBLINE_RUN", raising=False)
    first = new_run()
    assert first <= new_run()
    assert len(first) == len("20261123-120000")
    monkeypatch.setenv("PLUMBLINE_RUN", "mine")
    assert new_run() == "mine"
