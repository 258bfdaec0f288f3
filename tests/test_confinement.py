"""In a cluster that carries somebody's work nothing is touched but what this harness made."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters import confinement
from clusters.confinement import MARK, UNTIL, Confinement, Unconfined
from clusters.errors import ForeignError
from clusters.topology import Cluster, Consent

HARNESS = "0123456789ab"
CONSENT = Consent(harness=HARNESS, write=frozenset({"default"}), hours=2)
OURS, THEIRS = {"labels": {MARK: HARNESS}}, {"labels": {MARK: "another"}}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
Stored = dict[tuple[str, str, str], dict[str, Any]]


def bounds(stored: Stored | None = None) -> Confinement:
    """A cluster in which objects are stored, by kind, name and namespace: their metadata."""

    def get(_version: str, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        metadata = (stored or {}).get((kind, name, namespace))
        return None if metadata is None else {"metadata": metadata}

    return Confinement("aws-cluster", CONSENT, get, {"service-type": "ClusterIP"})


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


@pytest.mark.parametrize(
    ("document", "place", "stored"),
    [
        (CONFIG_MAP, "plumbline-a", {("Namespace", "plumbline-a", ""): OURS}),
        # Whoever made it: what is in a namespace of ours is ours.
        (
            CONFIG_MAP,
            "plumbline-a",
            {("Namespace", "plumbline-a", ""): OURS, ("ConfigMap", "a", "plumbline-a"): {}},
        ),
        (CONFIG_MAP, "plumbline-a", {}),  # the API server then says that there is none
        (CONFIG_MAP, "default", {}),
        (CONFIG_MAP, "default", {("ConfigMap", "a", "default"): OURS}),
        (namespace("plumbline-a"), "", {}),
        (namespace("plumbline-a"), "", {("Namespace", "plumbline-a", ""): OURS}),
    ],
)
def test_what_is_ours_may_be_written(document: Any, place: str, stored: Stored) -> None:
    bounds(stored).see_allowed(document, place)


@pytest.mark.parametrize(
    ("document", "place", "stored", "why"),
    [
        (CONFIG_MAP, "shop", {}, "in the namespace shop"),
        (CONFIG_MAP, "", {}, "of the whole cluster"),
        (CONFIG_MAP, "plumbline-a", {("Namespace", "plumbline-a", ""): {}}, "does not bear"),
        (CONFIG_MAP, "plumbline-a", {("Namespace", "plumbline-a", ""): THEIRS}, "does not bear"),
        (CONFIG_MAP, "default", {("ConfigMap", "a", "default"): {}}, "does not bear"),
        (CONFIG_MAP, "default", {("ConfigMap", "a", "default"): THEIRS}, "does not bear"),
        (namespace("shop"), "", {}, "in the namespace shop"),
        (namespace("plumbline-a"), "", {("Namespace", "plumbline-a", ""): {}}, "does not bear"),
        (namespace("default"), "", {("Namespace", "default", ""): {}}, "does not bear"),
        (
            namespace("plumbline-consent"),
            "",
            {("Namespace", "plumbline-consent", ""): {"labels": None}},
            "does not bear",
        ),
    ],
)
def test_anything_else_is_refused(document: Any, place: str, stored: Stored, why: str) -> None:
    with pytest.raises(ForeignError, match=why):
        bounds(stored).see_allowed(document, place)


def test_a_namespace_is_names_about_once() -> None:
    names: list[str] = []

    def get(_version: str, _kind: str, name: str, _namespace: str) -> dict[str, Any]:
        names.append(name)
        return {"metadata": OURS}

    confined = Confinement("a", CONSENT, get)
    for _ in range(3):
        confined.see_allowed(CONFIG_MAP, "plumbline-a")
    assert names == ["plumbline-a"]


def test_one_that_is_not_there_yet_is_names_about_again() -> None:
    stored: Stored = {}
    confined = bounds(stored)
    confined.see_allowed(CONFIG_MAP, "plumbline-a")
    stored["Namespace", "plumbline-a", ""] = THEIRS
    with pytest.raises(ForeignError):
        confined.see_allowed(CONFIG_MAP, "plumbline-a")


def test_programs_run_in_pods_of_ours_alone() -> None:
    pod = ("Pod", "p", "default")
    bounds({("Namespace", "plumbline-a", ""): OURS}).see_run("plumbline-a", "p")
    bounds({pod: OURS}).see_run("default", "p")
    with pytest.raises(ForeignError):
        bounds({pod: {}}).see_run("default", "p")
    for place in ("kube-system", "istio-system"):
        with pytest.raises(ForeignError):
            bounds().see_run(place, "p")


def test_what_is_made_bears_the_mark_and_a_namespace_its_end() -> None:
    template = {"metadata": {"labels": {"app": "a"}}}
    deployment = {"kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": template}}
    before, confined = copy.deepcopy(deployment), bounds()
    marked = confined.marked(deployment)
    assert deployment == before
    assert marked["metadata"]["labels"] == {MARK: HARNESS}
    assert marked["spec"]["template"]["metadata"]["labels"] == {"app": "a", MARK: HARNESS}
    until = confined.marked(namespace("plumbline-a"))["metadata"]["annotations"][UNTIL]
    hours = (datetime.fromisoformat(until) - datetime.now(UTC)).total_seconds() / 3600
    assert 1.9 < hours <= 2
    gateway = confined.marked({"kind": "Gateway", "metadata": {"name": "g"}})
    assert gateway["metadata"]["annotations"] == {"service-type": "ClusterIP"}


@given(
    kind=st.sampled_from(["ConfigMap", "Pod", "HTTPRoute"]),
    place=st.sampled_from(["", "default", "shop", "kube-system", "plumbline-a", "plumbline-b"]),
    mark=st.sampled_from([None, "", "another", HARNESS]),
)
def test_nothing_of_anybody_elses_is_ever_written(kind: str, place: str, mark: str | None) -> None:
    metadata: dict[str, Any] = {} if mark is None else {"labels": {MARK: mark}}
    stored = {
        (kind, "a", place): metadata,
        ("Namespace", "plumbline-a", ""): OURS,
        ("Namespace", "plumbline-b", ""): metadata,
    }
    ours = place == "plumbline-a" or (place in {"default", "plumbline-b"} and mark == HARNESS)
    document = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}}
    try:
        bounds(stored).see_allowed(document, place)
    except ForeignError:
        assert not ours
    else:
        assert ours


def test_the_labs_own_clusters_are_not_confined() -> None:
    own = Cluster(name="a", kubeconfig=Path("k"), context="c")
    free = confinement.of(own, lambda *_: None)
    assert isinstance(free, Unconfined)
    assert free.takes_over
    assert free.marked(CONFIG_MAP) == CONFIG_MAP
    free.see_allowed(CONFIG_MAP, "kube-system")
    free.see_run("kube-system", "p")
    confined = confinement.of(own.model_copy(update={"consent": CONSENT}), lambda *_: None)
    assert isinstance(confined, Confinement)
    assert not confined.takes_over
