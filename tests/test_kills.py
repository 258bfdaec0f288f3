"""The kills: what a footprint is, how moments are drawn, and that a trial tells what is left."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters import lock, private_engine
from clusters.home import Home
from suites.runs.run import OUT
from tests.kills import faults, footprint, moments, page, trial
from tests.kills.moments import Moment, Stage, Whom
from tests.kills.trial import Place, Trial

ROOT = Path(__file__).parents[1]


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311


objects = st.dictionaries(
    st.sampled_from(["mount", "process", "rule"]), st.frozensets(st.text("abc"), max_size=4)
)


@given(objects, objects)
def test_what_is_left_is_what_was_not_there(
    before: footprint.Objects, more: footprint.Objects
) -> None:
    both = {k: before.get(k, frozenset()) | more.get(k, frozenset()) for k in {*before, *more}}
    new = {f"{k} {name}" for k, names in more.items() for name in names - before.get(k, set())}
    assert set(footprint.left(both, before)) == new
    assert footprint.left(before, both) == (), "what goes is not left"


@given(st.lists(st.integers(0, 10**9), min_size=4, max_size=4))
def test_a_rule_is_the_same_whatever_it_counted(counts: list[int]) -> None:
    first, second, third, fourth = counts
    text = f"""# Generated at {first}
:INPUT ACCEPT [{first}:{second}]
-A INPUT -i lo -j ACCEPT
counter packets {third} bytes {fourth} accept
"""
    rules = [":INPUT ACCEPT", "-A INPUT -i lo -j ACCEPT", "accept"]
    assert list(footprint.rules_of(text)) == rules


def test_of_a_home_only_what_down_should_have_taken_counts(tmp_path: Path) -> None:
    kept = ("engine/data/x", "tools/kind", "lab/lock", "lab/owner/aws-cluster/etcd.yaml")
    for name in (*kept, "lab/aws-cluster.kind.yaml", "estimates.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(footprint.files_of(tmp_path)) == []
    strange = {
        "lab/topology.json", "lab/lock.json", "bake/0.tar", "tools/.x.1.draft",
        "lab/owner/aws-cluster/.etcd.1.draft", "lab/aws-cluster.kubeconfig",
    }  # fmt: skip
    for name in strange:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert set(footprint.files_of(tmp_path)) == strange


@given(st.sampled_from(sorted(moments.STAGES)), st.integers())
def test_a_moment_is_in_its_stage_and_drawn_again_by_its_seed(of: str, seed: int) -> None:
    stages = moments.STAGES[of]
    moment = moments.draw(stages, chance(seed))
    assert moment == moments.draw(stages, chance(seed))
    assert moment.stage in stages
    assert 0 <= moment.after <= moment.stage.seconds


@pytest.mark.parametrize("of", moments.STAGES)
def test_every_stage_is_drawn_sometime_and_everyone_killed(of: str) -> None:
    source = chance(1)
    drawn = [moments.draw(moments.STAGES[of], source) for _ in range(500)]
    assert {each.stage for each in drawn} == set(moments.STAGES[of])
    assert {each.whom for each in drawn} == {"group", "top"}


def test_of_some_groups_no_other_is_drawn() -> None:
    source = chance(1)
    drawn = [moments.draw(moments.PART, source, ["down", "bake"]) for _ in range(50)]
    assert {each.stage.group for each in drawn} == {"down", "bake"}


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("node image", "   1.2 … node image\n", "   1.4 ✓ node image 0.2 s\n"),
        ("aws-cluster: node", " 1.5 .. aws-cluster: node (about 17 s)", "16 ok aws-cluster: node"),
        ("tests", "2 workers [131 items]\n", "== 128 passed, 1 skipped in 485.34s (0:08:05) =="),
    ],
)
def test_a_stage_is_found_in_what_is_printed(name: str, begin: str, end: str) -> None:
    stage = next(each for each in moments.STAGES["e2e"] if each.name == name)
    assert [stage.has_begun(text) for text in ("   0.1 … engine\n", begin)] == [False, True]
    assert [stage.is_over(text) for text in (begin, begin + end)] == [False, True]


# --- a trial, of a small program in the place of a run ------------------------------------------

RUN = """
import subprocess, sys, time
from pathlib import Path
from clusters import lock
from clusters.home import Home
with lock.hold(Home(Path(sys.argv[1])), "e2e"):
    child = subprocess.Popen(["sleep", "60"])
    print("   0.1 … engine", flush=True)
    time.sleep(float(sys.argv[2]))
    child.kill()
