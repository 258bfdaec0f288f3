"""The timeline of a watch, as SVG text drawn offline: what was done, what each stream saw.

An outage is as wide as its lower bound, but never under a few pixels: 10 ms of ten minutes
must be seen. What it says exactly stands in its title. Where things stand upgrade_layout.py says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import altair as alt

from reports.charts import WIDTH, cluster_colours, draw_svg
from reports.upgrade_layout import (
    FONT,
    MARGIN,
    NARROW,
    Plot,
    between,
    place_bar,
    place_rows,
    plot_of,
    shorten,
    tracks,
)
from reports.upgrade_schema import KINDS, Kind, Outage, Outcome, Phase, Stream, Upgrade
from reports.upgrade_wording import phase_title
from reports.wording import duration, number, one_line, span

_ROW = 18
_TRACK = 20
_LEAST = 4.0
_GLYPHS: dict[Outcome, str] = {"pass": "✓", "fail": "✕", "inconclusive": "?"}
_THICK: dict[Kind, int] = {
    "leak": 16, "misrouted": 14, "dropped": 11, "refused": 11, "late": 8, "unproven": 8,
    "starved": 5,
}  # fmt: skip
_TITLED = re.compile(r'<path aria-label="([^"]*)"([^>]*?)/>')


_Layered = alt.LayerChart | alt.FacetChart


def timeline(upgrade: Upgrade, *, narrow: bool = False) -> str:
    """Phases, and under them a row per stream with its outages; `narrow` is for a phone.

    Returns:
        SVG; empty if nothing was done and nothing watched.
    """
    if not upgrade.phases and not upgrade.streams:
        return ""
    plot = plot_of(upgrade, narrow)
    colours = colours_of(upgrade)
    charts = [_phases(upgrade.phases, plot, colours)] if upgrade.phases else []
    if upgrade.streams:
        charts.append(_streams(upgrade, plot, colours))
    chart = alt.vconcat(*charts, spacing=6) if len(charts) > 1 else charts[0]
    whole = (NARROW if narrow else WIDTH) - MARGIN
    # The renderer knows no tooltips; a description it writes as an attribute.
    return _TITLED.sub(r"<path\2><title>\1</title></path>", draw_svg(chart, plot.labels, whole))


def colours_of(upgrade: Upgrade) -> dict[str, str]:
    """A colour for each cluster, in the order the streams and phases meet them."""
    streams, phases = upgrade.streams, upgrade.phases
    return cluster_colours([*(s.cluster for s in streams), *(p.cluster for p in phases)])


def _phases(phases: Sequence[Phase], plot: Plot, colours: dict[str, str]) -> _Layered:
    """A bar per phase with its number and name, in as many tracks as the names need."""
    # Where room is scarce the colour alone tells the cluster, beside the table.
    name_of = phase_title if plot.font == FONT else attrgetter("name")
    texts = [shorten(f"{i} {name_of(p)}", plot) for i, p in enumerate(phases, 1)]
    placed = [place_bar(p, text, plot) for p, text in zip(phases, texts, strict=True)]
    rows = [
        {
            "row": str(track),
            "from": phase.started,
            "to": phase.started + max(phase.seconds, plot.seconds(2)),
            "text": text,
            "at": plot.begin + plot.seconds(low + 3),
            "colour": colours[phase.cluster] if phase.component else "var(--quiet)",
            "edge": "var(--ink)" if phase.outcome == "done" else "var(--fail)",
            "told": one_line(
                f"{phase_title(phase)}: {phase.outcome}, began at {duration(phase.started)}, "
                f"took {duration(phase.seconds)}. {phase.note}"
            ),
        }
        for phase, text, (low, _), track in zip(phases, texts, placed, tracks(placed), strict=True)
    ]
    count = 1 + max(int(str(row["row"])) for row in rows)
    axis = alt.Axis(labelExpr="datum.value == '0' ? 'phases' : ''", labelFontSize=plot.font)
    order = [str(track) for track in range(count)]
    y = alt.Y("row:N", scale=alt.Scale(domain=order), title=None, axis=axis)
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y)
    x = alt.X("from:Q", title=None, scale=_scale(plot), axis=alt.Axis(labels=False))
    bars = base.mark_bar(height=_TRACK - 4, cornerRadius=2, opacity=0.4).encode(
        x=x, x2="to:Q", color=alt.Color("colour:N", scale=None), description="told:N"
    )
    names = base.mark_text(align="left", fontSize=min(11, plot.font), limit=plot.pixels).encode(
        x="at:Q", text="text:N", color=alt.Color("edge:N", scale=None)
    )
    return alt.layer(bars, names).properties(height=count * _TRACK)


def _streams(upgrade: Upgrade, plot: Plot, colours: dict[str, str]) -> _Layered:
    labels, places = place_rows(upgrade.streams)
    order = [str(i) for i in range(len(labels))]
    heads = [str(i) for i in range(len(labels)) if i not in places.values()]
    axis = alt.Axis(
        labelExpr=f"({json.dumps(labels)})[toNumber(datum.value)]",
        labelFontSize=plot.font,
        labelFontWeight=alt.condition(  # type: ignore[no-untyped-call, unused-ignore]
            f"indexof({json.dumps(heads)}, datum.value) >= 0", alt.value(600), alt.value(400)
        ),
    )
    y = alt.Y("row:N", scale=alt.Scale(domain=order), title=None, axis=axis)
    x = alt.X(
        "from:Q",
        title="seconds since the watch began",
        scale=_scale(plot),
        axis=alt.Axis(tickCount=8 if plot.font == FONT else 4),
    )
    colour = alt.Color("colour:N", scale=None)
    bands = _chart(_bands(upgrade.phases, colours)).mark_rect(
        opacity=0.13, stroke="var(--ink)", strokeWidth=0.5, strokeOpacity=0.5
    )
    lines = _chart(_lines(upgrade.streams, places, plot)).mark_rule(
        strokeWidth=1, color="var(--skip)", opacity=0.6
    )
    marks = _chart(_outages(upgrade.streams, places, plot)).mark_bar(
        orient="horizontal", stroke="var(--paper)", strokeWidth=0.5
    )
    numbers = _chart(_numbers(upgrade.phases, plot)).mark_text(
        align="left", dx=2, fontSize=10, color="var(--muted)"
    )
    verdicts = _chart(_verdicts(upgrade.streams, places, plot)).mark_text(
        align="left", dx=6, fontWeight="bold"
    )
    size = alt.Size("thick:Q", scale=None)
    return alt.layer(
        bands.encode(x=x, x2="to:Q", color=colour),
        lines.encode(x=x, x2="to:Q", y=y),
        numbers.encode(x=x, y=y, text="text:N"),
        marks.encode(x=x, x2="to:Q", y=y, color=colour, size=size, description="told:N"),
        verdicts.encode(x=x, y=y, text="text:N", color=colour),
    ).properties(height=len(labels) * _ROW)


def _chart(rows: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=rows))


def _scale(plot: Plot) -> alt.Scale:
    return alt.Scale(domain=[plot.begin, plot.end], nice=False)


def _bands(phases: Iterable[Phase], colours: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"from": p.started, "to": p.started + p.seconds, "colour": colours[p.cluster]}
        for p in phases
        if p.component
    ]


def _numbers(phases: Sequence[Phase], plot: Plot) -> list[dict[str, Any]]:
    """Each phase's number over its band, in the first cluster's row, where there is room."""
    shown: list[dict[str, Any]] = []
    free = -1.0
    for number_, phase in sorted(enumerate(phases, 1), key=lambda each: each[1].started):
        at = plot.at(phase.started)
        if phase.component and at >= free:
            shown.append({"row": "0", "from": phase.started, "text": str(number_)})
            free = at + 8 + 6 * len(str(number_))
    return shown


def _lines(streams: Iterable[Stream], places: dict[str, int], plot: Plot) -> list[dict[str, Any]]:
    return [
        {"row": str(places[stream.key]), "from": low, "to": high}
        for stream in streams
        for low, high in between(stream.gaps, plot.begin, plot.end)
    ]


def _outages(streams: Iterable[Stream], places: dict[str, int], plot: Plot) -> list[dict[str, Any]]:
    pairs = [(stream, outage) for stream in streams for outage in stream.episodes]
    # The worst are drawn last, over the others.
    pairs.sort(key=lambda each: -KINDS.index(each[1].kind))
    return [_outage(places[stream.key], outage, plot) for stream, outage in pairs]


def _outage(row: int, outage: Outage, plot: Plot) -> dict[str, Any]:
    begin = min(outage.started, plot.end - plot.seconds(_LEAST))
    end = max(outage.started + outage.low, begin + plot.seconds(_LEAST))
    return {
        "row": str(row),
        "from": begin,
        "to": end,
        "thick": _THICK[outage.kind],
        "colour": f"var(--kind-{outage.kind})",
        "told": one_line(
            f"{outage.kind} at {outage.started:.2f} s for {span(outage.low, outage.high)} "
            f"during {outage.phase}: {number(outage.n)} of {number(outage.of)}, {outage.seen}"
        ),
    }


def _verdicts(
    streams: Iterable[Stream], places: dict[str, int], plot: Plot
) -> list[dict[str, Any]]:
    return [
        {
            "row": str(places[stream.key]),
            "from": plot.end,
            "text": _GLYPHS[stream.verdict],
            "colour": f"var(--{stream.verdict})",
        }
        for stream in streams
    ]
