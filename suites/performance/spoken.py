"""What must be true of the protocols that are spoken on either side of a proxy. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from fixtures.checks import FORBIDDEN, Check, every
from fixtures.checks.guard import each, is_served
from fixtures.history import Exchange
from fixtures.history.verdict import Verdict, failed, passed
from fixtures.traffic.raw import Conversation, Reply

AT_ONCE = 0.5
"""Seconds within which a server that speaks first is heard."""
SWITCHED = 101


def spoken(proto: str, service: str, minimum: int) -> Check:
    """Each request is served by a service, which got it by this protocol."""

    def holds(exchange: Exchange) -> bool:
        by = exchange.arrived.proto if exchange.arrived else ""
        return is_served(exchange) and exchange.service == service and by == proto

    return each(holds, f"served by {service} over {proto}", minimum)


def detected(proto: str, service: str, mark: tuple[str, str], minimum: int) -> Check:
    """Each request is served by a service, which got it by the protocol that it was sent by, and
    its answer bears what a route by request puts into it: its client's proxy knew what it was.

    Args:
        mark: the name of a header, in lower case, and its value.
    """
    name, value = mark

    def holds(exchange: Exchange) -> bool:
        return exchange.answer_headers.get(name) == value

    return every(
        spoken(proto, service, minimum), each(holds, f"routed as a request ({name})", minimum)
    )


def upgraded(admitted: Mapping[str, Conversation], denied: Conversation, frames: int) -> Verdict:
    """All frames of who is admitted come back in order; who is denied is denied the upgrade.

    Args:
        admitted: what came of it, by the way that was taken.
        frames: how many each sent.
    """
    for way, each_of in admitted.items():
        if each_of.status != SWITCHED or each_of.frames != frames:
            said = each_of.error or f"status {each_of.status}"
            return failed(f"{way}: {each_of.frames} of {frames} frames came back: {said}")
    if denied.status != FORBIDDEN:
        said = denied.error or f"status {denied.status}"
        return failed(f"who is denied was not told so: {said}, {denied.frames} frames")
    return passed(f"{frames} frames came back by {', '.join(admitted)}; the denied one got 403")


def heard(replies: Mapping[str, Sequence[Reply]], words: str) -> Verdict:
    """A server that speaks first is heard, and usually at once: half of the time.

    Args:
        replies: by the way that was taken.
        words: what it says.
    """
    for way, some in replies.items():
        silent = [reply for reply in some if words not in reply.answer]
        if silent or not some:
            said = silent[0].error or repr(silent[0].answer[:60]) if silent else "nobody asked"
            return failed(f"{way}: {len(silent)} of {len(some)} heard nothing: {said}")
    times = {way: median(r.first or 0.0 for r in some) for way, some in replies.items()}
    said = ", ".join(f"{way} after {seconds:.3f} s" for way, seconds in times.items())
    late = [way for way, seconds in times.items() if seconds > AT_ONCE]
    return failed(f"heard late: {said}") if late else passed(f"heard: {said}")
