"""The words, the order and the number format that all forms of a report share.

It exists so that the page, the summary, the terminal and JUnit never say different things
about one run. It judges nothing: the verdicts are taken as they stand in the results.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from clusters.models import Machine
from reports.schema import Requirement, Results, RunStatus, Status

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


def memory(size: int) -> str:
    """Bytes for people, in GiB."""
    return f"{size / 2**30:.1f} GiB"


def tally(requirements: Iterable[Requirement]) -> dict[Status, int]:
    """How many of each verdict, in the order of `VERDICTS`, without the zeros."""
    verdicts = [r.verdict for r in requirements]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}


def counts(requirements: Iterable[Requirement]) -> str:
    """A sentence's worth of counts: `1 failed, 1 inconclusive, 16 passed`."""
    parts = [f"{n} {VERDICT_WORDS[verdict]}" for verdict, n in tally(requirements).items()]
    return ", ".join(parts) or "no requirement was asked"


def headline(results: Results) -> str:
    """The run in one glance: `Failed: 1 failed, 1 inconclusive, 16 passed`."""
    return f"{word(results)}: {counts(results.requirements)}"


def word(results: Results) -> str:
    """The run in one word."""
    return run_word(results.status, (r.verdict for r in results.requirements))


def run_word(status: RunStatus, verdicts: Iterable[Status]) -> str:
    """A run's word: one that is red for nothing but the environment's sake has not failed."""
    undecided = status == "failed" and "inconclusive" in (told := set(verdicts))
    return UNDECIDED if undecided and "fail" not in told else RUN_WORDS[status]


def worst_first(requirements: Iterable[Requirement]) -> list[Requirement]:
    """By verdict, what is red first; within a verdict in the order of the run."""
    return sorted(requirements, key=lambda r: VERDICTS.index(r.verdict))


def not_green(results: Results) -> list[Requirement]:
    """Everything that did not pass, failures first."""
    return [r for r in worst_first(results.requirements) if r.verdict != "pass"]


def by_suite(results: Results) -> dict[str, list[Requirement]]:
    """The requirements of each suite, in the order of the run.

    Suites come in the order in which the run first met them.
    """
    met = list(dict.fromkeys(r.suite for r in results.requirements))
    ordered = sorted(results.requirements, key=lambda r: met.index(r.suite))
    return {suite: list(group) for suite, group in groupby(ordered, key=lambda r: r.suite)}


def took(results: Results) -> str:
    """How long the run was, for people."""
    return duration((results.ended - results.began).total_seconds())


def about(results: Results) -> dict[str, str]:
    """What the run was, by name: the facts that head every form."""
    return {
        "Run": results.run,
        "Train": results.train,
        "Profile": results.profile,
        "Manifests": results.manifests,
        "Began": f"{results.began:%Y-%m-%d %H:%M %Z}".strip(),
        "Took": took(results),
    }


def machine(seen: Machine) -> dict[str, str]:
    """The machine, by name."""
    return {
        "CPU": f"{seen.cpu}, {seen.cores} cores",
        "Memory": memory(seen.memory_bytes),
        "Kernel": seen.kernel,
        "System": seen.system,
    }
