"""The plugin: requirements off the tests, verdicts into results.json, with workers and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters import versions
from clusters.models import Machine
from clusters.topology import Cluster, Topology
from fixtures.mutants import Mutant, save
from reports import publish
from reports.reading import FILE
from reports.schema import Results

HEAD = """
import pytest
from clusters.errors import NotReadyError, WrongManifestError
from fixtures.history import Exchange, History
from fixtures.plugin.requirements import requirement
from fixtures.history.verdict import failed, inconclusive, passed

ONE = History([Exchange(stream="s", seq=0, caller="c", cluster="k", identity="i",
                        sent=0, received=1, url="http://x/", status=200)])
"""
KNOWN = versions.Deviation(requirement="A2", reason="It takes both.", issue="RFC 9112, 3.2")
PACKAGE = """
from pathlib import Path
from fixtures.behaviour import Behaviour

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset(FEATURES),
    in_force=lambda lab, cluster: None,
    probes=lambda subject: (),
)
"""
GREEN = """
@requirement("A1", source="Kind/name")
def test_a1(judge, cluster):
    '''It holds. It is not asked why.'''
    judge(ONE, lambda history: passed("held", n=len(history)))
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.delenv("MANIFESTS", raising=False)
    run = Run(pytester)
    # Sessions within this process save their results and draw nothing; those apart do.
    monkeypatch.setattr(publish, "publish", run.publish)
    return run


class Run:
    """A session of pytest of its own, over a topology of two clusters that are not there.

    Within this process where that will do, as a process of its own takes ten times as long.
    """

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.published = 0

    def __call__(
        self,
        text: str,
        *arguments: str,
        apart: bool = False,
        package: str = PACKAGE,
        deviations: tuple[versions.Deviation, ...] = (),
    ) -> pytest.RunResult:
        known = topology(self.pytester.path).model_copy(update={"deviations": deviations})
        known.save(self.pytester.path / "topology.json")
        folder = self.pytester.path / "shape"
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").write_text(package.replace("FEATURES", '{"istio"}'))
        (folder / "test_shape.py").write_text(HEAD + text)
        run = self.pytester.runpytest_subprocess if apart else self.pytester.runpytest_inprocess
        return run(
            *(
                "-p",
                "fixtures.plugin.options",
                "-p",
                "fixtures.plugin.reporting",
                "-p",
                "fixtures.plugin.session",
            ),
            *("-p", "no:cacheprovider", "-p", "no:locust"),
            # Told what it is about, Hypothesis loads all of itself to say that nothing was.
            *("-p", "no:hypothesispytest", "-p", "no:anyio"),
            *("--topology", "topology.json", "--out", "out", *arguments),
        )

    def publish(self, results: Results, out: Path) -> None:
        self.published += 1
        results.save(out / FILE)

    @property
    def results(self) -> Results:
        return Results.load(self.pytester.path / "out" / "results.json")

    def only(self) -> tuple[str, str]:
        """Verdict and reason, the same in both clusters."""
        ((verdict, reason),) = {(r.verdict, r.reason) for r in self.results.requirements}
        return verdict, reason


def topology(folder: Path) -> Topology:
    clusters = tuple(
        Cluster(
            name=name,
            kubeconfig=folder / "absent",
            context=name,
            features=frozenset({"default-namespace", "istio", "two-nodes"}),
            not_offered={"encryption": "no kernel here has it"},
        )
        for name in ("aws-cluster", "azure-cluster")
    )
    machine = Machine(cpu="c", cores=2, memory_bytes=1, kernel="k", system="s")
    return Topology(
        run="up",
        provider="kind",
        train="2026-08",
        versions={"istio": "1"},
        deadlines=versions.load("2026-08").deadlines,
        clusters=clusters,
        images=(),
        machine=machine,
        stages=(),
    )


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


def requirement(body: str) -> str:
    return (
        '@requirement("A1", source="Kind/name")\n'
        f"def test_a1(judge, cluster):\n    '''It holds.'''\n    {body}\n"
    )


@pytest.mark.parametrize("workers", [(), ("-n", "2", "--dist", "loadgroup")])
def test_each_cluster_is_asked_and_the_results_are_written(run: Run, workers: tuple[str]) -> None:
    result = run(GREEN, *workers, apart=bool(workers))
    assert result.ret == 0
    assert run.results.status == "passed"
    assert [r.key for r in run.results.requirements] == ["A1[aws-cluster]", "A1[azure-cluster]"]
    entry = run.results.requirements[0]
    assert (entry.suite, entry.source, entry.sentence) == ("shape", "Kind/name", "It holds.")
    assert entry.test == "shape/test_shape.py::test_a1[aws-cluster]"
    assert entry.numbers == {"n": 1}
    assert len((run.pytester.path / "out" / entry.history).read_text().splitlines()) == 1
    assert {(s.name, s.cluster) for s in run.results.stages} == {
        ("shape", "aws-cluster"),
        ("shape", "azure-cluster"),
    }


