"""The chance to accept a declared 90/10, over the share that is true: one line per rule."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import vl_convert

from tests.bench.walks import Numbers

WIDTH, HEIGHT = 620, 260
# Of Okabe and Ito's palette, told apart by all eyes and on light and dark ground.
COLOURS = ("#0072b2", "#d55e00", "#999999")


def operating_characteristic(true: Numbers, accept: Mapping[str, Numbers]) -> str:
    """SVG of the chance to accept, by the name of a rule, at each true share."""
    rows = [
        {"true": round(float(share), 4), "accept": round(float(chance), 4), "rule": rule}
        for rule, chances in accept.items()
        for share, chance in zip(true, chances, strict=True)
    ]
    chart = (
        alt.Chart(alt.InlineData(values=rows), width=WIDTH, height=HEIGHT)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X(
                "true:Q",
                title="true share of the first backend",
                scale=alt.Scale(zero=False),
                axis=alt.Axis(tickCount=10, format=".2f"),
            ),
            y=alt.Y("accept:Q", title="chance to accept 90/10"),
            color=alt.Color(
                "rule:N",
                title=None,
                sort=list(accept),
                scale=alt.Scale(domain=list(accept), range=list(COLOURS[: len(accept)])),
                legend=alt.Legend(orient="bottom"),
            ),
        )
    )
    config = {"background": "white", "font": "system-ui, sans-serif", "view": {"stroke": None}}
    return vl_convert.vegalite_to_svg(chart.to_dict() | {"config": config}, allowed_base_urls=[])
