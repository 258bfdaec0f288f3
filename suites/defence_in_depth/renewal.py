"""What must be true of certificates that are renewed under load.

Source: Istio, "Security" (a proxy's agent has its certificate renewed before it expires; by default
once half of its life has passed). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fixtures.checks import Check, every, known, on, served_under_load
from fixtures.history.certificates import Chain, Handshake
from fixtures.history.verdict import Verdict, failed, inconclusive, passed
from suites.defence_in_depth.requests import STRICT

KEEP_ALIVE, NEW = "over keep-alive connections", "over new connections"
TIMES = 3
"""So often each certificate is to be renewed while somebody looks."""
LONG = 70.0
"""Seconds in which certificates that live for 40 are renewed so often, each after half of its life,
and in which none could be that was renewed only as it expires."""
SECONDS = 35.0
"""For so long the load lasts at least: none is renewed so often any sooner."""
LEAST = 50
"""Requests of each stream."""


def is_renewed(shown: Mapping[str, Sequence[Handshake]]) -> bool:
    """Whether each workload has shown certificates enough."""
    return all(len(_serials(each)) > TIMES for each in shown.values())


def are_renewed(shown: Mapping[str, Sequence[Handshake]]) -> Verdict:
    """Each workload's certificate was renewed so often, one after another."""
    numbers = {name: _serials(each) for name, each in shown.items()}
    said = ", ".join(f"{name} showed {len(own)} certificates" for name, own in numbers.items())
    if silent := [name for name, own in numbers.items() if not own]:
        return inconclusive(f"nothing is known of the certificate of {', '.join(silent)}")
    if any(len(own) <= TIMES for own in numbers.values()):
        return failed(f"{said}, and not {TIMES + 1} in {LONG:g} s")
    return passed(said)


def without_a_failure(shown: Mapping[str, Sequence[Handshake]], seconds: float) -> Check:
    """They were renewed, and no request failed in all that time, over whichever connections."""
    streams = (on(name, served_under_load(LEAST, seconds, (STRICT,))) for name in (KEEP_ALIVE, NEW))
    return every(known(are_renewed(shown)), *streams)


def _serials(shown: Sequence[Handshake]) -> list[int]:
    """The serial numbers of the certificates that were shown, each once, in their order."""
    numbers = (Chain.parse(each.chain).leaf.serial_number for each in shown if each.chain)
    return list(dict.fromkeys(numbers))