@pytest.mark.parametrize(
    ("body", "verdict", "reason"),
    [
        ("judge(ONE, lambda h: failed('a leak'))", "fail", "a leak"),
        ("judge(ONE, lambda h: inconclusive('starved'))", "inconclusive", "starved"),
        ("judge.conclude(passed('seen'))", "pass", "seen"),
        ("pytest.skip('no kernel')", "skip", "no kernel"),
        ("pass", "fail", "nothing was judged"),
        (
            "raise NotReadyError('a pod', seen='none', look='kubectl')",
            "inconclusive",
            "expected: a pod\nseen:     none\nlook:     kubectl",
        ),
        (
            "raise WrongManifestError('a route in force', seen='Regex: invalid')",
            "fail",
            "expected: a route in force\nseen:     Regex: invalid",
        ),
        ("raise OSError('cut')", "inconclusive", "OSError: cut"),
        ("{}['backendRefs']", "inconclusive", "KeyError: 'backendRefs'"),
    ],
)
def test_what_ends_a_test_is_its_verdict(run: Run, body: str, verdict: str, reason: str) -> None:
    result = run(requirement(body))
    assert run.only() == (verdict, reason)
    assert result.ret == (0 if verdict == "pass" else 1)


def test_who_calls_pytest_gets_a_report_unless_it_draws_one_itself(run: Run) -> None:
    text = requirement("judge(ONE, lambda h: failed('a leak'))")
    assert run(text).ret == 1
    assert run.published == 1
    (run.pytester.path / "out" / FILE).unlink()
    assert run(text, "--no-report").ret == 1
    assert run.published == 1
    assert run.only() == ("fail", "a leak")


def test_an_assertion_is_a_failure(run: Run) -> None:
    run(requirement("assert len(ONE) == 2"))
    assert run.only()[0] == "fail"


def test_inconclusive_is_told_from_a_failure_on_the_terminal(run: Run) -> None:
    result = run(requirement("judge(ONE, lambda h: inconclusive('starved'))"))
    result.stdout.fnmatch_lines(["*inconclusive, the environment: starved*"])


def test_the_history_is_saved_before_it_is_judged(run: Run) -> None:
    run(requirement("judge(ONE, lambda h: 1 / 0)"))
    verdict, _ = run.only()
    assert verdict == "inconclusive"
    assert all((run.pytester.path / "out" / r.history).exists() for r in run.results.requirements)


def test_a_second_verdict_is_an_error(run: Run) -> None:
    run(requirement("judge.conclude(passed('a')); judge.conclude(passed('b'))"))
    assert run.only()[0] != "pass"


def test_a_set_up_that_fails_is_inconclusive(run: Run) -> None:
    broken = "@pytest.fixture\ndef lab2():\n    raise NotReadyError('a', seen='b')\n"
    run(broken + requirement("").replace("cluster)", "cluster, lab2)").replace("    \n", ""))
    assert run.only()[0] == "inconclusive"


def test_a_tear_down_that_fails_turns_a_pass_red(run: Run) -> None:
    broken = "@pytest.fixture\ndef lab2():\n    yield\n    raise NotReadyError('a', seen='b')\n"
    run(broken + GREEN.replace("cluster)", "cluster, lab2)"))
    assert run.only()[0] == "inconclusive"


def test_a_skip_is_red_with_the_full_profile_only(run: Run) -> None:
    text = GREEN + requirement("pytest.skip('no kernel')").replace("1", "2")
    assert run(text).ret == 1
    assert run(text, "--profile", "quick").ret == 0
    assert run.results.status == "passed"


def test_a_suite_of_what_no_cluster_offers_is_red_unless_that_is_explained(run: Run) -> None:
    result = run(GREEN, package=PACKAGE.replace("FEATURES", '{"istio", "gateway-api"}'))
    assert run.only() == ("fail", "aws-cluster neither offers gateway-api nor says why not")
    assert result.ret == 1
    run(GREEN, package=PACKAGE.replace("FEATURES", '{"istio", "encryption"}'))
    assert run.only() == ("skip", "not offered: no kernel here has it")
    assert {each.needs for each in run.results.requirements} == {"encryption"}


