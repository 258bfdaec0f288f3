"""The doctor: asks for what the chosen way needs, names every lack, and what mends it."""

from __future__ import annotations

import platform
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from clusters import address_range, doctor, engine, inotify, private_engine
from clusters.doctor import (
    DISK_COLD,
    DISK_PULL,
    DISK_WARM,
    GIB,
    IMAGES_BAKED,
    IMAGES_PULL,
    IMAGES_UPGRADE,
    MEMORY_NEEDED,
)
from clusters.engine import Engine
from clusters.errors import DoctorError
from clusters.finding import Finding
from clusters.home import Home
from clusters.images import golang
from clusters.inotify import Limits
from clusters.plan import Range
from tests import documents
from tests.documents import PARTS, Document
from tests.engines import TableEngine

Usage = namedtuple("Usage", "total used free")
Memory = namedtuple("Memory", "total")
PLENTY = Limits(8192, 10**6)
PRIVATE = Path("/run/netns/plumbline")


class Clinic:
    """A machine with room and a user's Docker; a test takes things away."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.patch = Home(home), monkeypatch
        self.patch.setattr(sys, "platform", "linux")
        for name in ("IMAGES", "MIRROR", "ENGINE", "DOCKER_HOST", address_range.VARIABLE):
            self.patch.delenv(name, raising=False)
        self.patch.setattr(engine, "endpoint", lambda: engine.USUAL)
        self.patch.setattr(private_engine, "obstacle", lambda: "this is not root")
        self.patch.setattr(psutil, "virtual_memory", lambda: Memory(MEMORY_NEEDED))
        self.patch.setattr(address_range, "holders", lambda _: ())
        self.patch.setattr(inotify, "limits", lambda: PLENTY)
        self.free = DISK_COLD
        self.patch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, self.free))
        self.docker()

    def engine(self, found: Engine | None) -> None:
        self.patch.setattr(engine, "find_or_wait", lambda *_: found)

    def docker(self, baked: str = "", private: bool = False, **info: object) -> None:
        """A Docker that says so of itself; its data are in a folder that is there."""
        here: Document = {"DockerRootDir": str(self.home.root), "KernelVersion": platform.release()}
        answers = documents.answers({**documents.DOCKER_28, **here, **info}, *PARTS)
        says = {**answers, "images": baked}
        self.engine(TableEngine(says=says, namespace=PRIVATE if private else None))

    def findings(self) -> dict[str, Finding]:
        return {each.name: each for each in doctor.examine(self.home)}

    def levels(self) -> set[str]:
        return {each.level for each in self.findings().values()}


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    return Clinic(tmp_path, monkeypatch)


def test_docker_and_room_are_enough(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(clinic.home.root))  # neither Go nor mmdebstrap
    assert clinic.levels() == {"good"}
    assert clinic.findings()["engine"].seen == "a table, 28.5.1"
    assert not {"go", "mmdebstrap"} & clinic.findings().keys()


@pytest.mark.parametrize(
    ("setting", "private", "builds"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"IMAGES": "forge"}, False, True),
        ({"IMAGES": "forge", "MIRROR": "m.example:5000"}, False, True),
        ({"IMAGES": "pull"}, True, False),
        ({"MIRROR": "127.0.0.1:5000"}, True, False),
        ({"MIRROR": "m.example:5000"}, False, False),
    ],
)
def test_a_builders_tools_are_asked_for_where_images_are_built(
    clinic: Clinic,
    monkeypatch: pytest.MonkeyPatch,
    setting: dict[str, str],
    private: bool,
    builds: bool,
) -> None:
    monkeypatch.setenv("PATH", str(clinic.home.root))
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    clinic.docker(private=private)
    findings = clinic.findings()
    assert ({"go", "mmdebstrap"} <= findings.keys()) == builds
    assert findings["images"].seen.startswith("forge, because" if builds else "pull, because")
    for name in ("go", "mmdebstrap") if builds else ():
        assert findings[name].level == "bad"
        assert findings[name].seen.endswith("not on PATH")
        assert findings[name].mend


@pytest.mark.parametrize(
    ("lack", "level"), [("", "good"), ("go version go1.19.8 linux/amd64 is too old", "bad")]
)
def test_go_must_be_able_to_build(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, lack: str, level: str
) -> None:
    said = "go version go1.26.8 linux/amd64"
    monkeypatch.setenv("IMAGES", "forge")
    monkeypatch.setattr(golang, "obstacle", lambda: lack)
    monkeypatch.setattr(doctor, "run", lambda _: f"{said}\n")
    finding = clinic.findings()["go"]
    assert (finding.level, finding.seen) == (level, lack or said)
    assert finding.mend == golang.MEND


def test_a_private_engine_brings_the_builder_of_its_roots(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.engine(None)
    monkeypatch.setattr(engine, "socket", lambda: None)
    monkeypatch.setattr(private_engine, "obstacle", lambda: "")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert clinic.findings()["mmdebstrap"].level == "good"
    assert clinic.findings()["engine"].level == "good"


@pytest.mark.parametrize("other", ["darwin", "win32", "freebsd14"])
def test_anything_but_linux_is_refused_in_one_line(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    monkeypatch.setattr(sys, "platform", other)
    (only,) = doctor.examine(clinic.home)
    assert (only.name, only.level) == ("system", "bad")
    assert "Linux only" in only.seen
    assert only.mend
    assert "macOS" in only.seen or other != "darwin"


def test_an_engine_that_will_not_do_is_all_that_is_said(clinic: Clinic) -> None:
    clinic.docker(SecurityOptions=["name=rootless"])
    assert clinic.findings().keys() == {"engine", "python"}
    assert clinic.findings()["engine"].level == "bad"


@pytest.mark.parametrize(
    ("limits", "cgroup", "level"),
    [
        (Limits(24, 192536), "1", "bad"),
        (Limits(24, 192536), "2", "bad"),
        (Limits(128, 192536), "1", "warning"),
        (Limits(128, 192536), "2", "bad"),
        (Limits(512, 192536), "2", "warning"),
        (Limits(512, 192536), "1", "good"),
        (Limits(512, 524288), "2", "good"),
        (Limits(512, 4096), "1", "bad"),
        (Limits(512, 4096), "2", "bad"),
    ],
)
def test_watched_files_are_limited(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, limits: Limits, cgroup: str, level: str
) -> None:
    monkeypatch.setattr(inotify, "limits", lambda: limits)
    clinic.docker(CgroupVersion=cgroup)
    finding = clinic.findings()["inotify"]
    assert finding.level == level
    assert f"{limits.instances} instances" in finding.seen
    assert "sysctl -w fs.inotify.max_user_instances=512" in finding.mend
    assert "sysctl -w fs.inotify.max_user_watches=524288" in finding.mend


def test_what_mends_the_limits_is_enough_for_both_versions() -> None:
    assert all(inotify.RAISED.reaches(each) for each in inotify.WANTED.values())
    assert all(inotify.WANTED[each].reaches(inotify.NEEDED[each]) for each in (1, 2))


def test_limits_are_read_from_the_kernel(tmp_path: Path) -> None:
    assert inotify.limits(tmp_path) is None
    (tmp_path / "max_user_instances").write_text("128\n")
    (tmp_path / "max_user_watches").write_text("65536\n")
    assert inotify.limits(tmp_path) == Limits(128, 65536)
    (tmp_path / "max_user_watches").write_text("")
    assert inotify.limits(tmp_path) is None


FEW, MANY = "128\n", "1600000\n"


@pytest.mark.parametrize(
    ("instances", "since", "end"),
    [(FEW, None, "128"), (FEW, "9000", "9000"), (MANY, None, MANY)],
)
def test_limits_that_are_raised_are_put_back_but_for_what_was_changed_since(
    instances: str, since: str | None, end: str, tmp_path: Path
) -> None:
    file, record = tmp_path / "max_user_instances", tmp_path / "record"
    file.write_text(instances)
    (tmp_path / "max_user_watches").write_text(MANY)
    inotify.raise_limits(record, tmp_path)
    raised = inotify.limits(tmp_path)
    assert raised
    assert raised.reaches(inotify.WANTED[2].times(3))
    assert record.exists() == (instances == FEW), "nothing is to be put back where nothing was"
    if since:
        file.write_text(since)
    for _ in range(2):
        inotify.put_back(record, tmp_path)
    assert file.read_text() == end
    assert (tmp_path / "max_user_watches").read_text() == MANY
    assert not record.exists()


def test_without_an_engine_the_limits_are_those_that_ours_will_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inotify, "limits", lambda: Limits(24, 4096))
    monkeypatch.setattr(doctor, "_cgroup", lambda: 2)
    for may, level in ((True, "good"), (False, "bad")):
        monkeypatch.setattr(inotify, "may_be_raised", lambda may=may: may)
        (finding,) = doctor._inotify(None, 1.0)
        assert finding.level == level


def test_another_machines_limits_are_not_read_from_ours(clinic: Clinic) -> None:
    """Docker Desktop's engine has a kernel of its own."""
    clinic.docker(KernelVersion="6.10.14-linuxkit", OperatingSystem="Docker Desktop")
    findings = clinic.findings()
    assert "inotify" not in findings
    assert findings["kernel"].seen == "6.10.14-linuxkit"
    assert findings["engine"].level == "warning"


