"""Reading results.json back, with errors that say what to do.

It accepts only what this version of the schema describes, and never repairs or guesses.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from reports.schema import SCHEMA, Results

FILE = "results.json"


class Unreadable(Exception):  # noqa: N818 - reads as what it is: "except Unreadable"
    """The results cannot be used; the text says what was expected, what was seen, what to do."""


def read(directory: Path) -> Results:
    """The results of the run whose folder `directory` is.

    Raises:
        Unreadable: no results there, not JSON, another schema version, a field missing or
            unknown, or a status that its own requirements contradict.
    """
    path = directory / FILE
    results = _parse(path, _text(path))
    if results.status == "passed" and not _can_have_passed(results):
        raise Unreadable(
            f"{path}: expected a status that agrees with the requirements, saw status passed with "
            f"{results.count('fail')} failed and {results.count('inconclusive')} inconclusive of "
            f"{len(results.requirements)}. The file was changed or made by something else: "
            f"run the suites again."
        )
    return results


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise Unreadable(
            f"{path}: expected the results of a run, saw: {why}. "
            f"Run `make e2e` first, or name the folder of a run that has a {FILE}."
        ) from error


def _parse(path: Path, text: str) -> Results:
    _refuse_other_version(path, text)
    try:
        return Results.model_validate_json(text)
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
