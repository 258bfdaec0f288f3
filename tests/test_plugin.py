"""The plugin: requirements off the tests, verdicts into results.json, with workers and without."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from clusters import versions
from fixtures.plugin.record import Record
from fixtures.plugin.requirements import load_asked
from reports.reading import FILE
from tests import sessions
from tests.sessions import GREEN, PACKAGE, Run, requirement

run = sessions.run
"""The session of pytest of its own."""

KNOWN = versions.Deviation(requirement="A2", reason="It takes both.", issue="RFC 9112, 3.2")


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


def test_what_had_ended_outlives_a_session_that_is_killed(run: Run) -> None:
    killed = requirement("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    result = run(GREEN + killed.replace("1", "2"), apart=True)
    assert result.ret == -signal.SIGKILL
    out = run.pytester.path / "out"
    assert not (out / FILE).exists()
    kept = Record.of(out).entries.values()
    assert [(each.key, each.verdict) for each in kept] == [("A1[aws-cluster]", "pass")]
    assert {one.id for one in load_asked(out)} == {"A1", "A2"}


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
