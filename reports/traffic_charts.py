"""Pictures of traffic, as SVG text drawn offline: the split's walk, latencies, a load over time,
the pressure on the clients' machines.

Each is drawn from what histories and results hold, thinned to what a page can show. Nothing is
judged or smoothed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import altair as alt

from reports.charts import draw_svg
from reports.traffic import Stream

MOST = 6
"""Of lines in a picture: more cannot be told apart."""
_POINTS = 160
_BARS = 45
_PERCENTILES = (0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99)
_COLOURS = [f"var(--line-{n})" for n in range(MOST)]
WIDTH = 430
_CLASSES = {"2": "--pass", "3": "--skip", "4": "--cluster-1", "5": "--fail"}


def walk(stream: Stream, backend: str, n: int, declared: float) -> str:
    """The share of a backend's answers after each request, up to the one that decided."""
    requests = [request for request in stream.requests if request.service][: n or None]
    hits = list(accumulate(request.service == backend for request in requests))
    if len(hits) < 2:
        return ""
    step = max(1, len(hits) // _POINTS)
    rows = [
        {"n": i + 1, "share": hits[i] / (i + 1)} for i in range(len(hits)) if _is_shown(i, step)
    ]
    chart = alt.Chart(alt.InlineData(values=rows))
    x = alt.X("n:Q", title="answers", axis=alt.Axis(tickCount=6))
    room = max(0.12, 2 * abs(rows[-1]["share"] - declared))
    domain = [max(0.0, declared - room), min(1.0, declared + room)]
    y = alt.Y("share:Q", title=None, axis=alt.Axis(format="~%", tickCount=4, grid=True),
              scale=alt.Scale(domain=domain, clamp=True, nice=False, zero=False))  # fmt: skip
    line = chart.mark_line(strokeWidth=1.5, color="var(--line-0)").encode(x=x, y=y)
    rule = alt.Chart(alt.InlineData(values=[{"y": declared}])).mark_rule(
        color="var(--ink)", strokeDash=[4, 3]
    )
    last = alt.Chart(alt.InlineData(values=rows[-1:])).mark_point(
        filled=True, size=60, color="var(--line-0)", opacity=1
    )
    layers = alt.layer(rule.encode(y="y:Q"), line, last.encode(x="n:Q", y="share:Q"))
    return draw_svg(layers.properties(height=120), 44, WIDTH)


def latency(streams: Sequence[Stream]) -> str:
    """Latency by percentile, the tail stretched as in HDR histograms: a line per load."""
    shown = worst(streams)
    rows = [
        {"at": 1 / (1 - p / 100), "ms": max(_at(stream.latencies_ms, p), 0.1), "line": str(i)}
        for i, stream in enumerate(shown)
        for p in _PERCENTILES
        if p == 0 or len(stream.latencies_ms) * (1 - p / 100) >= 1
    ]
    if not rows:
        return ""
    ticks = {1: "0 %", 2: "50 %", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10000: "99.99 %"}
    label = f"({json.dumps(ticks)})[datum.value]"
    log = alt.Scale(type="log", nice=False)
    axis = alt.Axis(values=list(ticks), labelExpr=label)
    x = alt.X("at:Q", title="percentile", scale=log, axis=axis)
    axis = alt.Axis(grid=True, values=[1, 10, 100, 1000, 10000], labelExpr="datum.value + ' ms'")
    y = alt.Y("ms:Q", title=None, scale=alt.Scale(type="log"), axis=axis)
    colour = alt.Color("line:N", scale=alt.Scale(range=_COLOURS[: len(shown)]), legend=None)
    chart = alt.Chart(alt.InlineData(values=rows)).mark_line(strokeWidth=1.5, point=True)
    return draw_svg(chart.encode(x=x, y=y, color=colour).properties(height=220), 62, WIDTH)


def over_time(stream: Stream) -> str:
    """The requests of a load, second by second, by what came of them."""
    begin = stream.requests[0].sent
    slots = Counter((int(r.sent - begin), r.outcome) for r in stream.requests)
    return over_seconds(slots)


def over_seconds(counts: Mapping[tuple[int, str], int]) -> str:
    """How often what came of requests in each second; several seconds in a bar where they are many.

    Returns:
        SVG; empty if there were none.
    """
    if not counts:
        return ""
    width = max(1, round((max(second for second, _ in counts) + 1) / _BARS))
    slots: Counter[tuple[int, str]] = Counter()
    for (second, outcome), n in counts.items():
        slots[second // width, outcome] += n
    height: Counter[int] = Counter()
    rows = []
    for (slot, outcome), n in sorted(slots.items()):
        low = height[slot] / width
        height[slot] += n
        row = _bar(slot * width, (slot + 0.92) * width, height[slot] / width, colour(outcome))
        rows.append(row | {"low": low})
    return _bars(rows, "seconds since its first request", alt.Axis(grid=True, tickCount=4), 110)


def pressure(shares: Sequence[tuple[str, float]]) -> str:
    """The share of its clients' time in which some task waited for a core, in the run's order."""
    rows = [
        _bar(i, i + 0.85, share, _pressure_colour(share)) for i, (_, share) in enumerate(shares)
    ]
    axis = alt.Axis(format="~%", grid=True, values=[0, 0.2, 0.4, 0.6, 0.8, 1])
    return _bars(rows, "requirements in the order of the run", axis, 90)


def _bar(begin: float, end: float, high: float, fill: str) -> dict[str, Any]:
    return {"from": begin, "to": end, "low": 0.0, "high": high, "colour": fill}


def _bars(rows: list[dict[str, Any]], title: str, axis: alt.Axis, height: int) -> str:
    ticks = alt.Axis(grid=False, tickCount=8)
    x = alt.X("from:Q", title=title, axis=ticks, scale=alt.Scale(nice=False, zero=True))
    y = alt.Y("low:Q", title=None, axis=axis, scale=alt.Scale(zero=True))
    chart = alt.Chart(alt.InlineData(values=rows)).mark_rect()
    fill = alt.Color("colour:N", scale=None)
    encoded = chart.encode(x=x, x2="to:Q", y=y, y2="high:Q", color=fill)
    return draw_svg(encoded.properties(height=height), 44, WIDTH)


def worst(streams: Iterable[Stream]) -> list[Stream]:
    """The loads with the longest tails, in the run's order."""
    measured = [stream for stream in streams if stream.latencies_ms]
    slowest = sorted(measured, key=lambda stream: -_at(stream.latencies_ms, 99))[:MOST]
    return [stream for stream in measured if stream in slowest]


def legend(streams: Sequence[Stream]) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (s.label, _COLOURS[i], f"{len(s.latencies_ms)} answers") for i, s in enumerate(streams)
    )


def colour(outcome: str) -> str:
    """Of a status by its class; of an error grey."""
    return f"var({_CLASSES.get(outcome[:1], '--kind-starved')})"


def _pressure_colour(share: float) -> str:
    return "var(--inconclusive)" if share >= 0.8 else "var(--quiet)"


def _is_shown(index: int, step: int) -> bool:
    # All of the first, where it still swings; then what a page can show.
    return index < 2 * step or index % step == 0


def _at(ordered: Sequence[float], percentile: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * percentile / 100))]
