"""Publishing an upgrade: upgrade.json, every form made from it, and the link to the latest.

Each file appears whole or not at all. It changes nothing outside the upgrade's folder but the
link `latest` beside that, and, where a step summary is asked for, the file for that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from clusters.files import write
from reports import upgrade_wording, wording
from reports.html import environment
from reports.publish import LATEST, append, point
from reports.upgrade_charts import colours_of, timeline
from reports.upgrade_junit import junit
from reports.upgrade_markdown import markdown
from reports.upgrade_schema import FILE, Upgrade
from reports.upgrade_terminal import PAGE


def publish(upgrade: Upgrade, directory: Path, variables: Mapping[str, str] | None = None) -> None:
    """Save the upgrade in `directory`, point `latest` beside it there, render all forms.

    The Markdown is appended to the file that GITHUB_STEP_SUMMARY names, if it names one.

    Raises:
        OSError: a file cannot be written.
    """
    directory = directory.resolve()
    upgrade.save(directory / FILE)
    # Before rendering: whatever that may run into, `latest` must not stay at an older run.
    point(directory.parent / LATEST, directory.name)
    append_step_summary(upgrade, os.environ if variables is None else variables)
    render(upgrade, directory)


def append_step_summary(upgrade: Upgrade, variables: Mapping[str, str]) -> Path | None:
    """Append the Markdown to the file that GITHUB_STEP_SUMMARY names, if it names one."""
    return append(markdown(upgrade), variables)


def render(upgrade: Upgrade, directory: Path) -> tuple[Path, ...]:
    """Write junit-upgrade.xml, upgrade.md and upgrade.html into `directory`; return their paths.

    Raises:
        OSError: the folder cannot be written.
    """
    # The page comes last: it takes longest, and the others are of use without it.
    return (
        write(directory / "junit-upgrade.xml", junit(upgrade)),
        write(directory / "upgrade.md", markdown(upgrade).encode()),
        write(directory / PAGE, html(upgrade).encode()),
    )


def html(upgrade: Upgrade) -> str:
    """The page, to be written beside upgrade.json: its links are relative to it."""
    page = environment().get_template("upgrade.html.j2")
    return page.render(
        upgrade=upgrade,
        words=upgrade_wording,
        wording=wording,
        colours=colours_of(upgrade),
        wide=timeline(upgrade),
        narrow=timeline(upgrade, narrow=True),
    )
