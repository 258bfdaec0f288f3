"""The trial in clusters of somebody else: what is compared, and what the owner has there."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clusters.confinement import CONSENT
from clusters.providers import existing
from tests.adopted import owner, stored

names = st.text("abc", min_size=1, max_size=2)
objects = st.dictionaries(names, st.integers(0, 2), max_size=4)


@given(objects, objects)
def test_a_difference_is_all_that_is_not_the_same_in_both(
    before: dict[str, int], after: dict[str, int]
) -> None:
    differences = stored.difference(before, after)
    assert (differences == ()) == (before == after)
    named = {each.split()[-1] for each in differences}
    same = {k for k in before if after.get(k) == before[k]}
    assert named == (before.keys() | after.keys()) - same


def document(**metadata: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": "a", **metadata}, "data": {"k": "v"}}


def test_what_changes_by_itself_is_no_difference() -> None:
    first = document(resourceVersion="1", managedFields=[{}], annotations={stored.LEADER: "x"})
    later = document(resourceVersion="2", annotations={stored.LEADER: "y"})
    assert stored.as_it_is(first) == stored.as_it_is({**later, "status": {"phase": "Active"}})
    for other in (document(labels={"a": "b"}), document(annotations={"a": "b"})):
        assert stored.as_it_is(other) != stored.as_it_is(document())


def test_others_have_nothing_in_a_namespace_of_a_run() -> None:
    texts = (owner.THINGS.read_text(encoding="utf-8"), existing.consent_document("f" * 12))
    for each in (each for text in texts for each in owner.documents(text)):
        metadata = each["metadata"]
        place = metadata["name"] if each["kind"] == "Namespace" else metadata["namespace"]
        assert place in {owner.OTHERS, "default", CONSENT[0]}
