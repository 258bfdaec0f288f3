"""Upgrading: which components there are, what they need, and which versions they move."""

from __future__ import annotations

import pytest

from clusters import upgrading, versions
from clusters.errors import UpgradeError
from clusters.versions import COMPONENTS


def test_only_known_components_can_be_upgraded_alone() -> None:
    upgrading.check("")
    for name in COMPONENTS:
        upgrading.check(name)
    with pytest.raises(UpgradeError, match="gateway-api, kubernetes-crds, cilium, istio"):
        upgrading.check("envoy")


def test_a_component_alone_takes_what_it_needs_with_it_and_all_take_each_once() -> None:
    assert upgrading.components_of("istio") == ("kubernetes-crds", "istio")
    assert upgrading.components_of("cilium") == ("cilium",)
    assert upgrading.components_of("") == COMPONENTS
    for name in COMPONENTS:
        order = [COMPONENTS.index(each) for each in upgrading.components_of(name)]
        assert order == sorted(set(order))


def test_the_versions_that_move_are_those_of_a_train() -> None:
    assert upgrading.versions_of("cilium") == {"cilium"}
    assert upgrading.versions_of("kubernetes-crds") == frozenset()
    known = versions.load(versions.names()[-1]).versions.model_dump()
    assert upgrading.versions_of("") == {"cilium", "istio", "gateway_api"} <= known.keys()


def test_every_train_has_a_budget_for_every_component_and_no_other() -> None:
    for name in versions.names():
        assert set(versions.load(name).budgets) == set(COMPONENTS), name
