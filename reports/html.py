"""Results as one HTML page that needs nothing else: no request, no script, no font.

It opens from a file, on a phone and in the dark. Every text of the run is escaped by the
templates; only the charts, which this package draws itself, go in as they are.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import wording
from reports.charts import cluster_colours, share_chart, stage_chart
from reports.measures import groups, latencies, shares
from reports.schema import Results

_TEMPLATES = Path(__file__).parent / "templates"


def html(results: Results) -> str:
    """The page, to be written beside results.json: its links are relative to it."""
    page = environment().get_template("report.html.j2")
    return page.render(
        results=results,
        wording=wording,
        colours=cluster_colours(results.stages),
        stage_chart=stage_chart(results.stages),
        shares=shares(results.requirements),
        share_chart=share_chart(shares(results.requirements)),
        latencies=latencies(results.requirements),
    )


@cache
def environment() -> Environment:
    """What every page is made with: texts are escaped, and none can be unprintable."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    made.filters |= {"anchor": _anchor, "relative": _relative, "groups": groups}
    made.filters |= {"number": wording.number, "duration": wording.duration}
    return made


def _printable(value: object) -> object:
    # Only plain strings: what is marked as safe already would lose its mark.
    return wording.printable(value) if type(value) is str else value


def _anchor(key: str) -> str:
    return "r-" + re.sub(r"[^0-9A-Za-z]+", "-", key).strip("-")


def _relative(path: str) -> str:
    """A link that cannot leave for a host or a scheme, whatever `path` holds."""
    return "./" + quote(path)
