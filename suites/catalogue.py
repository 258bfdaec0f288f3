"""python -m suites.catalogue: the catalogue of requirements, docs/requirements.md.

Requirements are read off the tests by pytest's own collection, mutants off each suite's
mutants.yaml. It runs no test, talks to no cluster, and keeps no verdict: a verdict is shown only
of a results.json that is given.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from clusters.errors import ResultsError
from fixtures.mutants import Mutant, catalogue
from fixtures.plugin.options import CORE, FULL
from fixtures.plugin.requirements import ASKED
from reports.reading import read
from reports.schema import Results

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "requirements.md"
COMMAND = "python -m suites.catalogue --write"

HEAD = f"""# Requirements

Written by `{COMMAND}`; do not edit it.

A requirement is the first sentence of a test's docstring. Its source is the kind and name of the
reference manifest that requires it. Its mutants are faults made on purpose, in `mutants.yaml` of
its suite; `make mutants` shows that each of them turns the requirement red. `make e2e` asks those
of the profile `core`, `make e2e PROFILE=full` all, and both add a suite `watch` to a run: its
requirements `W1` and `W2` are faults that the monitor must find ([watch](watch.md)).
"""


@dataclass(frozen=True)
class Listed:
    """A requirement, the first profile that asks it, the mutants of its suite that it must notice,
    and those that cannot be run."""

    id: str
    suite: str
    sentence: str
    source: str
    profile: str
    mutants: tuple[Mutant, ...]
    not_run: tuple[Mutant, ...]


class _Collector:
    """A plugin of pytest that keeps the requirements of the tests that were collected."""

    def __init__(self) -> None:
        self.listed: dict[str, Listed] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if not (one := item.stash.get(ASKED, None)):
                continue
            every = catalogue(item.path.parent)
            runnable = [mutant for mutant in every if not mutant.not_applicable]
            self.listed[one.id] = Listed(
                id=one.id,
                suite=one.suite,
                sentence=one.sentence,
                source=one.source,
                profile=FULL if item.get_closest_marker("nightly") else CORE,
                mutants=tuple(mutant for mutant in runnable if one.id in mutant.kills),
                not_run=tuple(mutant for mutant in every if mutant.not_applicable),
            )


def requirements(folder: Path = ROOT / "suites") -> list[Listed]:
    """The requirements of all tests below a folder, by suite and id.

    Raises:
        RuntimeError: pytest could not collect the tests; the text is what it printed.
    """
    collector = _Collector()
    # No topology, whatever is up: a requirement is listed once, not once per cluster.
    arguments = (str(folder), "--collect-only", "-q", f"--topology={os.devnull}")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = pytest.main([f"--rootdir={ROOT}", *arguments], plugins=[collector])
    if status != pytest.ExitCode.OK:
        raise RuntimeError(printed.getvalue())
    return sorted(collector.listed.values(), key=lambda one: (one.suite, _order(one.id)))


def page(listed: Iterable[Listed], results: Results | None = None) -> str:
    """The catalogue as Markdown; with the verdicts of a run if its results are given."""
    verdicts = _verdicts(results) if results else None
    return "\n".join([HEAD, *_tables(listed, verdicts)])


def main(argv: Sequence[str] | None = None) -> int:
    """Print or write the catalogue; 0 unless the results that were named cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m suites.catalogue",
        description="Every requirement: its sentence, its source, and the mutants that it notices.",
    )
    parser.add_argument("--write", action="store_true", help="write docs/requirements.md")
    parser.add_argument("--results", type=Path, help="a run's folder: print its verdicts as well")
    options = parser.parse_args(argv)
    if options.write and options.results:
        parser.error("--write keeps no verdict: leave out --results")
    try:
        results = read(options.results) if options.results else None
    except ResultsError as error:
        print(error, file=sys.stderr)
        return 2
    text = page(requirements(), results)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


def _tables(listed: Iterable[Listed], verdicts: Mapping[str, str] | None) -> Iterator[str]:
    columns = [
        "id",
        "requirement",
        "source",
        "profile",
        "mutants",
        *(["verdict"] if verdicts else []),
    ]
    for suite, group in groupby(listed, key=lambda one: one.suite):
        yield f"## {suite}\n"
        yield _row(columns)
        yield _row(["---"] * len(columns))
        of_suite = list(group)
        for one in of_suite:
            mutants = ", ".join(f"`{mutant.name}`" for mutant in one.mutants)
            row = [one.id, one.sentence, f"`{one.source}`", one.profile, mutants or "none"]
            yield _row([*row, *([verdicts.get(one.id, "not run")] if verdicts else [])])
        for mutant in of_suite[0].not_run:
            yield f"\nNot run: `{mutant.name}`, {mutant.what}. {mutant.not_applicable}"
        yield ""


def _row(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _verdicts(results: Results) -> dict[str, str]:
    """Each requirement's verdict: one word, or one for each variant where they differ."""
    by_id: dict[str, dict[str, str]] = {}
    for entry in results.requirements:
        by_id.setdefault(entry.id, {})[entry.variant] = entry.verdict
    return {
        name: next(iter(words))
        if len(words := set(variants.values())) == 1
        else ", ".join(f"{variant}: {word}" for variant, word in variants.items())
        for name, variants in by_id.items()
    }


def _order(name: str) -> tuple[str, int]:
    """MR2 comes before MR10."""
    number = re.search(r"\d+$", name)
    return (name.rstrip("0123456789"), int(number.group()) if number else 0)


if __name__ == "__main__":
    sys.exit(main())
