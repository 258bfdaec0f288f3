"""Reading results.json and upgrade.json back, with errors that say what to do.

It accepts only what this version of the schema describes, and never repairs or guesses.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from reports.schema import SCHEMA, Results
from reports.upgrade_schema import FILE as UPGRADE
from reports.upgrade_schema import Upgrade

FILE = "results.json"

Read = TypeVar("Read", Results, Upgrade)


class Unreadable(Exception):  # noqa: N818 - reads as what it is: "except Unreadable"
    """The results cannot be used; the text says what was expected, what was seen, what to do."""


def read(place: Path) -> Results:
    """The results of the run whose folder `place` is, or of the file of them that it is.

    Raises:
        Unreadable: no results there, not JSON, another schema version, a field missing or
            unknown, or a status that its own requirements contradict.
    """
    path = place if place.is_file() else place / FILE
    results = _parse(Results, path, _text(path))
    if results.status == "passed" and not _can_have_passed(results):
        raise Unreadable(
            f"{path}: expected a status that agrees with the requirements, saw status passed with "
            f"{results.count('fail')} failed and {results.count('inconclusive')} inconclusive of "
            f"{len(results.requirements)}. The file was changed or made by something else: "
            f"run the suites again."
        )
    return results


def read_upgrade(directory: Path) -> Upgrade:
    """The upgrade whose folder `directory` is.

    Raises:
        Unreadable: as for a run.
    """
    path = directory / UPGRADE
    upgrade = _parse(Upgrade, path, _text(path))
    if "passed" == upgrade.status != upgrade.come_to():
        raise Unreadable(
            f"{path}: expected a status that agrees with the verdicts, saw status passed where "
            f"something is red or nothing was watched. The file was changed or made by "
            f"something else: run the upgrade again."
        )
    return upgrade


def read_any(directory: Path) -> Results | Upgrade:
    """The run or the upgrade whose folder it is.

    Raises:
        Unreadable: as for a run.
    """
    return read_upgrade(directory) if (directory / UPGRADE).is_file() else read(directory)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise Unreadable(
            f"{path}: expected the results of a run, saw: {why}. {_hint(path)}"
        ) from error


def _hint(path: Path) -> str:
    if path.name == FILE and (path.parent / UPGRADE).is_file():
        return (
            f"It is an upgrade's folder: name that of a run of its suites, as its {UPGRADE} does."
        )
    return f"Run `make e2e` first, or name the folder of a run that has a {path.name}."


def _parse(model: type[Read], path: Path, text: str) -> Read:
    _refuse_other_version(path, text)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        seen = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors()[:5]
        )
        raise Unreadable(
            f"{path}: expected schema version {SCHEMA} (docs/results.md), saw "
            f"{error.error_count()} errors: {seen}. "
            f"Run the suites again, or correct what wrote the file."
        ) from error


def _refuse_other_version(path: Path, text: str) -> None:
    """Say so first: every other error of a newer file would only be a consequence of it."""
    try:
        seen = json.loads(text)
    except ValueError:
        return
    if isinstance(seen, dict) and seen.get("schema_version", SCHEMA) != SCHEMA:
        raise Unreadable(
            f"{path}: expected schema version {SCHEMA}, saw {seen['schema_version']!r}. "
            f"Read it with the revision of Plumbline that wrote it."
        )


def _can_have_passed(results: Results) -> bool:
    # A skip may be allowed by the profile; nothing asked, or anything red, never is.
    asked = results.count("pass")
    return asked > 0 and not results.count("fail") and not results.count("inconclusive")
