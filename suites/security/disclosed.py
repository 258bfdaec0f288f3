"""What istiod may tell whom of the proxies that it has: what it showed is held against that.

Sources: Istio's release notes, "debug endpoint authorization" and "XDS debug endpoints": without an
identity nobody is told anything, and with one of another namespace than istiod's what is of that
namespace. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fixtures.history.verdict import Verdict, failed, inconclusive, passed

ANSWERED, NOTHING, SILENCE = "answered", "nothing", "no answer"
MANY = 5
"""So many are told one by one."""
PROXY = re.compile(r'"proxy": ?"([^"]+)"')


@dataclass(frozen=True)
class Asked:
    """What was asked, in words, and what must come of it.

    Attributes:
        refusals: statuses of which each refuses it; none if it must be answered.
        shows: what an answer must show.
        only: the namespace of all proxies that an answer shows; empty for any.
    """

    name: str
    refusals: tuple[str, ...] = ()
    shows: str = ""
    only: str = ""


@dataclass(frozen=True)
class Answer:
    """What came of it.

    Attributes:
        status: `ANSWERED`, `NOTHING` if the answer is empty, `SILENCE` if there is none, or what
            refused it.
        text: of an answer, or what came in its place.
        proxies: those that it shows, each as `pod.namespace`.
    """

    status: str
    text: str = ""
    proxies: frozenset[str] = frozenset()


def discloses(answers: Iterable[tuple[Asked, Answer]]) -> Verdict:
    """Each is told what it may know, and no more."""
    every = list(answers)
    if leaks := [leak for asked, answer in every if (leak := _leak(asked, answer))]:
        return failed("; ".join(leaks[:MANY]))
    if silent := [gap for asked, answer in every if (gap := _gap(asked, answer))]:
        return failed("; ".join(silent[:MANY]))
    unclear = [
        f"{asked.name}: {answer.status} {answer.text[:60]}"
        for asked, answer in every
        if answer.status == SILENCE or (asked.refusals and answer.status not in asked.refusals)
    ]
    if unclear:
        return inconclusive(f"neither refused nor answered: {'; '.join(unclear[:MANY])}")
    refused = sum(bool(asked.refusals) for asked, _ in every)
    if not every or refused in (0, len(every)):
        return inconclusive(f"{refused} of {len(every)} were to be refused, which shows nothing")
    return passed(f"{refused} were refused, and {len(every) - refused} told what they may know")


def _leak(asked: Asked, answer: Answer) -> str:
    """What was told that should not be; empty if nothing was."""
    if answer.status != ANSWERED:
        return ""
    if asked.refusals:
        return f"{asked.name}: told, and not refused"
    foreign = [name for name in answer.proxies if not name.endswith(f".{asked.only}")]
    return f"{asked.name}: told of {sorted(foreign)[0]}" if asked.only and foreign else ""


def _gap(asked: Asked, answer: Answer) -> str:
    """What was not told that should be; empty if it was."""
    if asked.refusals or answer.status == SILENCE:
        return ""
    if answer.status != ANSWERED:
        return f"{asked.name}: {answer.status} {answer.text[:60]}".rstrip()
    is_shown = asked.shows in answer.text or asked.shows in answer.proxies
    return "" if is_shown else f"{asked.name}: it does not show {asked.shows}"


def proxies_in(text: str) -> frozenset[str]:
    """The proxies that a text in JSON names."""
    return frozenset(PROXY.findall(text))
