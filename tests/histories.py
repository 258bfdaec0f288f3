"""Histories made by hand, and every check, for the tests of the checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fixtures import checks
from fixtures.checks import Check, Drop
from fixtures.history import Exchange, History, Window
from fixtures.history.verdict import Outcome

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE

Answer = dict[str, Any]

WEB: Answer = {"status": 200, "service": "web-service", "pod": "web-service-v1-abc"}
MOBILE: Answer = {"status": 200, "service": "mobile-service", "pod": "mobile-service-v2-abc"}
OLD: Answer = {"status": 200, "service": "mobile-service", "pod": "mobile-service-v1-abc"}
DENIED: Answer = {"status": 403, "body": "RBAC: access denied"}
FORBIDDEN_BY_APP: Answer = {"status": 403, "body": "forbidden"}
FORBIDDEN_BY_ECHO: Answer = {"status": 403, "service": "web-service"}
BAD_PATH: Answer = {"status": 400}
NOT_FOUND: Answer = {"status": 404}
UNAVAILABLE: Answer = {"status": 503, "body": "no healthy upstream"}
TIMEOUT: Answer = {"error": "timeout"}
RESET: Answer = {"error": "reset"}
REFUSED: Answer = {"error": "refused"}
STARVED: Answer = {"error": "starved"}
AT_ONCE: Answer = {"sent": 0.0, "received": 0.01}


def exchanges(*answers: Answer, stream: str = "s", **common: Any) -> History:
    """A history of one exchange per answer, 10 ms each, one after another."""
    return History(
        Exchange(
            **{
                "stream": stream,
                "seq": seq,
                "caller": "caller-1",
                "cluster": "aws-cluster",
                "identity": "default/frontend",
                "sent": seq * 0.01,
                "received": seq * 0.01 + 0.01,
                "url": f"http://backend/?nonce={stream}-{seq}",
                **common,
                **answer,
            }
        )
        for seq, answer in enumerate(answers)
    )


def window(**fields: Any) -> Window:
    return Window(caller="caller-1", cluster="aws-cluster", identity="default/frontend", **fields)


def without(history: History, *seqs: int) -> History:
    return history.where(lambda e: e.seq not in seqs)


def drop(**other: Any) -> Drop:
    fields = {
        "reason": "POLICY_DENIED",
        "source_labels": frozenset({"k8s:app=backend", "k8s:io.kubernetes.pod.namespace=default"}),
        "destination_labels": frozenset({"k8s:app=frontend"}),
        "source_cluster": "aws-cluster",
    }
    return Drop(**{**fields, **other})


def denied_l4(*drops: Drop, minimum: int = 1) -> Check:
    return checks.denied_l4(drops, ["k8s:app=backend"], ["k8s:app=frontend"], minimum)


MADE: dict[str, Callable[[], Check]] = {
    "all_answered_by": partial(checks.all_answered_by, "mobile-service", 3, "mobile-service-v2-"),
    "only_answered_by": partial(checks.only_answered_by, ["web-service", "mobile-service"], 3),
    "answered_by_each": partial(checks.answered_by_each, ["web-service", "mobile-service"]),
    "reset": partial(checks.reset, 3),
    "never_answered": partial(checks.never_answered, ["web-service"], ["mobile-service-v1-"], 3),
    "status_is": partial(checks.status_is, 404, 3),
    "denied_http": partial(checks.denied_http, 3),
    "denied_http_or_400": partial(checks.denied_http, 3, or_status=[400]),
    "denied_l4": partial(denied_l4, drop(), minimum=3),
    "denied_l4_unproven": partial(denied_l4, minimum=3),
    "denied_l4_otherwise": partial(denied_l4, drop(reason="CT_MAP_INSERTION_FAILED"), minimum=3),
    "denied_l4_elsewhere": partial(denied_l4, drop(source_cluster="azure-cluster"), minimum=3),
    "denied_l4_another_source": partial(
        denied_l4, drop(source_labels=frozenset({"k8s:app=other"})), minimum=3
    ),
    "denied_l4_another_target": partial(denied_l4, drop(destination_labels=frozenset()), minimum=3),
    "not_dropped": partial(checks.not_dropped, [drop()], ["k8s:app=backend"]),
    "served_under_load": partial(checks.served_under_load, 3, 0.03),
    "served_by_under_load": partial(checks.served_under_load, 3, 0.03, ["web-service"]),
    "denied_under_load": partial(checks.denied_under_load, 3, 0.03),
    "lasted": partial(checks.lasted, 0.03),
    "split": partial(checks.split, {"web-service": 90, "mobile-service": 10}),
    "independent": partial(checks.independent, "web-service", 0.3, 3),
}
"""How to make each check: anew for each test, so that a fault in the making is seen too."""


def made(name: str) -> Check:
    return MADE[name]()


def under(pressure: float, *answers: Answer) -> History:
    """A history of a machine of which some task waited for a core that share of the time."""
    return exchanges(*answers) + History((), [window(began=5, ended=15, stalled=10 * pressure)])
