"""What a run refuses, what its results carry of the watch, and when its report is drawn."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from clusters import bringup, lock, providers
from clusters.errors import ManifestsError, PlaceError
from clusters.topology import Topology
from fixtures import manifests
from fixtures.plugin.record import ENTRIES_FILE, Record
from fixtures.plugin.requirements import Asked, save_asked
from reports import publish
from reports.model import Report
from reports.publish import STEP_SUMMARY
from reports.reading import FILE as RESULTS
from reports.schema import Results, Stage, Status
from reports.upgrade_schema import FILE
from suites import __main__ as command
from suites.runs.run import CUT, OUT, ROOM, WATCH, Run, check_room, wait_or_kill, with_watch
from suites.runs.sittings import SECOND
from tests import sessions
from tests.samples import requirement, results
from tests.upgrade_samples import bare, fault

DEAF = "import signal, time; signal.signal(2, signal.SIG_IGN); print(flush=True); time.sleep(60)"
STAGES = (Stage(phase="run", name=WATCH, started=0, seconds=30),)


def green() -> Results:
    return results(requirements=(requirement(),), status="passed")


def test_without_a_watch_nothing_is_added(tmp_path: Path) -> None:
    assert with_watch(green(), tmp_path, ()) == green()


def test_what_the_watch_found_is_a_requirement_each(tmp_path: Path) -> None:
    bare(faults=(fault(), fault())).save(tmp_path / FILE)
    results = with_watch(green(), tmp_path, STAGES)
    assert [(r.id, r.suite, r.verdict) for r in results.requirements[1:]] == [
        ("W1", "watch", "pass"),
        ("W2", "watch", "pass"),
    ]
    assert results.status == "passed"


def test_a_fault_that_was_missed_is_red(tmp_path: Path) -> None:
    bare(faults=(fault(), fault("fail"))).save(tmp_path / FILE)
    assert with_watch(green(), tmp_path, STAGES).exit_status == 1


@pytest.mark.parametrize(
    ("profile", "needs", "status"),
    [("full", "encryption", "passed"), ("core", "", "failed"), ("quick", "", "passed")],
)
def test_what_was_not_asked_counts_with_a_watch_as_without(
    profile: str, needs: str, status: str, tmp_path: Path
) -> None:
    bare(faults=(fault(),)).save(tmp_path / FILE)
    skipped = requirement("skip", id="A2", needs=needs)
    run = results(requirements=(requirement(), skipped), status="passed")
    run = run.model_copy(update={"profile": profile})
    assert with_watch(run, tmp_path, STAGES).status == status


def test_a_watch_that_left_nothing_is_red(tmp_path: Path) -> None:
    results = with_watch(green(), tmp_path, STAGES)
    assert results.status == "failed"
    assert results.requirements[-1].verdict == "inconclusive"


# --- refused before anything is asked -----------------------------------------------------------

ROUTE = manifests.REFERENCE / "httproute.yaml"


def test_a_place_for_reports_is_made_and_left_as_it_is(tmp_path: Path) -> None:
    check_room(tmp_path / "reports" / "out")
    assert list((tmp_path / "reports" / "out").iterdir()) == []


def test_a_full_disk_is_refused_before_the_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=ROOM - 100_000))
    with pytest.raises(PlaceError) as caught:
        check_room(tmp_path)
    assert caught.value.expected == f"100 MB free for reports in {tmp_path}"
    assert caught.value.seen == "99.9 MB"


def test_a_place_that_cannot_be_written_is_refused_with_its_cause(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(PlaceError) as caught:
        check_room(tmp_path / "out")
    assert caught.value.expected == f"to write reports into {tmp_path}/out"
    assert caught.value.seen == "File exists"


@pytest.mark.parametrize("name", ["with a space", "[bold]x[/bold]", "prüfung-é"])
def test_a_folder_of_manifests_is_told_as_it_is_named(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    shutil.copy(ROUTE, folder)
    own = manifests.of_user(str(folder))
    assert own.name == str(folder)
    assert own.notes[0].startswith(f"{folder} stands in for httproute.yaml")


def test_a_folder_whose_name_no_report_can_tell_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    shutil.copy(ROUTE, folder)
    with pytest.raises(ManifestsError) as caught:
        manifests.of_user(str(folder))
    assert caught.value.seen == f"{tmp_path}/caf\\xe9"
    assert str(caught.value).isascii()


def test_without_a_folder_the_reference_is_meant() -> None:
    assert manifests.of_user("").name == "reference"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command works in a folder and a home of its own, and nobody else is at work there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "home"))
    for name in ("KEEP", "MANIFESTS", "VERSIONS", STEP_SUMMARY, lock.HELD):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def programs(elsewhere: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that a command starts, none of which is run: each fails."""
    started: list[str] = []

    def program(_run: Run, phase: str, *_words: str, name: str = "") -> int:
        started.append(phase)
        return 1

    monkeypatch.setattr(Run, "program", program)
    return started


