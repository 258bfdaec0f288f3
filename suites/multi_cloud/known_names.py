"""Who answers at the names of exported services, and that what is not exported has none. Pure.

Source: RFC 8020 and getaddrinfo(3): a name that there is not, one without an address, and a
resolver that did not answer are three things, and three errors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fixtures.checks import Check, all_answered_by, answered_by_each, every, on, only_answered_by
from fixtures.checks.guard import count, each, guarded, is_served
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, inconclusive, passed

UNANSWERED = "Temporary failure"
NO_ADDRESS = "No address"


def of_all(services: Collection[str], minimum: int) -> Check:
    """Requests are answered by each of `services`, and by nobody else."""
    return every(
        only_answered_by(services, minimum),
        each(is_served, "answered 200", minimum),
        answered_by_each(sorted(services)),
    )


def nowhere(streams: Iterable[str], minimum: int) -> Check:
    """The name that each stream asks for is that of nobody, by a resolver's word."""
    return every(*(on(stream, _unknown(minimum)) for stream in streams))


def at(stream: str, service: str, minimum: int) -> Check:
    """A stream is answered by a service alone."""
    return on(stream, all_answered_by(service, minimum))


def _unknown(minimum: int) -> Check:
    return every(each(_is_nobodys, "unknown by its name", minimum), guarded(_is_told))


def _is_nobodys(exchange: Exchange) -> bool:
    return exchange.error == "dns" and NO_ADDRESS not in exchange.detail


def _is_told(history: History) -> Verdict:
    """A resolver that gives no answer has not said that there is no such name."""
    open_ones = history.where(lambda e: e.error == "dns" and UNANSWERED in e.detail)
    if len(open_ones):
        return inconclusive(count(open_ones, history, "answered by no resolver"))
    return passed("a resolver answered for each name")
