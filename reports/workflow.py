"""A workflow's annotations: GitHub's `::error` lines for everything red of a run or an upgrade.

No text of a run can end such a line or begin another command. They decide nothing: what is red
is so in the results.
"""

from __future__ import annotations

from collections.abc import Iterable

from reports import upgrade_wording, wording
from reports.schema import Results
from reports.upgrade_schema import Upgrade
from reports.wording import VERDICT_WORDS

SHOWN = 10  # of one step's; GitHub leaves out any more without a word


def annotation(title: str, message: str) -> str:
    """One `::error` line, in which no text can end the line or begin another property."""
    return f"::error title={_escaped(title, ':,')}::{_escaped(message)}"


def of_run(results: Results) -> list[str]:
    """One line for each requirement that is red, failures first; one at least of a red run."""
    if results.exit_status == 0:  # its profile may allow a skip
        return []
    red = (
        annotation(
            f"{asked.key} {VERDICT_WORDS[asked.verdict]}", f"{asked.sentence} {asked.reason}"
        )
        for asked in wording.not_green(results)
    )
    return _some(red, wording.headline(results), results.notes)


def of_upgrade(upgrade: Upgrade) -> list[str]:
    """One line for each finding of an upgrade, failures first; one at least of a red one."""
    if upgrade.exit_status == 0:
        return []
    red = (
        annotation(f"{found.sort} {found.key} {VERDICT_WORDS[found.verdict]}", found.reason)
        for found in upgrade_wording.findings(upgrade)
    )
    return _some(red, upgrade_wording.headline(upgrade), upgrade.notes)


def _some(lines: Iterable[str], headline: str, notes: Iterable[str]) -> list[str]:
    """As many as are shown; the last then says how many are not."""
    told = list(lines) or [annotation(headline, " ".join(notes))]
    if len(told) <= SHOWN:
        return told
    rest = f"and {len(told) - SHOWN + 1} more: the report in the artifact has them all"
    return [*told[: SHOWN - 1], annotation(headline, rest)]


def _escaped(text: str, more: str = "") -> str:
    # As GitHub's toolkit does: the sign of the escape first.
    for sign in f"%\r\n{more}":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return wording.printable(text)
