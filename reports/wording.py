"""The words, the order and the number format that all forms of a report share.

It exists so that the page, the summary, the terminal and JUnit never say different things
about one run. It judges nothing: the verdicts are taken as they stand in the results.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from clusters.models import Machine
from reports.schema import RunStatus, Status

Number = int | float | str | bool

# The order in which a reader wants to see them: what is red first.
VERDICTS: tuple[Status, ...] = ("fail", "inconclusive", "skip", "pass")

VERDICT_WORDS: dict[Status, str] = {
    "fail": "failed",
    "inconclusive": "inconclusive",
    "skip": "skipped",
    "pass": "passed",
}

RUN_WORDS: dict[RunStatus, str] = {
    "passed": "Passed",
    "failed": "Failed",
    "interrupted": "Interrupted",
}

UNDECIDED = "Inconclusive"


class Judged(Protocol):
    """Whatever has a verdict: a requirement, a stream, an entry of a report."""

    @property
    def verdict(self) -> Status: ...


J = TypeVar("J", bound=Judged)

# Neither XML nor HTML can carry these, not even escaped; a captured body may hold any of them.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """`text` with each character that XML forbids replaced by U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """`text` printable, with every run of white space turned into one space."""
    return " ".join(printable(text).split())


def number(value: Number) -> str:
    """A number for people: digits in groups, four significant digits, yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"
    return printable(value)


def plural(n: int, noun: str) -> str:
    """`1 stream`, `2 streams`."""
    return f"{number(n)} {noun}{'s' * (n != 1)}"


def percent(share: float, digits: int = 1) -> str:
    """A share between 0 and 1: `10.0 %`."""
    return f"{100 * share:.{digits}f} %"


def interval(low: float, high: float) -> str:
    """Two shares: `9.13 to 11.72 %`."""
    return f"{100 * low:.2f} to {100 * high:.2f} %"


def duration(seconds: float) -> str:
    """A time in seconds for people: `3.8 ms`, `0.4 s`, `12 s`, `4 min 05 s`, `1 h 02 min`."""
    if 0 < seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def span(low: float, high: float) -> str:
    """Two bounds in seconds, their unit once where both have it: `10 to 20 ms`."""
    least, most = _precise(low), _precise(high)
    if least == most:
        return least
    figure, unit = least.split(" ", 1)
    return f"{figure} to {most}" if most.split(" ", 1)[1] == unit else f"{least} to {most}"


def _precise(seconds: float) -> str:
    """Finer than `duration` below ten seconds, where a budget is decided."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else duration(seconds)


def moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M %Z}".strip()


def tally(judged: Iterable[Judged]) -> dict[Status, int]:
    """How many of each verdict, in the order of `VERDICTS`, without the zeros."""
    verdicts = [each.verdict for each in judged]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}


def counts(judged: Iterable[Judged], none: str = "no requirement was asked") -> str:
    """A sentence's worth of counts: `1 failed, 1 inconclusive, 16 passed`."""
    parts = [f"{n} {VERDICT_WORDS[verdict]}" for verdict, n in tally(judged).items()]
    return ", ".join(parts) or none


def run_word(status: RunStatus, verdicts: Iterable[Status]) -> str:
    """A run's word: one that is red for nothing but the environment's sake has not failed."""
    undecided = status == "failed" and "inconclusive" in (met := set(verdicts))
    return UNDECIDED if undecided and "fail" not in met else RUN_WORDS[status]


def worst_first(judged: Iterable[J]) -> list[J]:
    """By verdict, what is red first; within a verdict in the given order."""
    return sorted(judged, key=lambda each: VERDICTS.index(each.verdict))


def not_green(judged: Iterable[J]) -> list[J]:
    """Everything that did not pass, failures first."""
    return [each for each in worst_first(judged) if each.verdict != "pass"]


def machine(one: Machine) -> dict[str, str]:
    """The machine, by name."""
    return {
        "CPU": f"{one.cpu}, {one.cores} cores",
        "Memory": f"{one.memory_bytes / 2**30:.1f} GiB",
        "Kernel": one.kernel,
        "System": one.system,
    }
