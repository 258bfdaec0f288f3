"""What must be true of the headers that arrive at a workload. Pure."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.checks import Check
from fixtures.checks.guard import guarded, is_served
from fixtures.history import History
from fixtures.history.verdict import Verdict, failed, passed


def arrives(name: str, holds: Callable[[str], bool], what: str) -> Check:
    """Each request is served, and its header of this name holds as it arrives; one that does not
    arrive is empty.

    Args:
        name: in lower case.
        what: how to say that it holds.
    """

    def judge(history: History) -> Verdict:
        unserved = history.where(lambda e: not is_served(e) or e.arrived is None)
        if len(unserved):
            return failed(f"{len(unserved)} of {len(history)} were not served")
        values = [e.arrived.headers.get(name, "") for e in history if e.arrived]
        wrong = [value for value in values if not holds(value)]
        if wrong:
            return failed(f"{name} of {len(wrong)} is not {what}: {wrong[0][-200:]!r}")
        return passed(f"{name} of all {len(history)} is {what}")

    return guarded(judge)


def is_value(name: str, value: str) -> Check:
    """Each request's header of this name arrives with this value alone; empty if it must not."""
    return arrives(name, lambda seen: seen == value, repr(value))