"""
DOWN = """
import sys
from pathlib import Path
from clusters import lock
from clusters.home import Home
with lock.hold(Home(Path(sys.argv[1])), "down"):
    pass
"""
ENGINE = Stage("bring-up", "engine", "… engine", 9)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.delenv(lock.HELD, raising=False)
    monkeypatch.setattr(private_engine, "daemons", lambda _: [])
    monkeypatch.setattr(private_engine, "contained", list)
    name = tmp_path.name  # of this test's own run, beside others that are at work

    def processes(here: Place) -> footprint.Objects:
        return {"process": frozenset(footprint._processes(here.home, name))}

    monkeypatch.setattr(Place, "footprint", processes)
    monkeypatch.setattr(trial, "DOWN", (sys.executable, "-c", DOWN, str(tmp_path / "home")))
    return Place(Home(tmp_path / "home"), tmp_path, tmp_path)


def tried(place: Place, whom: Whom, *, lasts: float = 60, fault: str = "") -> page.Row:
    words = [sys.executable, "-c", RUN, str(place.home.root), str(lasts)]
    moment = Moment(ENGINE, 0.1, whom)
    return Trial("e2e", words, moment, place.logs.name, fault).run(place)


@pytest.mark.parametrize(
    ("whom", "met"),
    [("group", "SIGKILL to all of it"), ("top", "SIGKILL to its first process")],
)
def test_after_down_nothing_is_left_of_a_killed_run(place: Place, whom: Whom, met: str) -> None:
    row = tried(place, whom)
    assert (row.moment, row.met, row.left) == ("bring-up: engine, 0.1 s into it", met, ())


def left_by(place: Place, down: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.setattr(trial, "DOWN", down)
    row = tried(place, "top")
    for each in (each for each in row.left if each.startswith("process")):
        os.kill(int(each.split()[1]), signal.SIGKILL)
    return row.left


def test_what_is_left_is_told_by_its_name(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    status, process = left_by(place, ["false"], monkeypatch)
    assert status == "down ended with status 1"
    assert process.startswith("process ")
    assert process.endswith(" sleep")


def test_a_run_that_ends_first_is_not_called_killed(place: Place) -> None:
    assert tried(place, "top", lasts=0).met in ("it ended before", "SIGKILL to its first process")


def test_a_run_that_is_told_to_end_says_how_it_did(place: Place) -> None:
    row = tried(place, "group", fault="interrupt-twice")
    assert (row.met, row.left) == ("Ctrl-C twice", ())
    assert row.said.endswith(", no results")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_run_whose_disk_is_filled_meets_it_full_and_the_disk_goes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.logs)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(faults, "SMALL", 1_000_000)
    row = tried(place, "group", lasts=1, fault="disk")
    assert row.met == "its reports' disk full, 1 MB by others"
    assert (row.said, row.left) == ("status 0, no results", ())
    folder = OUT / place.logs.name
    assert not folder.is_mount()
    assert not list(folder.iterdir()), "it was filled on a disk of its own"


def test_a_page_has_every_row_that_was_added(tmp_path: Path) -> None:
    day = date(2026, 11, 28)
    row = page.Row(day=day, of="e2e", moment="a | b", met="SIGKILL", down=8.4, left=("mount /x",))
    for each in (row, row.model_copy(update={"left": (), "down": 3.0})):
        page.add(each, tmp_path / "kills.md")
    text = (tmp_path / "kills.md").read_text()
    assert "\n| e2e | 2 | 1 | 6 | 8 |\n" in text
    assert "\n| 2026-11-28 | e2e | a \\| b | SIGKILL |  | 8 | mount /x |\n" in text
    assert "\n| 2026-11-28 | e2e | a \\| b | SIGKILL |  | 3 | nothing |\n" in text
