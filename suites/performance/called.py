"""What must be true of calls of gRPC: their statuses, and which pod answers.

Sources: gRPC's status codes (github.com/grpc/grpc/blob/master/doc/statuscodes.md); that a proxy's
own answer to a call is a status of gRPC: Envoy, "gRPC" (HTTP 403: PERMISSION_DENIED, 503:
UNAVAILABLE). Pure.
"""

from __future__ import annotations

from collections.abc import Collection

from fixtures.checks import Check, every, split
from fixtures.checks.guard import each
from fixtures.checks.sequential import SplitTest
from fixtures.history import Exchange, History
from fixtures.history.verdict import Outcome, Verdict, failed
from fixtures.traffic.grpc import Code

PODS = 2
"""That the calls of one connection must reach."""
MARGIN = 0.25
"""By which a pod's share is wrong: a half is told from a quarter."""


def called(code: Code, *, service: str = "", words: str = "", minimum: int = 1) -> Check:
    """Each call comes to this status.

    Args:
        service: whose pods alone answer; nobody's if it is empty.
        words: what the status must say, which tells who gave it.
    """

    def holds(exchange: Exchange) -> bool:
        status, _, said = exchange.body.partition(" (")
        return status == code.name and words in said and exchange.service == service

    wanted = f"answered {code.name}{f' ({words})' if words else ''} by {service or 'no pod'}"
    check = each(holds, wanted, minimum)

    def judge(history: History) -> Verdict:
        verdict = check(history)
        wrong = [e for e in history if not holds(e)]
        if verdict.outcome is not Outcome.FAIL or not wrong or not wrong[0].body:
            return verdict
        said = f"{wrong[0].body} by {wrong[0].service or 'no pod'}"
        reason = f"{len(wrong)} of {len(history)} were not {wanted}, the first {said}"
        return verdict._replace(reason=reason)

    return judge


def spread(service: str, pods: Collection[str], minimum: int) -> Check:
    """The calls of one connection are answered OK, and evenly by all pods of a service."""
    if len(pods) < PODS:
        few = failed(f"{service} has {len(pods)} pods, and {PODS} are wanted")
        return lambda _: few
    evenly = split(dict.fromkeys(pods, 1), SplitTest(margin=MARGIN), lambda e: e.pod)
    return every(called(Code.OK, service=service, minimum=minimum), evenly)
