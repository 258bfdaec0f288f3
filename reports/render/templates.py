"""The templates of pages and pictures: every text is escaped, and none can be unprintable."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import reasons, wording
from reports.model import Cell, Table

TEMPLATES = Path(__file__).parent.parent / "templates"


@cache
def environment() -> Environment:
    """What a page is made with: texts are escaped, and none can be unprintable."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    templates.filters |= {"anchor": _anchor, "relative": _relative, "number": wording.number}
    templates.filters |= {"request": reasons.request, "triple": reasons.triple}
    templates.tests |= {"cell": lambda value: isinstance(value, Cell)}
    templates.tests |= {"table": lambda value: isinstance(value, Table)}
    return templates


def _printable(value: object) -> object:
    # Only plain strings: what is marked as safe already would lose its mark.
    return wording.printable(value) if type(value) is str else value


def _anchor(key: str) -> str:
    return "r-" + re.sub(r"[^0-9A-Za-z]+", "-", key).strip("-")


def _relative(path: str) -> str:
    """A link that cannot leave for a host or a scheme, whatever `path` holds."""
    return "./" + quote(path)
