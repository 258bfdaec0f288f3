"""Procedures: steps in their order, the way back when one fails, and several side by side."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from rich.console import Console

from clusters.errors import NotReadyError
from clusters.procedure import Step, check, complete, perform, side_by_side
from clusters.progress import Progress


class Log(list[str]):
    """What was done, in order."""

    def step(
        self, name: str, component: str = "cilium", *, fails: bool = False, stuck: bool = False
    ) -> Step:
        def do() -> None:
            self.append(f"do {name}")
            if fails:
                raise NotReadyError(f"{name} ready", seen="it is not")

        def undo() -> None:
            self.append(f"undo {name}")
            if stuck:
                raise NotReadyError(f"{name} away", seen="it is still there")

        return Step(name, component, "aws-cluster", do, undo)

    @contextmanager
    def around(self, step: Step) -> Iterator[None]:
        self.append(f"in {step.name}")
        yield
        self.append(f"out {step.name}")


def test_steps_are_taken_in_order_and_each_is_told_of() -> None:
    log = Log()
    performed = list(perform([log.step("a"), log.step("b", "istio")], log.around))
    assert log == ["in a", "do a", "out a", "in b", "do b", "out b"]
    assert [(each.step.name, each.outcome, each.note) for each in performed] == [
        ("a", "done", ""),
        ("b", "done", ""),
    ]


def test_a_failed_step_takes_its_component_back_and_ends_it() -> None:
    log = Log()
    steps = [log.step("crds", "gateway-api"), log.step("a"), log.step("b", fails=True)]
    performed = list(perform([*steps, log.step("never", "istio")], log.around))
    assert log[-5:] == ["do b", "in cilium taken back", "undo b", "undo a", "out cilium taken back"]
    assert "undo crds" not in log
    assert [each.outcome for each in performed] == ["done", "done", "failed", "rolled back"]
    assert [each.note for each in performed[-2:]] == [
        "b ready: it is not", "cilium is as it was before",
    ]  # fmt: skip
    assert (performed[-1].step.component, performed[-1].step.cluster) == ("cilium", "aws-cluster")


def test_a_way_back_that_fails_is_told() -> None:
    log = Log()
    failed, back = perform([log.step("a", fails=True, stuck=True)], log.around)
    assert (failed.outcome, failed.note) == ("failed", "a ready: it is not")
    assert (back.step.name, back.outcome) == ("cilium taken back", "failed")
    assert back.note == "a away: it is still there"


def test_an_error_that_is_none_of_ours_is_not_hidden() -> None:
    def broken() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        list(perform([Step("a", "cilium", "c", broken)], Log().around))


def test_jobs_run_side_by_side_and_answer_in_order() -> None:
    meet = threading.Barrier(2, timeout=10)

    def job(name: str) -> str:
        meet.wait()
        return name

    assert side_by_side([lambda: job("a"), lambda: job("b")]) == ["a", "b"]
    assert side_by_side([]) == []


def test_an_error_is_raised_when_all_have_ended() -> None:
    slow, ended = threading.Event(), threading.Event()

    def fails() -> None:
        slow.set()
        raise ZeroDivisionError

    def lasts() -> None:
        assert slow.wait(10)
        ended.set()

    with pytest.raises(ZeroDivisionError):
        side_by_side([fails, lasts])
    assert ended.is_set()


def step(name: str, *needs: str, cluster: str = "a", estimate: float = 0) -> Step:
    return Step(name, "c", cluster, lambda: None, needs=needs, estimate=estimate)


def test_a_step_before_one_that_it_needs_is_refused_and_nothing_is_done() -> None:
    log = Log()
    wrong = [log.step("a"), step("charts", "node"), step("node")]
    with pytest.raises(ValueError, match="charts needs node"):
        perform(wrong, log.around)
    with pytest.raises(ValueError, match="charts needs node"):
        complete([[log.step("b")], wrong], log.around)
    assert log == []


def test_what_a_step_needs_may_be_another_clusters_or_nobodys_here() -> None:
    check([step("charts", "node"), step("node", cluster="b")])
    check([step("charts", "of another procedure")])
    check([step("node"), step("charts", "node")])


def test_procedures_are_taken_side_by_side_to_their_ends() -> None:
    meet, log = threading.Barrier(2, timeout=30), Log()

    def waits() -> None:
        meet.wait()

    both = [Step("meet", "c", name, waits) for name in "ab"]
    complete([[each, log.step("after")] for each in both], lambda _: nullcontext())
    assert log == ["do after"] * 2


def test_one_that_fails_undoes_nothing_and_is_raised_when_the_others_are_done() -> None:
    log = Log()
    failing = [log.step("a"), log.step("b", fails=True), log.step("never")]
    with pytest.raises(NotReadyError, match="b ready"):
        complete([failing, [log.step("other")]], lambda _: nullcontext())
    assert sorted(log) == ["do a", "do b", "do other"]


def test_a_steps_estimate_is_told_until_it_was_timed(tmp_path: Path) -> None:
    out = io.StringIO()
    progress = Progress(tmp_path / "estimates.json", Console(file=out, width=200))
    steps = [step("node", estimate=14), step("charts")]
    progress.expect_steps(steps)
    for _ in "12":
        complete([steps], progress.time_step)
    assert out.getvalue().count("a: node (about 14 s)") == 1
    assert [(s.cluster, s.name) for s in progress.stages] == [("a", "node"), ("a", "charts")] * 2