@pytest.mark.parametrize(
    ("trains", "only", "seen"),
    [
        (("2026-04", "2026-08"), "cillium", "cillium"),
        (("2026-04", "1999-01"), "", "1999-01"),
    ],
)
def test_an_upgrade_that_cannot_be_leaves_the_clusters_alone(
    trains: tuple[str, str],
    only: str,
    seen: str,
    programs: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    base, to = trains
    assert command.main(["upgrade", "--from", base, "--to", to, "--only", only]) == 1
    assert seen in capsys.readouterr().err
    assert programs == []


def test_an_upgrade_whose_clusters_do_not_come_up_takes_them_down(programs: list[str]) -> None:
    words = ["upgrade", "--from", "2026-04", "--to", "2026-08", "--only", "cilium"]
    assert command.main(words) == 1
    assert programs == ["up", "down"]


# --- drawn once, by whoever owns the run --------------------------------------------------------


@dataclass
class Suites:
    """Stands in for all programs: pytest saves results and draws them unless told not to.

    `drawn` has the folders whose report was drawn. A first sitting leaves its one requirement
    open, and the second one passes it. A program whose stage is `cut` is interrupted, and
    so is whoever draws its report then. One that is `killed` has asked for two requirements and
    come to an answer of one.
    """

    drawn: list[str] = field(default_factory=list)
    sittings: int = 0
    cut: str = ""
    killed: bool = False

    def program(self, run: Run, phase: str, *words: str) -> int:
        with run.stage(phase):
            if "pytest" in words:
                self._save(Path(next(w for w in words if w.startswith("--out=")).partition("=")[2]))
                assert "--no-report" in words
            if "upgrade-monitored" in words:
                bare().save(run.folder / FILE)
            if phase == self.cut:
                os.kill(os.getpid(), signal.SIGINT)
        return 0

    def _save(self, folder: Path) -> None:
        if self.killed:
            one, two = (
                Asked(id=name, variant="", suite="s", sentence="It holds.", source="K/n", test=name)
                for name in ("A1", "A2")
            )
            save_asked([one, two], folder)
            Record(folder / ENTRIES_FILE).add(one.came_to("pass", "held"))
            return
        self.sittings += 1
        verdict: Status = "pass" if folder.name == SECOND else "inconclusive"
        results(requirements=(requirement(verdict),)).save(folder / RESULTS)

    def draw(self, _report: Report, folder: Path) -> None:
        if self.cut:
            os.kill(os.getpid(), signal.SIGINT)  # people are impatient
        self.drawn.append(str(folder.relative_to(OUT.resolve())))


@pytest.fixture
def asked(elsewhere: None, monkeypatch: pytest.MonkeyPatch) -> Suites:
    suites = Suites()
    monkeypatch.setattr(Run, "program", lambda run, *words, **_: suites.program(run, *words))
    monkeypatch.setattr(publish, "render", suites.draw)
    monkeypatch.setattr(Topology, "load", lambda _: None)
    monkeypatch.setattr(providers, "adopted", lambda _: None)
    monkeypatch.setattr(bringup, "new_run", lambda: "one")
    return suites


UPGRADE = ["upgrade", "--from", "2026-04", "--to", "2026-08"]


@pytest.mark.parametrize(
    ("words", "sittings", "drawn"),
    [
        (["run"], 2, ["one"]),
        (["e2e"], 2, ["one"]),
        (["soak", "--times", "2"], 4, ["one-01", "one-02"]),
        (UPGRADE, 4, ["one/before", "one/after", "one"]),
    ],
)
def test_a_report_is_drawn_once_when_both_sittings_are_in_it(
    words: list[str], sittings: int, drawn: list[str], asked: Suites
) -> None:
    command.main(words)
    assert asked.sittings == sittings
    assert asked.drawn == drawn
    parts = [OUT / folder for folder in drawn if (OUT / folder / RESULTS).exists()]
    assert parts
    for part in parts:
        assert Results.load(part / RESULTS).requirements[0].verdict == "pass"


@pytest.mark.parametrize(
    ("words", "cut", "drawn"),
    [
        (["run"], "suites", ["one"]),
        (["e2e"], SECOND, ["one"]),
        (["soak"], "suites", ["one-01"]),
        (UPGRADE, "suites before", ["one/before"]),
    ],
)
def test_what_was_seen_before_an_interruption_is_drawn_too(
    words: list[str], cut: str, drawn: list[str], asked: Suites
) -> None:
    asked.cut = cut
    assert command.main(words) == 130
    assert asked.drawn == drawn


@pytest.mark.parametrize("cut", ["", "suites"])
def test_a_pytest_that_was_killed_loses_none_of_what_it_had_come_to(
    cut: str, asked: Suites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where whoever began it was interrupted, and killed it as it did not end."""
    monkeypatch.setattr(Topology, "load", lambda _: sessions.topology(tmp_path))
    asked.killed, asked.cut = True, cut
    assert command.main(["run"]) == (130 if cut else 1)
    run = Results.load(OUT / "one" / RESULTS)
    assert [(each.id, each.verdict) for each in run.requirements] == [
        ("A1", "pass"),
        ("A2", "inconclusive"),
    ]
    assert run.status == "interrupted"
    assert CUT in run.notes
    assert asked.drawn == ["one"]


def test_a_program_that_does_not_end_is_killed() -> None:
    """Also on a machine so busy that it had no time to: the run still says that it was stopped."""
    deaf = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE)
    with deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()  # it has told the signal off
        deaf.send_signal(signal.SIGINT)
        wait_or_kill(deaf, 0.1)
    assert deaf.returncode == -signal.SIGKILL
