"""A manifest that is not in force is blamed only where a control of its kind is in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from clusters.errors import NotReadyError, WrongManifestError
from fixtures.lab import convergence
from fixtures.lab.convergence import cilium, istio
from fixtures.lab.convergence.control import in_force
from fixtures.manifests import Given
from suites.cross_cluster_policy.subject import Guarded


def attempts(*outcomes: bool) -> Callable[[], None]:
    """Something that takes effect or does not, each time that it is tried."""
    rest: Iterator[bool] = iter(outcomes)

    def attempt() -> None:
        if not next(rest):
            raise NotReadyError("a route in force", seen="404", look="kubectl get")

    return attempt


def test_what_takes_effect_asks_no_control() -> None:
    in_force(attempts(True), attempts(), lambda: "")


def test_what_does_not_take_effect_where_a_control_does_is_wrong() -> None:
    with pytest.raises(WrongManifestError) as told:
        in_force(attempts(False, False), attempts(True), lambda: "invalid regex")
    assert (told.value.expected, told.value.look) == ("a route in force", "kubectl get")
    assert told.value.seen == "invalid regex; a control of its kind is in force"


def test_without_the_vendors_words_what_was_seen_is_told() -> None:
    with pytest.raises(WrongManifestError, match="404; a control of its kind is in force"):
        in_force(attempts(False, False), attempts(True), lambda: "")


def test_a_cluster_that_puts_nothing_in_force_is_why() -> None:
    with pytest.raises(NotReadyError):
        in_force(attempts(False), attempts(False), lambda: "")


def test_a_cluster_that_was_slow_is_held_against_nobody() -> None:
    in_force(attempts(False, True), attempts(True), lambda: "")


def test_istiods_log_tells_what_a_proxy_refused() -> None:
    log = "info push\nwarn ads ADS:RDS: ACK ERROR web Internal:invalid regex\ninfo push\n"
    assert istio.parse_refusals(log) == ["warn ads ADS:RDS: ACK ERROR web Internal:invalid regex"]


def test_an_agents_log_tells_what_is_wrong_with_a_policy() -> None:
    log = (
        'level=warn msg="Unable to add" name=cross-cluster-policy error="combining"\n'
        'level=info msg="Imported" name=cross-cluster-policy\n'
        'level=error msg="Unable to add" name=another\n'
    )
    (line,) = cilium.parse_refusals(log, "cross-cluster-policy")
    assert line.endswith('error="combining"')


def test_a_policy_that_was_found_wrong_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def network_policy(*_: object) -> str:
        tries.append("once")
        raise WrongManifestError("a policy to be imported", seen="the agent refuses it")

    monkeypatch.setattr(convergence, "network_policy", network_policy)
    nobody = cast("Any", None)
    guarded = Guarded(nobody, {}, nobody, Given({}, "mine"), {}, 1.0, 1.0, (), "", {})
    for _ in range(3):
        with pytest.raises(WrongManifestError, match="the agent refuses it"):
            guarded.protect()
    assert tries == ["once"]
