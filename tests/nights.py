"""Nights as they might have been, for the tests of the merged report: three cells each.

Nothing here was measured.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from clusters.files import write
from reports import gathering
from reports.cells import Cell, CellStatus, Matrix, State
from reports.compare import compare
from reports.gathering import Account
from reports.of_matrix import CellReport, Merged, merge
from reports.publish import publish
from reports.schema import Requirement, Results, Status
from reports.upgrade_schema import Stream, Upgrade
from tests import samples

OLD, NEW = Cell.of_suites("2031-01", "full"), Cell.of_suites("2031-07", "full")
UP = Cell.of_upgrade("2031-01", "2031-07")
PLAN = (OLD, NEW, UP)


def asked(key: str, verdict: Status = "pass", **more: object) -> Requirement:
    return samples.requirement(verdict, id=key, variant="", **more)


def run(train: str, *requirements: Requirement) -> Results:
    return samples.results(requirements).model_copy(update={"train": train, "stages": ()})


def stream(verdict: Status = "pass", **changed: object) -> Stream:
    plain = {
        "name": "rbac-frontend-new",
        "suite": "rbac_denial",
        "cluster": "aws-cluster",
        "sentence": "GET /api/v1 as frontend is served",
        "demand": "allow",
        "connections": "new",
        "rate": 100.0,
        "n": 6000,
        "counts": {} if verdict == "pass" else {"refused": 12},
        "watched": 1.0,
        "blind": 0.02,
        "verdict": verdict,
        "reason": "all were served" if verdict == "pass" else "12 of 6000 were refused in 0.3 s",
    }
    return Stream.model_validate(plain | changed)


def upgrade(*streams: Stream, after: Status = "pass") -> Upgrade:
    before, then = run("2031-01", asked("CS1")), run("2031-07", asked("CS1", after))
    good = after == "pass" and all(each.verdict == "pass" for each in streams)
    return Upgrade(
        run="up",
        status="passed" if good else "failed",
        began=samples.BEGAN,
        ended=samples.BEGAN + timedelta(minutes=31),
        base="2031-01",
        to="2031-07",
        versions={"istio": "1.30.0"},
        versions_to={"istio": "1.31.0"},
        machine=before.machine,
        streams=streams,
        before="../before",
        comparison=compare(before, then),
    )


def left(root: Path, old: Results, new: Results, up: Upgrade) -> Path:
    """What a workflow has downloaded: a folder per artifact, and in it the run's."""
    for cell, found in zip(PLAN, (old, new, up), strict=True):
        folder = root / f"cell-{cell.name}" / cell.name
        name = "upgrade.json" if cell.kind == "upgrade" else "results.json"
        folder.mkdir(parents=True)
        write(folder / name, found.model_dump_json().encode())
        (folder / "report.html").write_text("a page")
        (folder / "histories").mkdir()
    run("2031-01", asked("CS1")).save(root / f"cell-{UP.name}" / "before" / "results.json")
    return root


def green(root: Path) -> Path:
    each = run("2031-01", asked("CS1")), run("2031-07", asked("CS1")), upgrade(stream())
    return left(root / "green", *each)


def red(root: Path) -> Path:
    old = run("2031-01", asked("CS1"), asked("CS2"))
    new = run("2031-07", asked("CS1", "fail", reason="too many"), asked("CS2", "inconclusive"))
    return left(root / "red", old, new, upgrade(stream("fail"), after="fail"))


def report(folder: Path, out: Path, base: Path | None = None) -> Merged:
    merged = merge(gathering.carry(gathering.gather([folder]), out), out, base)
    publish(merged, out)
    return merged


def seen(cell: Cell, found: Account, status: CellStatus = "failed") -> CellReport:
    return CellReport(State(cell=cell, status=status), "1", found)


def of(*cells_seen: CellReport) -> Merged:
    states = tuple(each.state for each in cells_seen)
    began = datetime(2031, 8, 1, tzinfo=UTC)
    return Merged(Matrix(run="m", began=began, cells=states), cells_seen)
