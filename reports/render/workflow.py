"""A workflow's annotations: GitHub's `::error` lines for everything red of a report.

No text of a run can end such a line or begin another command. They decide nothing: what is red
is so in the results.
"""

from __future__ import annotations

from reports.causes import findings
from reports.model import Report
from reports.wording import printable

SHOWN = 10  # of one step's; GitHub leaves out any more without a word


def annotation(title: str, message: str) -> str:
    """One `::error` line, in which no text can end the line or begin another property."""
    return f"::error title={_escape(title, ':,')}::{_escape(message)}"


def of_report(report: Report) -> list[str]:
    """One line for each finding, failures first; one at least of a red report.

    As many as are shown; the last then says how many are not.
    """
    if report.exit_status == 0:  # its profile may allow a skip
        return []
    lines = [annotation(finding.title, finding.why) for finding in findings(report.red)]
    lines = lines or [annotation(report.headline, " ".join(report.notes))]
    if len(lines) <= SHOWN:
        return lines
    rest = f"and {len(lines) - SHOWN + 1} more: the report in the artifact has them all"
    return [*lines[: SHOWN - 1], annotation(report.headline, rest)]


def _escape(text: str, more: str = "") -> str:
    # As GitHub's toolkit does: the sign of the escape first.
    for sign in f"%\r\n{more}":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return printable(text)
