"""What network isolation makes of requests: dropped for a policy's sake, and answered by nobody.

Sources: docs.cilium.io, "Layer 3 Policies" and "Layer 4 Policies". Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from clusters.models import Frozen
from fixtures.checks import Check, Drop, denied_l4
from fixtures.checks.denials import BY_POLICY
from fixtures.checks.guard import count, each, guarded
from fixtures.history import History
from fixtures.history.verdict import Verdict, failed, inconclusive, passed


def dropped(
    drops: Iterable[Drop],
    source: Collection[str],
    destination: Collection[str],
    port: str,
    minimum: int = 1,
) -> Check:
    """All were dropped for a policy's sake: `denied_l4`, and none was refused, as whoever hangs up
    was reached.

    Args:
        source: labels of the client, as Cilium has them.
        destination: labels of whom it asked.
        port: such as `80/TCP`.
    """
    return _every_drop(denied_l4(drops, source, destination, minimum, port))


def _every_drop(silent: Check) -> Check:
    def judge(history: History) -> Verdict:
        refused = history.where(lambda e: e.error in ("refused", "reset"))
        if len(refused):
            return failed(count(refused, history, "let through, and hung up on"))
        return silent(history)

    return guarded(judge)


def answered(minimum: int = 1) -> Check:
    """Each was answered, whatever the answer was."""
    return each(lambda e: bool(e.status), "answered", minimum)


def reached(minimum: int = 1) -> Check:
    """Each came to a peer, which answered it or hung up on it."""
    return each(lambda e: bool(e.status) or e.error == "reset", "reached", minimum)


def refused(minimum: int = 1) -> Check:
    """Each came to a peer that listens at no such port, and said so."""
    return each(lambda e: e.error == "refused", "refused", minimum)


class Knocks(Frozen):
    """What a pod's program counted: see fixtures/traffic/pod/knocking.py."""

    tries: int
    through: int
    first: float


def are_held(knocks: Mapping[str, Knocks], free: Knocks, drops: Collection[Drop]) -> Verdict:
    """None of the pods came through, while one that no policy is of did, and drops tell why.

    Args:
        drops: those of these pods.
    """
    open_ = {name: each for name, each in knocks.items() if each.through}
    if open_:
        name, each = next(iter(open_.items()))
        said = f"{name} came through {each.through} times, first after {each.first:.3f} s"
        return failed(f"{len(open_)} of {len(knocks)} pods were without their policy: {said}")
    if not free.through:
        return failed(f"the pod that no policy is of came through in none of {free.tries} tries")
    tries = sum(each.tries for each in knocks.values())
    idle = [name for name, each in knocks.items() if not each.tries]
    if idle or not any(drop.reason in BY_POLICY for drop in drops):
        why = f"{idle[0]} made none" if idle else "no drop tells why"
        return inconclusive(f"none of {tries} tries came through, and {why}")
    return passed(f"none of {tries} tries of {len(knocks)} pods came through", tries=tries)
