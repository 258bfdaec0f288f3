"""A report as one HTML page that needs nothing else: no request, no font.

It opens from a file, on a phone and in the dark. Every text of the report is escaped by the
templates; only the figures, which this package draws itself, go in as they are.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import wording
from reports.model import Cell, Report, Table

_TEMPLATES = Path(__file__).parent.parent / "templates"


def html(report: Report) -> str:
    """The page, to be written beside the report's data: its links are relative to it."""
    page = environment().get_template("report.html.j2")
    return page.render(report=report, words=wording.VERDICT_WORDS, wording=wording)


@cache
def environment() -> Environment:
    """What a page is made with: texts are escaped, and none can be unprintable."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    made.filters |= {"anchor": _anchor, "relative": _relative, "number": wording.number}
    made.tests |= {"cell": lambda value: isinstance(value, Cell)}
    made.tests |= {"table": lambda value: isinstance(value, Table)}
    return made


def _printable(value: object) -> object:
    # Only plain strings: what is marked as safe already would lose its mark.
    return wording.printable(value) if type(value) is str else value


def _anchor(key: str) -> str:
    return "r-" + re.sub(r"[^0-9A-Za-z]+", "-", key).strip("-")


def _relative(path: str) -> str:
    """A link that cannot leave for a host or a scheme, whatever `path` holds."""
    return "./" + quote(path)