@pytest.mark.parametrize(
    ("release", "level"),
    [
        ("6.8.0-88-generic", "good"),
        ("5.10.0-1-amd64", "good"),
        ("5.4.0-200-generic", "warning"),
        ("4.18.0-553.el8_10.x86_64", "warning"),
        ("4.15.0-20-generic", "bad"),
        ("", "bad"),
    ],
)
def test_the_kernel_is_the_engines(clinic: Clinic, release: str, level: str) -> None:
    clinic.docker(KernelVersion=release)
    assert clinic.findings()["kernel"].level == level


def test_a_larger_lab_needs_more(monkeypatch: pytest.MonkeyPatch, clinic: Clinic) -> None:
    def levels(size: float) -> list[str]:
        findings = {each.name: each for each in doctor.examine(clinic.home, size=size)}
        return [findings[name].level for name in ("memory", "inotify")]

    monkeypatch.setattr(inotify, "limits", lambda: inotify.NEEDED[2])
    clinic.docker(CgroupVersion="2", MemTotal=MEMORY_NEEDED)
    assert levels(1.0) == ["good", "warning"]
    assert levels(1.5) == ["bad", "bad"]
    assert "max_user_instances=768" in inotify.mend(1.5)


def test_memory_and_cores_are_the_engines(clinic: Clinic) -> None:
    clinic.docker(MemTotal=MEMORY_NEEDED - 1)
    assert clinic.findings()["memory"].level == "bad"
    clinic.docker(MemTotal=MEMORY_NEEDED, NCPU=1)
    assert clinic.findings()["memory"].level == "warning"
    clinic.docker(MemTotal=MEMORY_NEEDED, NCPU=2)
    assert clinic.findings()["memory"].level == "good"


