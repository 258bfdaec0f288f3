"""Upgrading: steps in their order, and the way back when one fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clusters import upgrading, versions
from clusters.errors import NotReadyError, UpgradeError
from clusters.upgrading import Step, perform
from clusters.versions import COMPONENTS


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
    told = list(perform([log.step("a"), log.step("b", "istio")], log.around))
    assert log == ["in a", "do a", "out a", "in b", "do b", "out b"]
    assert [(each.step.name, each.outcome, each.note) for each in told] == [
        ("a", "done", ""),
        ("b", "done", ""),
    ]


def test_a_failed_step_takes_its_component_back_and_ends_it() -> None:
    log = Log()
    steps = [log.step("crds", "gateway-api"), log.step("a"), log.step("b", fails=True)]
    told = list(perform([*steps, log.step("never", "istio")], log.around))
    assert log[-5:] == ["do b", "in cilium taken back", "undo b", "undo a", "out cilium taken back"]
    assert "undo crds" not in log
    assert [each.outcome for each in told] == ["done", "done", "failed", "rolled back"]
    assert [each.note for each in told[-2:]] == [
        "b ready: it is not", "cilium is as it was before",
    ]  # fmt: skip
    assert (told[-1].step.component, told[-1].step.cluster) == ("cilium", "aws-cluster")


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


def test_only_known_components_can_be_upgraded_alone() -> None:
    upgrading.check("")
    for name in COMPONENTS:
        upgrading.check(name)
    with pytest.raises(UpgradeError, match="gateway-api, kubernetes-crds, cilium, istio"):
        upgrading.check("envoy")


def test_a_component_alone_takes_what_it_needs_with_it_and_all_take_each_once() -> None:
    assert upgrading.chosen("istio") == ("kubernetes-crds", "istio")
    assert upgrading.chosen("cilium") == ("cilium",)
    assert upgrading.chosen("") == COMPONENTS
    for name in COMPONENTS:
        order = [COMPONENTS.index(each) for each in upgrading.chosen(name)]
        assert order == sorted(set(order))


def test_the_versions_that_move_are_those_of_a_train() -> None:
    assert upgrading.versions_of("cilium") == {"cilium"}
    assert upgrading.versions_of("kubernetes-crds") == frozenset()
    known = versions.load(versions.names()[-1]).versions.model_dump()
    assert upgrading.versions_of("") == {"cilium", "istio", "gateway_api"} <= known.keys()


def test_every_train_has_a_budget_for_every_component_and_no_other() -> None:
    for name in versions.names():
        assert set(versions.load(name).budgets) == set(COMPONENTS), name
