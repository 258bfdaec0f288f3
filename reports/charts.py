"""The charts of the page, as SVG text drawn offline.

Colours are the page's CSS variables, so that a chart follows light and dark. It fetches
nothing, and what it draws is only what the results say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import altair as alt
import vl_convert

from reports.measures import Share
from reports.schema import Stage
from reports.wording import duration, one_line

CLUSTER_COLOURS = 4
WIDTH = 800
_MOST_LABEL = 240
_CHARACTER = 7
_ROW = 22
_CONFIG: dict[str, Any] = {
    # A screen reader gets the figure's caption and the table beside it, not a list of bars.
    "aria": False,
    "background": "transparent",
    "padding": {"left": 0, "top": 2, "right": 10, "bottom": 4},
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "grid": False,
        "gridColor": "var(--rule)",
        "labelColor": "var(--ink)",
        "labelFontSize": 12,
        "labelPadding": 8,
        "titleColor": "var(--muted)",
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "axisX": {
        "grid": True,
        "labelColor": "var(--muted)",
        "labelFlush": False,
        "titleAnchor": "start",
        "titlePadding": 8,
    },
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "color": "var(--ink)",
        "fontSize": 13,
        "fontWeight": 600,
        "offset": 8,
    },
    "text": {"color": "var(--muted)", "fontSize": 12},
}


def stage_chart(stages: Sequence[Stage]) -> str:
    """When each stage began and how long it took: a chart per phase, on one scale of time.

    Returns:
        SVG; empty if there are no stages.
    """
    if not stages:
        return ""
    last = max(s.started + s.seconds for s in stages) or 1.0
    unit, name = (60.0, "minutes") if last >= 180 else (1.0, "seconds")
    colours = cluster_colours(s.cluster for s in stages)
    met = list(dict.fromkeys(s.phase for s in stages))
    ordered = sorted(stages, key=lambda s: (met.index(s.phase), s.started))
    phases = [list(group) for _, group in groupby(ordered, key=lambda s: s.phase)]
    titles = [*(None for _ in phases[1:]), f"{name} since the phase began"]
    charts = [
        _phase(phase, _time(last / unit, title), unit, colours)
        for phase, title in zip(phases, titles, strict=True)
    ]
    return svg(alt.vconcat(*charts, spacing=14), (s.name for s in stages))


def cluster_colours(clusters: Iterable[str]) -> dict[str, str]:
    """A colour for each cluster, in the order they are met; what is of no cluster is grey."""
    named = dict.fromkeys(filter(None, clusters))
    colours = {c: f"var(--cluster-{i % CLUSTER_COLOURS})" for i, c in enumerate(named)}
    return colours | {"": "var(--quiet)"}


def share_chart(shares: Sequence[Share]) -> str:
    """Each measured share with its interval against the weight that was declared.

    Returns:
        SVG; empty if there are no shares.
    """
    if not shares:
        return ""
    rows = [_share_row(i, s) for i, s in enumerate(shares)]
    labels = [one_line(f"{s.requirement.key} {s.of}") for s in shares]
    y = row_axis(rows, labels)
    x = alt.X(
        "low:Q",
        title="share of answers, with its interval; the bar across is the declared weight",
        axis=alt.Axis(format="~%", tickCount=8),
        scale=alt.Scale(zero=False, nice=True, padding=16),
    )
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y)
    lines = base.mark_rule(strokeWidth=3, strokeCap="round").encode(x=x, x2="high:Q")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(x="measured:Q")
    declared = base.mark_tick(thickness=2, size=18, color="var(--ink)").encode(x="declared:Q")
    verdict = alt.Color("colour:N", scale=None)
    chart = alt.layer(lines.encode(color=verdict), points.encode(color=verdict), declared)
    return svg(chart.properties(height=alt.Step(_ROW + 6)), labels)


def _phase(
    stages: list[Stage], time: alt.X, unit: float, colours: dict[str, str]
) -> alt.LayerChart | alt.FacetChart:
    rows = [
        {
            "row": str(i),
            "from": s.started / unit,
            "to": (s.started + s.seconds) / unit,
            "took": duration(s.seconds),
            "colour": colours[s.cluster],
        }
        for i, s in enumerate(stages)
    ]
    y = row_axis(rows, [one_line(s.name) for s in stages])
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y)
    bars = base.mark_bar(height=10, cornerRadius=2).encode(
        x=time, x2="to:Q", color=alt.Color("colour:N", scale=None)
    )
    texts = base.mark_text(align="left", dx=6).encode(x="to:Q", text="took:N")
    return alt.layer(bars, texts).properties(height=alt.Step(_ROW), title=one_line(stages[0].phase))


def _time(last: float, title: str | None) -> alt.X:
    """The axis of time, with its figures only where it has a title: under the last chart."""
    # Room at the right for the last bar's text.
    scale = alt.Scale(domain=[0, last * 1.18], nice=False)
    axis = alt.Axis(tickCount=8, labels=title is not None)
    return alt.X("from:Q", title=title, scale=scale, axis=axis)


def row_axis(rows: Sequence[dict[str, Any]], labels: Sequence[str]) -> alt.Y:
    """Rows in the given order under their labels, which need not differ from each other."""
    axis = alt.Axis(labelExpr=f"({json.dumps(labels)})[toNumber(datum.value)]")
    return alt.Y("row:N", sort=[row["row"] for row in rows], title=None, axis=axis)


def _share_row(index: int, share: Share) -> dict[str, Any]:
    return {
        "row": str(index),
        "low": share.low,
        "high": share.high,
        "measured": share.measured,
        "declared": share.declared,
        "colour": f"var(--{share.requirement.verdict})",
    }


def label_width(labels: Iterable[str], most: int = _MOST_LABEL) -> int:
    """The room that rows' labels take, in pixels."""
    return min(most, 16 + _CHARACTER * max(map(len, labels)))


def svg(chart: alt.TopLevelMixin, labels: Iterable[str]) -> str:
    """All charts are equally wide, so that the page shows their text in one size."""
    return draw_svg(chart, label_width(labels), WIDTH)


def draw_svg(chart: alt.TopLevelMixin, width: int, whole: int) -> str:
    """A chart in the page's style, its labels `width` pixels of the `whole`."""
    view = _CONFIG["view"] | {"continuousWidth": whole - width}
    config = _CONFIG | {"view": view, "axisY": _flush_left(width)}
    return vl_convert.vegalite_to_svg(chart.to_dict() | {"config": config}, allowed_base_urls=[])


def _flush_left(width: int) -> dict[str, Any]:
    """Labels of one width, so that they stand on the page's margin and all plots in one line."""
    extent = {"minExtent": width, "maxExtent": width}
    return {"labelAlign": "left", "labelPadding": width, "labelLimit": width - 12} | extent
