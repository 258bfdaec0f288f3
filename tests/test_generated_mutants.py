"""Generated mutants: every field of a schema is tried, and what came of each is told."""

from __future__ import annotations

import copy
from typing import Any, cast

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.errors import MutantsError, RefusedError, UnreadError
from clusters.kube import Kube
from fixtures import manifests as m
from fixtures.behaviour import Behaviour
from fixtures.mutants import Mutant
from fixtures.mutants.generated import edits, pairs
from reports.kill_matrix import MutantRun
from suites.runs import generated_mutants, mutants
from suites.runs.generated_mutants import Generated, schema_of

MATCH = {"type": "object", "properties": {"exact": {"type": "string"}, "regex": {"type": "string"}}}
SPEC = {
    "type": "object",
    "properties": {
        "hosts": {"type": "array", "items": {"type": "string"}},
        "action": {"type": "string", "enum": ["ALLOW", "DENY"]},
        "strict": {"type": "boolean"},
        "weight": {"type": "integer"},
        "port": {"x-kubernetes-int-or-string": True},
        "rule": {
            "type": "object",
            "required": ["uri"],
            "properties": {
                "uri": MATCH,
                "headers": {"type": "object", "additionalProperties": MATCH},
            },
        },
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
SCHEMA = {"properties": {"spec": SPEC}}
DOCUMENT: dict[str, Any] = {
    "apiVersion": "example.org/v1",
    "kind": "Rule",
    "metadata": {"name": "a"},
    "spec": {"hosts": ["one", "two"], "weight": 90, "labels": {"app": "web"}, "action": "ALLOW"},
}
VALUES: dict[str, list[Any]] = {
    "uri": [{"exact": "/cart"}],
    "labels/*": [{"tier": "front"}],
    "hosts": ["*"],
}


def patched(patch: Any) -> dict[str, Any]:
    spec: dict[str, Any] = jsonpatch.apply_patch(copy.deepcopy(DOCUMENT), patch)["spec"]
    return spec


SPECS = [patched(edit.patch) for edit in edits(DOCUMENT, SCHEMA, VALUES)]


@pytest.mark.parametrize(
    "changes",
    [
        {"weight": 91},
        {"weight": 900},
        {"action": "DENY"},
        {"hosts": ["two"]},
        {"hosts": ["two", "one"]},
        {"hosts": ["one", "two", "*"]},
        {"hosts": ["onex", "two"]},
        {"labels": {"app": "web", "tier": "front"}},
        {"labels": {"app-x": "web"}},
        {"labels": {}},
        {"strict": True},
        {"strict": False},
        {"port": 80},
        {"rule": {"uri": {"exact": "/cart"}}},
        {"rule": {"uri": {"exact": "/cart"}, "headers": {"plumbline": {"exact": "plumbline"}}}},
    ],
)
def test_what_is_there_is_changed_and_what_is_allowed_is_added(changes: dict[str, Any]) -> None:
    assert {**DOCUMENT["spec"], **changes} in SPECS


def test_each_field_is_left_out_once() -> None:
    left_out = {key for key in DOCUMENT["spec"] for spec in SPECS if key not in spec}
    assert left_out == set(DOCUMENT["spec"])


def test_names_are_the_same_in_every_run_and_each_once() -> None:
    names = [edit.name for edit in edits(DOCUMENT, SCHEMA, VALUES)]
    assert names == [edit.name for edit in edits(DOCUMENT, SCHEMA, VALUES)]
    assert len(set(names)) == len(names)


def test_a_document_without_a_schema_is_changed_where_it_says_something() -> None:
    unguided = edits(DOCUMENT, {}, {})
    assert len(unguided) > 15
    assert all(patched(edit.patch) != DOCUMENT["spec"] for edit in unguided)


def test_a_field_without_a_value_that_means_something_is_not_made() -> None:
    without = edits(DOCUMENT, SCHEMA, {**VALUES, "strict": []})
    assert not any("strict" in patched(edit.patch) for edit in without)
    assert len(without) == len(SPECS) - 2


@given(st.integers(min_value=1, max_value=2**31))
def test_a_pair_makes_both_of_its_changes(seed: int) -> None:
    for pair in pairs(edits(DOCUMENT, SCHEMA, VALUES), seed):
        one, other = pair.patch[:1], pair.patch[1:]
        assert patched(pair.patch) not in (patched(one), patched(other), DOCUMENT["spec"])


def test_the_schema_is_that_of_the_documents_own_version() -> None:
    versions = [
        {"name": name, "schema": {"openAPIV3Schema": {"title": name}}} for name in ("v1", "v2")
    ]
    crd = {"spec": {"group": "example.org", "names": {"kind": "Rule"}, "versions": versions}}
    assert schema_of(DOCUMENT, [crd]) == {"title": "v1"}
    assert schema_of({**DOCUMENT, "kind": "Other"}, [crd]) == {}


class Cluster:
    """A cluster that has the CRD and takes no negative weight, nor an empty list of hosts."""

    def list(self, *_: str) -> list[dict[str, Any]]:
        version = {"name": "v1", "schema": {"openAPIV3Schema": SCHEMA}}
        names = {"kind": "Rule"}
        return [{"spec": {"group": "example.org", "names": names, "versions": [version]}}]

    def apply(self, document: dict[str, Any], _namespace: str, *, dry_run: bool) -> None:
        assert dry_run
        if document["spec"].get("weight", 0) > 100:
            raise RefusedError("a rule", seen="weight: over 100")

    def close(self) -> None:
        return


def meaning(_stem: str, document: dict[str, Any]) -> dict[str, Any]:
    """Only the hosts matter, in whichever order."""
    if "strict" in document["spec"]:
        raise UnreadError("a field that the oracle knows", seen="/spec/strict")
    return {"hosts": sorted(document["spec"].get("hosts", ()))}


def test_each_is_refused_or_equivalent_or_left_to_be_noticed(tmp_path: Any) -> None:
    behaviour: Behaviour[Any] = Behaviour(
        tmp_path, frozenset(), lambda *_: None, lambda _: (), documents=("rule",),
        meaning=cast("Any", meaning),
    )  # fmt: skip
    reference = m.Manifests({"rule": DOCUMENT}, {"rule": tmp_path / "rule.yaml"})
    parts = generated_mutants._of_behaviour(behaviour, reference, cast("Kube", Cluster()), seed=1)
    settled = {part.what: part.outcome for part in parts if isinstance(part, MutantRun)}
    to_run = {part.what for part in parts if not isinstance(part, MutantRun)}
    assert settled["replace /spec/weight: 900"] == "refused"
    assert settled["replace /spec/weight: 91"] == "equivalent"
    assert settled["move /spec/hosts/0 to the end"] == "equivalent"
    assert {"remove /spec/hosts", "add /spec/strict: true"} <= to_run


def test_a_sample_is_drawn_by_a_seed() -> None:
    generated = Generated(
        tuple(
            Mutant(name=f"a-{n}", suite="s", what="w", absent=True, generated=True)
            for n in range(50)
        ),
        (),
    )
    some = [each.name for each in generated.sample(10, 7).mutants]
    assert len(some) == 10
    assert some == [each.name for each in generated.sample(10, 7).mutants]
    assert some != [each.name for each in generated.sample(10, 8).mutants]


def test_a_name_that_there_is_none_of_is_refused() -> None:
    choice = mutants.Choice.of_user("no-such", everything=False, seed=1)
    with pytest.raises(MutantsError, match="no-such"):
        mutants.chosen(choice, Generated((), ()))
    choice = mutants.Choice.of_user("weights-85-15", everything=False, seed=1)
    (chosen,), _ = mutants.chosen(choice, Generated((), ()))
    assert chosen.name == "weights-85-15"