@pytest.mark.parametrize(
    ("needs", "verdict", "reason"),
    [
        ("two-nodes", "pass", "seen"),
        ("encryption", "skip", "not offered: no kernel here has it"),
        ("cache", "fail", "aws-cluster neither offers cache nor says why not"),
    ],
)
def test_what_a_requirement_needs_is_offered_or_explained(
    run: Run, needs: str, verdict: str, reason: str
) -> None:
    needing = requirement("judge.conclude(passed('seen'))").replace("A1", "A2")
    needing = needing.replace("test_a1", "test_a2").replace('name")', f'name", needs="{needs}")')
    assert run(GREEN + needing).ret == (verdict == "fail")
    of_one = [r for r in run.results.requirements if r.key == "A2[aws-cluster]"]
    assert [(r.verdict, r.reason) for r in of_one] == [(verdict, reason)]
    assert [r.needs for r in of_one] == [needs if verdict == "skip" else ""]


def test_another_skip_of_what_needs_something_is_red(run: Run) -> None:
    skipping = requirement("pytest.skip('too slow')").replace('name")', 'name", needs="two-nodes")')
    assert run(GREEN.replace("1", "2") + skipping).ret == 1


def test_a_package_that_states_no_behaviour_is_a_usage_error(run: Run) -> None:
    result = run(GREEN, package="")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "BEHAVIOUR in the package of shape.test_shape" in result.stdout.str()


@pytest.mark.parametrize("workers", [(), ("-n", "2", "--dist", "loadgroup")])
def test_an_interrupted_run_says_so(run: Run, workers: tuple[str]) -> None:
    body = "import os, signal; os.kill({}, signal.SIGTERM); import time; time.sleep(30)"
    controller = "os.getppid()" if workers else "os.getpid()"
    text = requirement(body.format(controller)).replace("cluster)", "cluster)", 1)
    result = run(text, *workers, apart=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert run.results.status == "interrupted"
    assert run.results.exit_status == 1
    assert {r.verdict for r in run.results.requirements} == {"inconclusive"}


def test_a_worker_that_dies_leaves_an_inconclusive_entry(run: Run) -> None:
    text = requirement("import os; os._exit(3)")
    result = run(text, "-n", "1", "--dist", "loadgroup", "--max-worker-restart", "0", apart=True)
    assert result.ret == 1
    assert run.only() == ("inconclusive", "its test never ended")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GREEN + GREEN.replace("test_a1", "test_a2"), "is asked twice"),
        (GREEN.replace("'''It holds. It is not asked why.'''", ""), "docstring is its sentence"),
        (GREEN.replace('"A1", source="Kind/name"', '"", source=""'), "expected @requirement"),
    ],
)
def test_a_malformed_requirement_is_a_usage_error(run: Run, text: str, complaint: str) -> None:
    result = run(text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert complaint in result.stderr.str()
    assert not (run.pytester.path / "out" / "results.json").exists()


@pytest.mark.parametrize("option", ["--topology", "--manifests"])
def test_a_missing_file_is_a_usage_error(run: Run, option: str) -> None:
    result = run(GREEN, option, "absent")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "absent" in result.stderr.str()


def test_the_users_manifests_are_named_in_the_results(run: Run) -> None:
    own = run.pytester.mkdir("own")
    reference = Path(__file__).parents[1] / "fixtures/manifests/reference/gateway.yaml"
    (own / "gateway.yaml").write_bytes(reference.read_bytes())
    run(GREEN, "--manifests", "own")
    assert run.results.manifests == str(own)
    assert "gateway.yaml" in run.results.notes[-3]


def test_tests_that_ask_no_requirement_leave_nothing_behind(run: Run) -> None:
    assert run("def test_plain():\n    pass\n").ret == 0
    assert not (run.pytester.path / "out").exists()


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


@pytest.mark.parametrize(
    ("body", "verdict", "ret"),
    [
        ("judge.conclude(failed('both fields'))", "skip", 0),
        ("judge.conclude(passed('refused'))", "fail", 1),
        ("judge.conclude(inconclusive('silence'))", "inconclusive", 1),
    ],
)
def test_a_known_deviation_is_red_once_it_is_none(
    run: Run, body: str, verdict: str, ret: int
) -> None:
    known = requirement(body).replace("A1", "A2").replace("test_a1", "test_a2")
    assert run(GREEN + known, deviations=(KNOWN,)).ret == ret
    entries = [r for r in run.results.requirements if r.id == "A2"]
    assert [r.verdict for r in entries] == [verdict] * len(entries)
    assert {r.deviation for r in entries} == {KNOWN.text if verdict == "skip" else ""}
    if verdict == "fail":
        assert "seen: refused" in entries[0].reason


def test_the_nightlys_requirements_are_asked_with_the_full_profile_alone(run: Run) -> None:
    long = requirement("judge.conclude(passed('seen'))").replace("A1", "A2")
    long = "@pytest.mark.nightly\n" + long.replace("test_a1", "test_a2")
    run(GREEN + long, "--profile", "core")
    assert {r.id for r in run.results.requirements} == {"A1"}
    run(GREEN + long, "--profile", "full")
    assert {r.id for r in run.results.requirements} == {"A1", "A2"}
