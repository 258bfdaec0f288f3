"""What must be true of headers by which Envoy takes orders, but only from clients that are inside.

Sources: Envoy, "HTTP header sanitizing" and "Router", headers consumed; "HTTP connection manager",
internal_address_config (nobody is inside by default, since 1.33). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from fixtures.checks import Check, nonces
from fixtures.checks.guard import guarded
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, failed, inconclusive, passed


@dataclass(frozen=True)
class Claim:
    """What a client tells Envoy by its headers, and what comes of it.

    Attributes:
        headers: names in lower case.
        mood: what the backend is asked to do.
        status: of the answer where the headers have no effect.
        obeyed: of the answer where they have one.
        times: how often the request arrives where they have one; without any it arrives once.
        kept: whether they have no other effect than to be handed on.
    """

    headers: Mapping[str, str]
    mood: str = ""
    status: int = 200
    obeyed: int = 200
    times: int = 1
    kept: bool = False


Claims = Mapping[str, Claim]
"""By stream."""
Arrivals = Mapping[str, Collection[object]]
"""What arrived at the backend, by nonce."""


def ignored(claims: Claims, arrivals: Arrivals) -> Check:
    """No claim of these streams has an effect, and none is handed on."""

    def judge(history: History) -> Verdict:
        own = history.where(lambda e: e.stream in claims)
        wrong = [(e, why) for e in own if (why := _effect(e, claims[e.stream], arrivals))]
        numbers = {"n": len(own), "obeyed": len(wrong)}
        if wrong:
            exchange, why = wrong[0]
            said = f"{len(wrong)} of {len(own)}, {exchange.request_headers}: {why}"
            return failed(said, **numbers)
        return passed(f"none of {len(own)} had an effect", **numbers)

    return guarded(judge, len(claims))


def obeyed(claims: Claims, arrivals: Arrivals) -> Check:
    """The control: each claim of these streams has its effect where its client is inside, so they
    are the right ones. Without it nothing is known."""

    def judge(history: History) -> Verdict:
        own = history.where(lambda e: e.stream in claims)
        wrong = [(e, why) for e in own if (why := _lack(e, claims[e.stream], arrivals))]
        if wrong:
            exchange, why = wrong[0]
            return inconclusive(f"inside {exchange.request_headers} had no effect: {why}")
        return passed(f"all {len(own)} had their effect inside", inside=len(own))

    return guarded(judge, len(claims))


def _effect(exchange: Exchange, claim: Claim, arrivals: Arrivals) -> str:
    """What a claim did; empty if it did nothing."""
    handed_on = sorted(_handed_on(exchange, claim))
    times = _times(exchange, arrivals)
    if handed_on:
        return f"{', '.join(handed_on)} handed on"
    if times != 1:
        return f"arrived {times} times"
    return "" if exchange.status == claim.status else f"answered {_answer(exchange)}"


def _lack(exchange: Exchange, claim: Claim, arrivals: Arrivals) -> str:
    """What a claim did not do; empty if it did all."""
    times = _times(exchange, arrivals)
    if exchange.status != claim.obeyed or times != claim.times:
        return f"answered {_answer(exchange)}, arrived {times} times"
    missing = claim.headers.keys() - set(_handed_on(exchange, claim)) if claim.kept else ()
    return f"{', '.join(sorted(missing))} did not arrive" if missing else ""


def _handed_on(exchange: Exchange, claim: Claim) -> Iterable[str]:
    """The headers of a claim that arrive as they were sent."""
    headers = exchange.arrived.headers if exchange.arrived else {}
    return (name for name, value in claim.headers.items() if value in headers.get(name, ""))


def _times(exchange: Exchange, arrivals: Arrivals) -> int:
    return sum(len(arrivals.get(nonce, ())) for nonce in nonces(exchange.url))


def _answer(exchange: Exchange) -> str:
    return str(exchange.status or exchange.error)
