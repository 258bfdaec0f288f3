"""The doctor: names every lack, and what mends it."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from clusters import doctor, engine, private_engine
from clusters.doctor import DISK_COLD, DISK_WARM, GIB, MEMORY_NEEDED, Finding
from clusters.errors import DoctorError
from clusters.home import Home
from tests.engines import TableEngine

Usage = namedtuple("Usage", "total used free")
Memory = namedtuple("Memory", "total")
NOTHING_THERE = "this is not root"


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with room, and with an engine that answers."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, DISK_COLD))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(MEMORY_NEEDED))
    monkeypatch.setattr(engine, "find", lambda _: TableEngine())


def finding(home: Path, name: str) -> Finding:
    (found,) = (each for each in doctor.examine(Home(home)) if each.name == name)
    return found


def test_a_machine_with_all_of_it_is_good(tmp_path: Path) -> None:
    assert finding(tmp_path, "engine").seen == "a table"
    names = {"engine", "disk", "memory", "python"}
    assert all(finding(tmp_path, name).good for name in names)


def test_without_an_engine_the_obstacle_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine, "find", lambda _: None)
    monkeypatch.setattr(private_engine, "obstacle", lambda: NOTHING_THERE)
    assert finding(tmp_path, "engine") == Finding(
        "engine", False, NOTHING_THERE, finding(tmp_path, "engine").mend
    )
    monkeypatch.setattr(private_engine, "obstacle", lambda: "")
    assert finding(tmp_path, "engine").good


def test_a_cold_forge_needs_more_disk_than_a_warm_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, DISK_WARM))
    assert finding(tmp_path, "disk").good
    monkeypatch.setattr(engine, "find", lambda _: None)
    cold = finding(tmp_path, "disk")
    assert not cold.good
    assert cold.seen == f"{DISK_WARM / GIB:.0f} GiB free, {DISK_COLD / GIB:.0f} needed"
    assert str(tmp_path) in cold.mend


def test_too_little_memory_is_a_lack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(MEMORY_NEEDED - 1))
    assert not finding(tmp_path, "memory").good


def test_programs_that_are_not_there_are_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine, "find", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("go", "mmdebstrap"):
        found = finding(tmp_path, name)
        assert not found.good
        assert found.seen.startswith("not on PATH")
        assert found.mend


def test_every_finding_says_what_mends_it(tmp_path: Path) -> None:
    assert all(each.mend and each.seen for each in doctor.examine(Home(tmp_path)))


def test_all_lacks_are_in_one_error() -> None:
    lacks = (Finding("a", False, "no a", "get a"), Finding("b", False, "no b", "get b"))
    with pytest.raises(DoctorError) as caught:
        doctor.require((Finding("c", True, "c"), *lacks))
    assert caught.value.expected == "a machine that has a, b"
    assert (caught.value.seen, caught.value.look) == ("a: no a; b: no b", "get a; get b")
    doctor.require((Finding("c", True, "c"),))


def test_the_machine_is_described_for_a_report() -> None:
    machine = doctor.machine()
    assert machine.cores >= 1
    assert machine.memory_bytes == MEMORY_NEEDED
    assert all((machine.cpu, machine.kernel, machine.system))
