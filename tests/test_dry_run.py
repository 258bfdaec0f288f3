"""The dry run: it knows each suite's manifests, and tells what the file of rights allows."""

from __future__ import annotations

import pytest

import suites
from fixtures import manifests
from fixtures.behaviour import discover
from suites.runs.applied import stems
from suites.runs.dry_run import rights

MANIFESTS = manifests.load()
STEMS = {each.name: stems(each, MANIFESTS) for each in discover(suites)}


def test_the_manifests_of_a_suite_are_known_by_their_stems() -> None:
    assert {"gateway", "httproute"} <= set(STEMS["canary_split"])
    assert "ciliumnetworkpolicy" not in STEMS["canary_split"]
    assert "ciliumnetworkpolicy" in STEMS["cross_cluster_policy"]


@pytest.mark.parametrize("stem", sorted(MANIFESTS.documents))
def test_each_manifest_is_of_some_suite(stem: str) -> None:
    """Or the dry run would keep silent about it."""
    assert any(stem in stems for stems in STEMS.values())


def test_the_rights_are_told_as_the_file_has_them() -> None:
    allowed = dict(rights())
    assert allowed["pods/exec"] == "get, create"
    assert any("all of networking.istio.io" in resources for resources in allowed)
    assert not any("nodes" in resources for resources in allowed)
