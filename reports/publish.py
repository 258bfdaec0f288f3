"""Publishing a run: its results, every form made from them, and the link to the latest.

Each file appears whole or not at all. It changes nothing outside the run's folder but the
link `latest` beside that, and, where a step summary is asked for, the file for that. What can
not be done there is told in a line, and changes nothing of a run's verdict.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from clusters import files
from clusters.errors import PlaceError
from clusters.files import write
from reports.html import html
from reports.junit import junit
from reports.markdown import markdown
from reports.reading import FILE
from reports.schema import Results

LATEST = "latest"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def publish(results: Results, directory: Path) -> None:
    """Save the results in `directory`, point `latest` beside it there, render all forms.

    Raises:
        PlaceError: the folder cannot be written.
    """
    directory = directory.resolve()
    results.save(directory / FILE)
    # Before rendering: whatever a rendering may run into, `latest` must not stay at an
    # older run, whose green would be taken for this one's.
    point(directory.parent / LATEST, directory.name)
    render(results, directory)


def render(results: Results, directory: Path) -> tuple[Path, ...]:
    """Write junit.xml, summary.md and report.html into `directory`; return their paths.

    Raises:
        PlaceError: the folder cannot be written.
    """
    # The page comes last: it takes longest, and the others are of use without it.
    return (
        write(directory / "junit.xml", junit(results)),
        write(directory / "summary.md", markdown(results).encode()),
        write(directory / "report.html", html(results).encode()),
    )


def append_step_summary(results: Results, environment: Mapping[str, str]) -> Path | None:
    """Append the Markdown to the file that GITHUB_STEP_SUMMARY names, if it names one.

    Returns:
        That file, or None if there is none or it cannot be written.
    """
    return append(markdown(results), environment)


def append(text: str, environment: Mapping[str, str]) -> Path | None:
    """The same with any Markdown."""
    if not environment.get(STEP_SUMMARY):
        return None
    path = Path(environment[STEP_SUMMARY])
    try:
        with path.open("a", encoding="utf-8") as summary:
            summary.write(text)
    except OSError as error:
        _tell(f"no step summary: {STEP_SUMMARY}={path}: {error.strerror}")
        return None
    return path


def point(link: Path, target: str) -> None:
    """Replace the link in one step, so that nobody ever finds it missing.

    What is there and is no link is somebody's, and is left alone; so is a disk without links.
    """
    if link.exists() and not link.is_symlink():
        _tell(f"{link} is no link and was left alone: this run is {target}; look: rm -r {link}")
        return
    try:
        files.link(link, target)
    except PlaceError as error:
        _tell(f"{link} does not lead to {target}, which is this run: {error.seen}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr)
