"""Publishing: the results, every form made from them, and the link to the latest.

Each file appears whole or not at all. It changes nothing outside the report's folder but the
link beside that, and, where a step summary is asked for, the file for that. What can not be
done there is told in a line, and changes nothing of a verdict.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from clusters import files
from clusters.errors import PlaceError
from clusters.files import write
from reports import of_matrix, of_mutants, of_run, of_upgrade
from reports.kill_matrix import KillMatrix
from reports.model import Files, Report
from reports.of_matrix import Merged
from reports.render.html import html
from reports.render.junit import junit
from reports.render.markdown import markdown
from reports.schema import Results
from reports.upgrade_schema import Upgrade

LATEST = "latest"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"

AnyResults = Results | Upgrade | KillMatrix | Merged


def report_of(results: AnyResults, folder: Path | None = None) -> Report:
    """The report of whatever there is to tell of; with the pictures of what `folder` holds."""
    match results:
        case Results():
            return of_run.report(results, folder)
        case Upgrade():
            return of_upgrade.report(results)
        case KillMatrix():
            return of_mutants.report(results)
        case Merged():
            return of_matrix.report(results)


def files_of(results: AnyResults) -> Files:
    """The names of its files; known before anything is rendered."""
    modules = {Results: of_run, Upgrade: of_upgrade, KillMatrix: of_mutants, Merged: of_matrix}
    names: Files = modules[type(results)].FILES
    return names


def publish(results: AnyResults, directory: Path) -> None:
    """Save it in `directory`, point the link beside that there, render all forms.

    Raises:
        PlaceError: the folder cannot be written.
    """
    directory = directory.resolve()
    files.free(directory)
    names = files_of(results)
    results.save(directory / names.data)
    # Before rendering: whatever a rendering may run into, `latest` must not stay at an
    # older run, whose green would be taken for this one's.
    if names.latest:
        point(directory.parent / names.latest, directory.name)
    render(report_of(results, directory), directory)


def render(report: Report, directory: Path) -> tuple[Path, ...]:
    """Write the JUnit, the Markdown and the page into `directory`; return their paths.

    Raises:
        PlaceError: the folder cannot be written.
    """
    names = report.files
    written = [write(directory / names.junit, junit(report))] if names.junit else []
    written.append(write(directory / names.summary, markdown(report).encode()))
    # The page comes last: it takes longest, and the others are of use without it.
    written.append(write(directory / names.page, html(report).encode()))
    return tuple(written)


def append_step_summary(results: AnyResults, environment: Mapping[str, str]) -> Path | None:
    """Append the Markdown to the file that GITHUB_STEP_SUMMARY names, if it names one.

    Returns:
        That file, or None if there is none or it cannot be written.
    """
    if not environment.get(STEP_SUMMARY):
        return None
    path = Path(environment[STEP_SUMMARY])
    try:
        with path.open("a", encoding="utf-8") as summary:
            summary.write(markdown(report_of(results)))
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
