"""Mutants: every one fits, names requirements that there are, and is dealt out once."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

import suites
from clusters import capabilities
from clusters.errors import MutantsError
from clusters.objects import title
from fixtures import manifests as m
from fixtures import mutants
from fixtures.behaviour import SUPPORT, discover
from fixtures.lab import Lab
from fixtures.mutants import Mutant, kills
from fixtures.plugin import scheduling
from reports import kill_matrix as forms
from reports.publish import publish, report_of
from reports.render.terminal import show
from reports.schema import INTERRUPTED, Requirement, Status
from tests import samples

SUITES = sorted(path.parent for path in Path("suites").glob("*/mutants.yaml"))
EVERY = [mutant for suite in SUITES for mutant in mutants.catalogue(suite)]
REFERENCE = m.load()
# Requirements that no fault of a manifest can break, and why.
PROVEN_OTHERWISE = {
    "CS4": "draws in turn: see the catalogue",
    **dict.fromkeys(
        ("CA7", "CA8", "PR10", "TE6"), "fail as they are: known deviations, which are strict"
    ),
}


def asked(suite: Path) -> set[str]:
    """The requirements of a suite, by their markers."""
    texts = [path.read_text() for path in sorted(suite.glob("test_*.py"))]
    return {name for text in texts for name in re.findall(r'@requirement\("(\w+)"', text)}


def support(mutant: Mutant) -> list[dict[str, object]]:
    return m.support(
        Path("suites") / mutant.suite / SUPPORT,
        cluster="aws-cluster",
        namespace="n",
        example_address="240.240.0.1",
        nodes=["node"],
        images={"echo": "e", "locust": "l", "ratelimit": "r", "redis": "s"},
        programs_base64={},
        programs_digest="d",
        features=capabilities.FEATURES | capabilities.LEFT_ALONE.keys(),
        full=True,
    )


def test_there_are_as_many_as_were_asked_for() -> None:
    assert len(EVERY) >= 40
    assert len({(mutant.suite, mutant.name) for mutant in EVERY}) == len(EVERY)


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: f"{mutant.suite}/{mutant.name}")
def test_each_changes_something_and_names_requirements_of_its_suite(mutant: Mutant) -> None:
    assert set(mutant.kills) <= asked(Path("suites") / mutant.suite)
    if mutant.file and not mutant.not_applicable:
        assert mutant.manifests(REFERENCE).given(mutant.file) != REFERENCE.given(mutant.file)
    if mutant.support:
        (patched,) = mutant.supported(support(mutant))
        assert patched not in support(mutant)
        assert title(patched) == mutant.support


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_requirement_is_killed_by_some_mutant(suite: Path) -> None:
    killed = {name for mutant in mutants.catalogue(suite) for name in mutant.kills}
    assert asked(suite) - killed <= PROVEN_OTHERWISE.keys()


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
@pytest.mark.parametrize("clusters", [1, 2, 3])
def test_each_runs_in_one_cluster_with_the_reference_after_it(suite: Path, clusters: int) -> None:
    dealt = [mutants.dealt(mutants.catalogue(suite), place, clusters) for place in range(clusters)]
    runnable = [e.name for e in mutants.catalogue(suite) if not e.not_applicable]
    assert sorted(name for names in dealt for name in names[::2]) == sorted(runnable)
    for names in dealt:
        assert names[1::2] == [f"reference-after-{name}" for name in names[::2]]


def test_a_long_requirement_is_asked_only_to_kill() -> None:
    suite = Path("suites/canary_split")
    assert mutants.asks(mutants.catalogue(suite), "weights-85-15", "CS7", long=True)
    assert not mutants.asks(mutants.catalogue(suite), "weights-85-15", "CS8", long=True)
    assert mutants.asks(mutants.catalogue(suite), "weights-85-15", "CS1", long=False)
    assert not mutants.asks(mutants.catalogue(suite), "weights-85-15", "CS3", long=False)


def test_the_reference_is_asked_what_the_mutant_had_to_break() -> None:
    suite = Path("suites/canary_split")
    assert mutants.asks(
        mutants.catalogue(suite), "reference-after-weights-85-15", "CS1", long=False
    )
    assert not mutants.asks(
        mutants.catalogue(suite), "reference-after-weights-85-15", "CS3", long=False
    )
    assert not mutants.asks(
        mutants.catalogue(suite), "reference-after-weights-85-15", "CS7", long=True
    )


@pytest.mark.parametrize(
    "entry",
    [
        "- {name: a, what: w, file: httproute, absent: true}",
        "- {name: a, what: w, kills: [CS1]}",
        "- {name: a, what: w, kills: [CS1], file: httproute}",
        "- {name: a, what: w, kills: [CS1], patch: [{op: remove, path: /a}]}",
        "- {name: A b, what: w, kills: [CS1], file: httproute, absent: true}",
        "- {name: a, what: w, kills: [CS1], file: httproute, absent: true, colour: red}",
        "- &a {name: a, what: w, kills: [CS1], file: httproute, absent: true}\n- *a",
        "name: a",
    ],
)
def test_a_malformed_catalogue_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "mutants.yaml").write_text(entry)
    with pytest.raises(MutantsError):
        mutants.catalogue(tmp_path)


@pytest.mark.parametrize(
    ("entry", "seen"),
    [
        ("- {name: a, what: w, file: httproute, absent: true}", "kills: names no requirement"),
        ("- {name: a, what: w, kills: [CS1]}", "changes nothing"),
        (
            "- {name: a, what: w, kills: [CS1], patch: [{op: remove, path: /a}]}",
            "patch: goes with file or support",
        ),
    ],
)
def test_a_malformed_catalogue_says_what_is_wrong_and_where(
    tmp_path: Path, entry: str, seen: str
) -> None:
    path = tmp_path / "mutants.yaml"
    path.write_text(entry)
    with pytest.raises(MutantsError) as raised:
        mutants.catalogue(tmp_path)
    assert raised.value.expected == f"mutants in {path}"
    assert f"Value error, {seen} [" in raised.value.seen
    assert raised.value.look == f"$EDITOR {path}"


def test_names_that_are_there_twice_are_named(tmp_path: Path) -> None:
    names = ("a", "b", "c", "b", "a")
    entries = [f"- {{name: {name}, what: w, kills: [CS1], absent: true}}" for name in names]
    path = tmp_path / "mutants.yaml"
    path.write_text("\n".join(entries))
    with pytest.raises(MutantsError) as raised:
        mutants.catalogue(tmp_path)
    assert raised.value.expected == f"a name of its own for each mutant in {path}"
    assert raised.value.seen == "a, b"


def test_a_patch_that_does_not_fit_says_so() -> None:
    patch = ({"op": "remove", "path": "/spec/nowhere"},)
    mutant = Mutant(name="a", suite="s", what="w", kills=("CS1",), file="httproute", patch=patch)
    with pytest.raises(MutantsError, match="s/a to fit HTTPRoute/advanced-routing"):
        mutant.manifests(REFERENCE)


def mutant(**fields: object) -> Mutant:
    return Mutant.model_validate(
        {"name": "a", "suite": "s", "what": "w", "kills": ["CS1"], **fields}
    )


def test_a_patch_that_does_not_fit_says_where_to_look() -> None:
    unfit = mutant(file="httproute", patch=[{"op": "remove", "path": "/spec/nowhere"}])
    with pytest.raises(MutantsError) as raised:
        unfit.manifests(REFERENCE)
    assert raised.value.expected == "the patch of s/a to fit HTTPRoute/advanced-routing"
    assert "nowhere" in raised.value.seen
    assert raised.value.look == "$EDITOR suites/s/mutants.yaml"


def test_a_patch_leaves_the_reference_as_it_is() -> None:
    before = REFERENCE.given("httproute").document
    patch = [{"op": "replace", "path": "/metadata/name", "value": "another"}]
    patched = mutant(file="httproute", patch=patch).manifests(REFERENCE).given("httproute")
    assert title(patched.document) == "HTTPRoute/another"
    assert (patched.origin, patched.absent) == ("mutant a", False)
    assert REFERENCE.given("httproute").document == before
    assert title(before) == "HTTPRoute/advanced-routing"


def test_what_is_left_out_or_applied_elsewhere_is_not_applied_in_its_place() -> None:
    document = REFERENCE.given("httproute").document
    extra = {"kind": "ConfigMap", "metadata": {"name": "x"}}
    gone = mutant(file="httproute", absent=True)
    moved = mutant(file="httproute", elsewhere="other", extra=[extra])
    for each in (gone, moved):
        route = each.manifests(REFERENCE).given("httproute")
        assert (route.document, route.origin, route.absent) == (document, "mutant a", True)
    assert gone.beside(REFERENCE) == []
    assert moved.beside(REFERENCE) == [(document, "other"), (extra, "")]
    assert mutant(extra=[extra]).manifests(REFERENCE) == REFERENCE


def test_only_the_document_that_is_named_is_patched() -> None:
    patch = [{"op": "add", "path": "/data", "value": "new"}]
    documents = [{"kind": "ConfigMap", "metadata": {"name": name}} for name in ("a", "b")]
    patched = mutant(support="ConfigMap/b", patch=patch).supported(documents)
    assert patched == [{"kind": "ConfigMap", "metadata": {"name": "b"}, "data": "new"}]
    assert mutant(file="httproute", patch=patch).supported(documents) == []


def test_a_mutant_that_is_not_there_is_told_from_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(MutantsError) as raised:
        mutants.named(mutants.catalogue(tmp_path), "b")
    assert raised.value.expected == "a mutant b"
    assert raised.value.seen == "none"
    other = tmp_path / "other"
    other.mkdir()
    entry = "- {{name: {name}, what: w, kills: [CS1], absent: true}}\n"
    (other / "mutants.yaml").write_text(entry.format(name="a") + entry.format(name="c"))
    with pytest.raises(MutantsError) as raised:
        mutants.named(mutants.catalogue(other), "b")
    assert raised.value.seen == "a, c"
    assert raised.value.look == "grep name: suites/*/mutants.yaml"
    assert mutants.named(mutants.catalogue(other), "c").name == "c"


def test_mutants_of_a_cluster_share_its_scope() -> None:
    test = "suites/canary_split/test_canary_split.py::test_nine_to_one"
    plain = scheduling.scope_of(f"{test}[aws-cluster]")
    assert plain == scheduling.scope_of(f"{test}[aws-cluster-mutant=a-b]")
    assert plain != scheduling.scope_of(f"{test}[azure-cluster-mutant=a-b]")
    joint = "suites/cross_cluster_policy/test_x.py::test_y"
    assert scheduling.scope_of(joint) == scheduling.scope_of(f"{joint}[mutant=a]")


def told(
    requirement: str, mutant: str, verdict: Status, cluster: str = "aws-cluster"
) -> Requirement:
    variant = f"{cluster}-mutant={mutant}"
    return samples.requirement(verdict, id=requirement, variant=variant, suite="canary_split")


def made(*requirements: Requirement) -> forms.KillMatrix:
    results = samples.results(requirements)
    results = results.model_copy(update={"ended": results.began + timedelta(minutes=3)})
    killer = Mutant(
        name="m",
        suite="canary_split",
        what="w",
        kills=("CS1", "CS2"),
        file="httproute",
        absent=True,
    )
    listed = Mutant(name="l", suite="canary_split", what="w", not_applicable="no field asks for it")
    return kills.matrix(results, [killer, listed])


def not_offered(requirement: str, mutant: str) -> Requirement:
    reason = "not offered: no kernel has it"
    return told(requirement, mutant, "skip").model_copy(
        update={"needs": "encryption", "reason": reason}
    )


def test_a_mutant_of_what_no_cluster_offers_is_not_applicable() -> None:
    every = [not_offered(name, at) for name in ("CS1", "CS2") for at in ("m", "reference-after-m")]
    matrix = made(*every, told("CS3", "reference-after-o", "pass"))
    entry = matrix.entries[0]
    assert (entry.outcome, entry.reason) == ("not applicable", "not offered: no kernel has it")
    assert not entry.cells
    assert (matrix.references, matrix.reference_red) == (1, ())


def test_a_mutant_of_which_something_can_be_asked_must_be_noticed() -> None:
    noticed = made(not_offered("CS1", "m"), told("CS2", "m", "fail"))
    assert noticed.entries[0].outcome == "killed"
    missed = made(not_offered("CS1", "m"), told("CS2", "m", "pass"))
    assert (missed.entries[0].outcome, missed.entries[0].reason) == ("survived", "CS2: pass")
    skipped = made(not_offered("CS1", "m"), told("CS2", "m", "skip"))
    assert skipped.entries[0].outcome == "survived"


def test_a_mutant_is_killed_when_all_that_must_fail_did() -> None:
    matrix = made(
        told("CS1", "m", "fail"),
        told("CS2", "m", "fail"),
        told("CS3", "m", "pass"),
        told("CS1", "reference-after-m", "pass"),
    )
    killed, listed = matrix.entries
    assert (killed.outcome, killed.cluster) == ("killed", "aws-cluster")
    assert (listed.outcome, listed.reason) == ("not applicable", "no field asks for it")
    assert matrix.proven
    assert matrix.headline.startswith("1 killed, 0 survived, 1 not applicable; the reference was")
    assert matrix.references == 1


def test_the_terminal_tells_of_survivors_and_has_no_table_of_nothing() -> None:
    killed = [told(name, "m", "fail") for name in ("CS1", "CS2")]
    for matrix, survived in ((made(*killed), False), (made(told("CS1", "m", "pass")), True)):
        out = io.StringIO()
        show(report_of(matrix), Path("run"), Console(file=out, width=100))
        assert ("canary_split/m" in out.getvalue()) == survived
        assert "Requirement" not in out.getvalue()


def test_a_matrix_tells_of_its_run_and_of_each_verdict() -> None:
    red = told("CS1", "m", "fail")
    long = told("CS2", "m", "fail").model_copy(update={"reason": "x" * 401})
    joint = told("MR1", "m", "pass").model_copy(update={"suite": "mobile_routing"})
    plain = samples.requirement("pass", id="CS1", variant="aws-cluster")
    after = told("CS1", "reference-after-m", "fail")
    matrix = made(red, long, joint, plain, after, told("CS2", "reference-after-m", "pass"))
    results = samples.results(())
    assert (matrix.run, matrix.train, matrix.machine) == (
        results.run,
        results.train,
        results.machine,
    )
    assert (matrix.seconds, matrix.references) == (180.0, 2)
    assert matrix.reference_red == (
        forms.Cell(
            requirement="CS1", verdict="fail", reason=f"reference-after-m: {after.reason}"[:400]
        ),
    )
    killed, listed = matrix.entries
    assert killed == forms.MutantRun(
        name="m",
        suite="canary_split",
        cluster="aws-cluster",
        what="w",
        kills=("CS1", "CS2"),
        outcome="killed",
        cells=(
            forms.Cell(requirement="CS1", verdict="fail", reason=red.reason),
            forms.Cell(requirement="CS2", verdict="fail", reason="x" * 400),
        ),
    )
    assert (listed.cluster, listed.cells) == ("", ())


def test_a_mutant_of_a_joint_suite_is_of_no_cluster() -> None:
    joint = told("CS1", "m", "pass").model_copy(update={"variant": "mutant=m"})
    assert made(joint).entries[0].cluster == ""
    assert made(joint).entries[0].reason == "CS1: pass, CS2: not asked"


@pytest.mark.parametrize("verdict", ["pass", "inconclusive", "skip"])
def test_a_mutant_survives_when_one_that_must_fail_did_not(verdict: Status) -> None:
    matrix = made(told("CS1", "m", "fail"), told("CS2", "m", verdict))
    assert matrix.entries[0].outcome == "survived"
    assert matrix.entries[0].reason == f"CS2: {verdict}"
    assert not matrix.proven


def test_a_mutant_that_was_not_run_has_survived() -> None:
    matrix = made(told("CS1", "m", "fail"))
    assert matrix.entries[0].reason == "CS2: not asked"
    assert not made().proven


def test_what_an_interrupted_run_had_not_come_to_has_not_survived() -> None:
    cut = told("CS2", "m", "inconclusive").model_copy(update={"reason": INTERRUPTED})
    reference = told("CS1", "reference-after-m", "inconclusive")
    after = reference.model_copy(update={"reason": INTERRUPTED})
    matrix = made(told("CS1", "m", "fail"), cut, after)
    assert matrix.entries[0].outcome == "not run"
    assert not matrix.reference_red
    assert not matrix.proven
    assert "1 not run" in matrix.headline


def generated(*requirements: Requirement) -> forms.MutantRun:
    mutant = Mutant(
        name="g", suite="canary_split", what="w", file="httproute", absent=True, generated=True
    )
    return kills.entry(mutant, requirements)


def cut(requirement: str) -> Requirement:
    """What an interrupted run had not come to."""
    return told(requirement, "g", "inconclusive").model_copy(update={"reason": INTERRUPTED})


def test_a_generated_mutant_is_killed_by_any_failure() -> None:
    run = generated(told("CS1", "g", "pass"), told("CS2", "g", "fail"), told("CS3", "g", "skip"))
    assert (run.outcome, run.reason) == ("killed", "")
    assert [cell.requirement for cell in run.cells] == ["CS1", "CS2"]
    assert generated(cut("CS1"), told("CS2", "g", "fail")).outcome == "killed"


@pytest.mark.parametrize("verdict", ["pass", "inconclusive"])
def test_a_generated_mutant_survives_what_does_not_fail(verdict: Status) -> None:
    run = generated(told("CS1", "g", verdict), told("CS2", "g", "pass"))
    assert (run.outcome, run.reason, len(run.cells)) == ("survived", "no requirement failed", 2)
    assert (generated().outcome, generated().reason) == ("survived", "not asked")


def test_a_generated_mutant_that_an_interrupted_run_did_not_finish_was_not_run() -> None:
    run = generated(told("CS1", "g", "pass"), cut("CS2"))
    assert (run.outcome, run.reason, run.cells) == ("not run", INTERRUPTED, ())


def test_a_red_reference_proves_nothing() -> None:
    matrix = made(
        told("CS1", "m", "fail"),
        told("CS2", "m", "fail"),
        told("CS1", "reference-after-m", "inconclusive"),
    )
    assert not matrix.proven
    assert matrix.reference_red[0].reason.startswith("reference-after-m: ")


def test_the_forms_tell_the_matrix(tmp_path: Path) -> None:
    matrix = made(told("CS1", "m", "fail"), told("CS2", "m", "pass"))
    publish(matrix, tmp_path / "run")
    assert (tmp_path / "mutants").resolve() == tmp_path / "run"
    loaded = forms.KillMatrix.model_validate_json((tmp_path / "run" / "mutants.json").read_text())
    assert loaded == matrix
    assert (
        "| m | w (aws-cluster) | **❌** | **✅** | survived: CS2: pass |"
        in (tmp_path / "run" / "mutants.md").read_text()
    )
    page = (tmp_path / "run" / "mutants.html").read_text()
    assert "Not every fault was noticed" in page
    assert "no field asks for it" in page
    assert "CS2: pass" in page


@pytest.mark.parametrize(
    ("place", "disturbed"),
    [("", ["aws-cluster", "azure-cluster"]), ("azure-cluster", ["azure-cluster"])],
)
def test_a_fault_is_in_its_cluster_alone(
    place: str, disturbed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[str] = []
    monkeypatch.setattr(Lab, "kube", lambda _, name: name)
    monkeypatch.setattr(Lab, "_disturb", lambda *words: places.append(words[-1]))
    lab = Lab.__new__(Lab)
    lab.manifests = REFERENCE
    fault = {"kills": ("A1",), "replicas": {"n/d": 0}, "cluster": place}
    mutant = Mutant.model_validate({"name": "m", "suite": "s", "what": "w", **fault})
    with lab.mutated(discover(suites)[0], mutant, ["aws-cluster", "azure-cluster"]):
        assert places == disturbed
