"""A requirement's numbers in their groups, and the shares and latencies among them.

Numbers are free in form: `api-service-canary.hits` is `hits` of the group
`api-service-canary`. This is tolerant: what it does not recognise stays in the plain list
of numbers. It computes nothing but a share from its hits, and never judges.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reports.schema import Requirement
from reports.wording import Number, interval, number, percent, plural

_LOW = ("low", "interval_low")
_HIGH = ("high", "interval_high")
_MEASURED = ("share", "estimate")
_DECLARED = ("declared", "weight", "expected")
# An interval stands beside every count; one that was decided on has its error rates too.
_DECIDED = (*_DECLARED, "alpha", "expected_n")


class Share(NamedTuple):
    """A measured share with its interval, all between 0 and 1."""

    requirement: Requirement
    of: str
    low: float
    high: float
    measured: float | None
    declared: float | None


class Latency(NamedTuple):
    """Percentiles of one population of a requirement, in seconds."""

    requirement: Requirement
    of: str
    p50: float | None
    p99: float | None


def groups(requirement: Requirement) -> dict[str, dict[str, Number]]:
    """The numbers by group and name; those without a group come under the empty one."""
    by_group: dict[str, dict[str, Number]] = {}
    for full, value in requirement.numbers.items():
        group, _, name = full.rpartition(".")
        by_group.setdefault(group, {})[name] = value
    return by_group


def figures(requirement: Requirement) -> list[str]:
    """The numbers that matter, in words: requests, shares, leaks, drops, latency of the slowest."""
    by_group = dict(_reals(requirement))
    texts = []
    streams = [v["n"] for of, v in by_group.items() if "n" in v and "alpha" not in v]
    if streams:
        texts.append(plural(int(sum(streams)), "request"))
    decided = [share for share in shares([requirement]) if share.measured is not None]
    for share in sorted(decided, key=lambda s: s.measured or 0.0)[:1]:
        n = int(by_group[share.of].get("n", 0))
        of = share.of.rpartition(".")[2]
        texts.append(
            f"{of} {percent(share.measured or 0.0)} "
            f"({interval(share.low, share.high)}, N {number(n)})".lstrip()
        )
    for name, word in (("leaks", "leaked"), ("reached", "reached it"), ("drops", "drops")):
        counts = [int(values[name]) for values in by_group.values() if name in values]
        texts += [f"{number(sum(counts))} {word}"] if counts else []
    texts += [f"p {number(v['p_value'])}" for v in by_group.values() if "p_value" in v]
    slowest = max(by_group.values(), key=lambda values: values.get("p99_ms", 0.0), default={})
    if "p99_ms" in slowest:
        p50 = f"p50 {number(slowest['p50_ms'])}, " if "p50_ms" in slowest else ""
        texts.append(f"{p50}p99 {number(slowest['p99_ms'])} ms")
    return texts


def shares(requirements: Iterable[Requirement]) -> list[Share]:
    """One per group that has an interval and what it was decided against."""
    return [
        Share(r, of, low, high, _measured(values), _declared(values))
        for r in requirements
        for of, values in _reals(r)
        if (low := _first(values, _LOW)) is not None
        and (high := _first(values, _HIGH)) is not None
        and _first(values, _DECIDED) is not None
    ]


def latencies(requirements: Iterable[Requirement]) -> list[Latency]:
    """One per group that has a 50th or 99th percentile, in seconds or with `_ms` in its name."""
    return [
        Latency(r, of, _seconds(values, "p50"), _seconds(values, "p99"))
        for r in requirements
        for of, values in _reals(r)
        if any(name.startswith(("p50", "p99")) for name in values)
    ]


def _measured(values: Mapping[str, float]) -> float | None:
    if (share := _first(values, _MEASURED)) is not None:
        return share
    hits, n = values.get("hits"), values.get("n")
    return hits / n if n and hits is not None else None


def _declared(values: Mapping[str, float]) -> float | None:
    share = _first(values, _DECLARED)
    # A manifest's weight counts to 100, a check's share to 1.
    return share / 100 if share is not None and share > 1 else share


def _seconds(values: Mapping[str, float], percentile: str) -> float | None:
    if f"{percentile}_ms" in values:
        return values[f"{percentile}_ms"] / 1000
    return _first(values, (percentile, f"{percentile}_s"))


def _first(values: Mapping[str, float], names: Iterable[str]) -> float | None:
    return next((values[name] for name in names if name in values), None)


def _reals(requirement: Requirement) -> Iterable[tuple[str, dict[str, float]]]:
    """The groups with only what can be drawn: no text, no yes and no, no infinity."""
    for group, values in groups(requirement).items():
        reals = {
            name: float(value)
            for name, value in values.items()
            if not isinstance(value, bool | str) and math.isfinite(value)
        }
        yield group, reals