@pytest.mark.parametrize(
    ("free", "baked", "level"),
    [
        (IMAGES_PULL - 1, "", "bad"),
        (IMAGES_PULL, "", "warning"),
        (IMAGES_UPGRADE, "", "good"),
        (IMAGES_PULL - 1, "0123456789ab\n", "warning"),
        (IMAGES_BAKED - 1, "0123456789ab\n", "bad"),
    ],
)
def test_images_need_room_on_the_engines_disk(
    clinic: Clinic, free: int, baked: str, level: str
) -> None:
    clinic.docker(baked)
    clinic.free = free
    finding = clinic.findings()["images' disk"]
    assert finding.level == level
    assert str(clinic.home.root) in finding.mend


def test_an_engines_disk_that_is_not_seen_is_told(clinic: Clinic) -> None:
    clinic.docker(DockerRootDir="/nowhere/docker")
    finding = clinic.findings()["images' disk"]
    assert (finding.level, finding.seen) == ("warning", "/nowhere/docker is not seen from here")


def test_a_private_engines_data_are_in_our_own_folder(clinic: Clinic) -> None:
    clinic.docker(private=True, DockerRootDir="/nowhere/docker")
    assert "images' disk" not in clinic.findings()


def test_a_cold_build_needs_more_disk_than_a_warm_one_or_a_pull(clinic: Clinic) -> None:
    clinic.docker(private=True)
    clinic.free = DISK_WARM
    cold = clinic.findings()["disk"]
    assert cold.level == "bad"
    assert cold.seen == f"{DISK_WARM / GIB:.0f} GiB free, {DISK_COLD / GIB:.0f} needed"
    assert str(clinic.home.root) in cold.mend
    clinic.home.folder("forge")
    assert clinic.findings()["disk"].level == "good"
    clinic.docker()
    clinic.free = DISK_PULL
    assert clinic.findings()["disk"].level == "good"
    clinic.free = DISK_PULL - 1
    assert clinic.findings()["disk"].level == "bad"


def test_a_range_that_is_passed_over_is_told_with_its_holder(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clinic.findings()["addresses"].seen == "198.18.0.0/15"
    held = (address_range.Holder("fake0", Range.parse("198.18.0.0/15").whole),)
    monkeypatch.setattr(address_range, "holders", lambda _: held)
    finding = clinic.findings()["addresses"]
    assert finding.level == "warning"
    assert "fake0 (198.18.0.0/15)" in finding.seen
    assert finding.seen.startswith("10.198.0.0/15")
    monkeypatch.setenv(address_range.VARIABLE, "198.18.0.0/15")
    finding = clinic.findings()["addresses"]
    assert finding.level == "bad"
    assert "in use by fake0" in finding.seen
    assert address_range.VARIABLE in finding.mend
    monkeypatch.setenv(address_range.VARIABLE, "198.18.0.0/16")
    assert clinic.findings()["addresses"].mend


def test_every_finding_says_what_mends_it(clinic: Clinic) -> None:
    findings = [*clinic.findings().values()]
    assert all(each.seen for each in findings)
    assert all(each.mend for each in findings if each.name not in ("engine", "images"))


def test_all_lacks_are_in_one_error_and_warnings_are_let_pass() -> None:
    lacks = (Finding("a", "bad", "no a", "get a"), Finding("b", "bad", "no b", "get b"))
    passed = (Finding("c", "good", "c"), Finding("d", "warning", "little d", "more d"))
    with pytest.raises(DoctorError) as caught:
        doctor.require((*passed, *lacks))
    assert caught.value.expected == "a machine that has a, b"
    assert (caught.value.seen, caught.value.look) == ("a: no a; b: no b", "get a; get b")
    doctor.require(passed)


def test_the_machine_is_described_for_a_report(clinic: Clinic) -> None:
    machine = doctor.machine()
    assert machine.cores >= 1
    assert machine.memory_bytes == MEMORY_NEEDED
    assert all((machine.cpu, machine.kernel, machine.system))
