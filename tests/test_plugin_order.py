"""What a session asks, of whom and in which order: workers, seeds, mutants, profiles."""

from __future__ import annotations

import pytest

from fixtures.mutants import Mutant, save
from tests import sessions
from tests.sessions import GREEN, Run, requirement

run = sessions.run
"""The session of pytest of its own."""

LANES = """
import os
import pathlib
from fixtures.plugin.requirements import requirement

def note(cluster, name):
    worker = os.environ["PYTEST_XDIST_WORKER"]
    pathlib.Path(f"{cluster}-{name}-{worker}").touch()

@requirement("A2", source="Kind/name")
def test_a2(judge, cluster):
    '''It holds.'''
    note(cluster, "a2")
    judge(ONE, lambda history: passed("held"))

@requirement("A3", source="Kind/name")
def test_a3(judge, cluster):
    '''It holds.'''
    note(cluster, "a3")
    judge(ONE, lambda history: passed("held"))
"""


def test_what_shares_a_cluster_runs_in_one_worker(run: Run) -> None:
    """With pytest 9.2 the groups of xdist 3.8 are dropped silently: see it, and not once more."""
    assert run(LANES, "-n", "2", "--dist", "loadgroup", apart=True).ret == 0
    for cluster in ("aws-cluster", "azure-cluster"):
        noted = [path.name for path in run.pytester.path.glob(f"{cluster}-*-gw*")]
        assert len(noted) == 2
        assert len({name.rpartition("-")[2] for name in noted}) == 1, noted


MANY = """
import pathlib

@pytest.mark.parametrize("n", range(12))
@requirement("A1", source="Kind/name")
def test_a1(judge, n):
    '''It holds.'''
    with pathlib.Path("order").open("a") as out:
        out.write(f"{n} ")
    judge(ONE, lambda history: passed("held"))
"""


def test_the_order_is_another_by_its_seed(run: Run) -> None:
    for seed in ("0", "1", "1", "2"):
        assert run(MANY, "--shuffle", seed).ret == 0
    numbers = (run.pytester.path / "order").read_text().split()
    orders = [numbers[start : start + 12] for start in range(0, 48, 12)]
    assert orders[0] == [str(n) for n in range(12)]
    assert orders[1] == orders[2]
    assert len({tuple(order) for order in orders}) == 3
    assert {tuple(sorted(order)) for order in orders} == {tuple(sorted(orders[0]))}


def test_a_requirement_is_chosen_by_its_id(run: Run) -> None:
    assert run(GREEN, "-k", "A1").ret == 0
    assert len(run.results.requirements) == 2
    assert run(GREEN, "-k", "A2").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_test_that_takes_a_control_plane_down_holds_its_cluster_alone(run: Run) -> None:
    suite = GREEN.replace("@requirement", "@pytest.mark.alone\n@requirement")
    body = """
    import fcntl, pathlib
    mode = fcntl.LOCK_SH | fcntl.LOCK_NB
    with pathlib.Path("locks", f"{cluster}.lock").open() as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, mode)
"""
    suite = suite.replace("    judge(", f"{body}    judge(")
    assert run(suite).ret == 0
    assert run(suite.replace("@pytest.mark.alone\n", "")).ret == 1


def test_a_fault_that_rolls_a_control_plane_is_asked_alone(run: Run) -> None:
    env = {"istio-system/istiod": {"NAME": "value"}}
    some = [
        Mutant(name="rolled", suite="shape", what="w", env=env, generated=True),
        Mutant(name="applied", suite="shape", what="w", absent=True, generated=True),
    ]
    save(some, run.pytester.path / "generated.json")
    body = """
    import fcntl, pathlib
    with pathlib.Path("locks", f"{cluster}.lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            judge.conclude(passed("alone"))
        else:
            judge.conclude(failed("not alone"))
"""
    tests = requirement(body.strip()).replace("(judge, cluster)", "(judge, cluster, mutant)")
    run(tests, "--mutants=rolled,applied", "--generated=generated.json")
    verdicts = {r.variant.rpartition("=")[2]: r.verdict for r in run.results.requirements}
    assert verdicts == {"rolled": "pass", "applied": "fail"}


def test_a_generated_mutant_that_was_noticed_is_asked_no_more(run: Run) -> None:
    generated = [
        Mutant(name=name, suite="shape", what=name, absent=True, generated=True)
        for name in ("noticed", "unnoticed")
    ]
    save(generated, run.pytester.path / "generated.json")
    # No lab stands behind this suite, so its tests read the name of the mutant alone.
    says = "passed('held') if 'unnoticed' in request.node.name else failed('seen')"
    one = requirement(f"judge(ONE, lambda h: {says})")
    other = requirement("judge(ONE, lambda h: passed('held'))").replace("A1", "A2")
    tests = f"{one}\n{other.replace('test_a1', 'test_a2')}"
    tests = tests.replace("(judge, cluster)", "(judge, cluster, request, mutant)")
    run(tests, "--mutants=noticed,unnoticed", "--generated=generated.json")
    verdicts = {(r.id, r.variant.rpartition("=")[2]): r.verdict for r in run.results.requirements}
    assert verdicts == {
        ("A1", "noticed"): "fail",
        ("A2", "noticed"): "skip",
        ("A1", "unnoticed"): "pass",
        ("A2", "unnoticed"): "pass",
    }


def test_a_generated_mutant_is_asked_first_what_its_own_document_is_asked(run: Run) -> None:
    mutant = Mutant(name="m", suite="shape", what="w", file="other", absent=True, generated=True)
    save([mutant], run.pytester.path / "generated.json")
    of_kind = requirement("judge(ONE, lambda h: passed('held'))")
    of_other = requirement("judge(ONE, lambda h: failed('seen'))").replace("A1", "A2")
    of_other = of_other.replace("test_a1", "test_a2").replace("Kind/name", "Other/name")
    tests = f"{of_kind}\n{of_other}".replace("(judge, cluster)", "(judge, cluster, mutant)")
    run(tests, "--mutants=m", "--generated=generated.json")
    verdicts = {requirement.id: requirement.verdict for requirement in run.results.requirements}
    assert verdicts == {"A2": "fail", "A1": "skip"}


def test_the_nightlys_requirements_are_asked_with_the_full_profile_alone(run: Run) -> None:
    long = requirement("judge.conclude(passed('seen'))").replace("A1", "A2")
    long = "@pytest.mark.nightly\n" + long.replace("test_a1", "test_a2")
    run(GREEN + long, "--profile", "core")
    assert {r.id for r in run.results.requirements} == {"A1"}
    run(GREEN + long, "--profile", "full")
    assert {r.id for r in run.results.requirements} == {"A1", "A2"}
