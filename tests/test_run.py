"""A run's results carry what the watch made of its faults, or that it made nothing of them."""

from __future__ import annotations

from pathlib import Path

from reports.schema import Results, Stage
from reports.upgrade_schema import FILE
from suites.run import WATCH, with_watch
from tests.samples import requirement, results
from tests.upgrade_samples import bare, fault

STAGES = (Stage(phase="run", name=WATCH, started=0, seconds=30),)


def green() -> Results:
    return results(requirements=(requirement(),), status="passed")


def test_without_a_watch_nothing_is_added(tmp_path: Path) -> None:
    assert with_watch(green(), tmp_path, ()) == green()


def test_what_the_watch_found_is_a_requirement_each(tmp_path: Path) -> None:
    bare(faults=(fault(), fault())).save(tmp_path / FILE)
    told = with_watch(green(), tmp_path, STAGES)
    assert [(r.id, r.suite, r.verdict) for r in told.requirements[1:]] == [
        ("W1", "watch", "pass"),
        ("W2", "watch", "pass"),
    ]
    assert told.status == "passed"


def test_a_fault_that_was_missed_is_red(tmp_path: Path) -> None:
    bare(faults=(fault(), fault("fail"))).save(tmp_path / FILE)
    assert with_watch(green(), tmp_path, STAGES).exit_status == 1


def test_a_watch_that_left_nothing_is_red(tmp_path: Path) -> None:
    told = with_watch(green(), tmp_path, STAGES)
    assert told.status == "failed"
    assert told.requirements[-1].verdict == "inconclusive"
