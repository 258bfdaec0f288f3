"""Reading results.json and upgrade.json back, with errors that say what to do.

A file whose status its own entries contradict is refused: it was changed, or made by something
else.
"""

from __future__ import annotations

from pathlib import Path

from clusters.errors import ResultsError
from reports.schema import Results
from reports.upgrade_schema import FILE as UPGRADE
from reports.upgrade_schema import Upgrade

FILE = "results.json"


def read(place: Path) -> Results:
    """The results of the run whose folder `place` is, or of the file of them that it is.

    Raises:
        ResultsError: no results there, not JSON, another schema version, a field missing or
            unknown, or a status that its own requirements contradict.
    """
    path = place if place.is_file() else place / FILE
    if not path.is_file() and (place / UPGRADE).is_file():
        raise ResultsError(
            f"{path}, the results of a run",
            seen="an upgrade's folder",
            look=f"name that of a run of its suites, as its {UPGRADE} does",
        )
    results = Results.load(path)
    if results.status == "passed" and not _can_have_passed(results):
        raise ResultsError(
            f"{path}: a status that agrees with the requirements",
            seen=f"status passed with {results.count('fail')} failed and "
            f"{results.count('inconclusive')} inconclusive of {len(results.requirements)}",
            look="the file was changed or made by something else: run the suites again",
        )
    return results


def read_upgrade(directory: Path) -> Upgrade:
    """The upgrade whose folder `directory` is.

    Raises:
        ResultsError: as for a run.
    """
    path = directory / UPGRADE
    upgrade = Upgrade.load(path)
    if "passed" == upgrade.status != upgrade.come_to():
        raise ResultsError(
            f"{path}: a status that agrees with the verdicts",
            seen="status passed where something is red or nothing was watched",
            look="the file was changed or made by something else: run the upgrade again",
        )
    return upgrade


def read_any(directory: Path) -> Results | Upgrade:
    """The run or the upgrade whose folder it is.

    Raises:
        ResultsError: as for a run.
    """
    return read_upgrade(directory) if (directory / UPGRADE).is_file() else read(directory)


def _can_have_passed(results: Results) -> bool:
    # A skip may be allowed by the profile; nothing asked, or anything red, never is.
    passes = results.count("pass")
    return passes > 0 and not results.count("fail") and not results.count("inconclusive")
