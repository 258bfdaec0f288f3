"""The soak: what counts as a bad run, and cores that are kept busy."""

from __future__ import annotations

import multiprocessing

import pytest
from rich.console import Console

from clusters.home import Home
from reports.schema import Status
from suites.runs import soak
from suites.runs.run import Run
from tests import samples


@pytest.mark.parametrize(
    ("verdicts", "burn", "bad"),
    [
        (["pass"], False, False),
        (["pass", "inconclusive"], False, True),
        (["pass", "inconclusive"], True, False),
        (["pass", "fail"], True, True),
        (["pass", "skip"], False, True),
        ([], True, True),
    ],
)
def test_a_run_is_bad_by_what_is_not_green(verdicts: list[Status], burn: bool, bad: bool) -> None:
    requirements = tuple(
        samples.requirement(verdict, id=f"CS{number}") for number, verdict in enumerate(verdicts)
    )
    explained = samples.requirement("skip", id="TE5", needs="encryption")
    for each in (requirements, (*requirements, explained)):
        results = samples.results(requirements=each)
        run = Run("one", Home.of_user())
        console = Console(quiet=True)
        assert soak._print(console, run, results, 1, 2, burn=burn) is bad


@pytest.mark.parametrize("cores", [0, 2])
def test_cores_are_busy_for_as_long_as_it_lasts(cores: int) -> None:
    before = len(multiprocessing.active_children())
    with soak._burning(cores):
        assert len(multiprocessing.active_children()) == before + cores
    assert len(multiprocessing.active_children()) == before
