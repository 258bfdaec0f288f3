"""A report as one HTML page that needs nothing else: no request, no font, no other file.

It opens from a file, on a phone and in the dark; without its script it only cannot be searched.
Every text of the report is escaped by the templates; only the figures, which this package draws
itself, go in as they are.
"""

from __future__ import annotations

import base64
import hashlib

from reports import wording
from reports.causes import causes, findings
from reports.model import Report
from reports.render.templates import TEMPLATES, environment


def html(report: Report) -> str:
    """The page, to be written beside the report's data: its links are relative to it."""
    page = environment().get_template("report.html.j2")
    groups = causes(findings(report.red), report.variants)
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    return page.render(
        report=report,
        causes=groups,
        words=wording.VERDICT_WORDS,
        wording=wording,
        script=script,
        script_hash=_hash(script),
    )


def _hash(script: str) -> str:
    """What the page's policy lets run: this script, and nothing that a text may bring along."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
