"""The lock: one run at a time, it says who, and the kernel frees it however the holder dies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from clusters import files, lock
from clusters.errors import LockedError
from clusters.home import Home

HOLDER = """
import sys, time
from pathlib import Path
from clusters import lock
from clusters.home import Home
with lock.hold(Home(Path(sys.argv[1])), "up"):
    print("held", flush=True)
    time.sleep(60)
"""

PARENT = """
import subprocess, sys, time
from pathlib import Path
from clusters import lock
from clusters.home import Home
with lock.hold(Home(Path(sys.argv[1])), "e2e"):
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(["sleep", "60"], stdout=quiet)
    daemon = subprocess.Popen(["sleep", "60"], stdout=quiet, start_new_session=True)
    print(child.pid, daemon.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv(lock.HELD, raising=False)
    return Home(tmp_path)


@pytest.fixture
def another(home: Home) -> Callable[[], subprocess.Popen[str]]:
    """Start another run, and return when it holds the lock."""

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(home.root)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        return process

    return start


def ended(process: subprocess.Popen[str], by: signal.Signals) -> None:
    process.send_signal(by)
    process.communicate()


def test_a_second_run_is_told_who_holds_it(
    home: Home, another: Callable[[], subprocess.Popen[str]]
) -> None:
    other = another()
    try:
        with pytest.raises(LockedError) as caught, lock.hold(home, "down"):
            pytest.fail("two hold it")
        assert caught.value.seen.startswith(f"up, process {other.pid}, since 20")
    finally:
        ended(other, signal.SIGKILL)


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_holder_holds_nothing(
    home: Home, another: Callable[[], subprocess.Popen[str]], by: signal.Signals
) -> None:
    ended(another(), by)
    with lock.hold(home, "down"):
        assert (home.lab / "lock.json").exists()


def test_what_a_killed_holder_left_at_work_is_ended_and_its_daemons_are_not(home: Home) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(home.root)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    child, daemon = (psutil.Process(int(pid)) for pid in process.stdout.readline().split())
    try:
        ended(process, signal.SIGKILL)
        assert child.is_running()
        with lock.hold(home, "down"):
            assert not child.is_running()
            assert daemon.is_running()
    finally:
        for each in (child, daemon):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def test_a_lab_ends_nothing_of_anothers(home: Home, tmp_path: Path) -> None:
    environ = {**os.environ, lock.HELD: str(Home(tmp_path / "other").lab)}
    files.write(home.lab / "lock.json", json.dumps({"session": os.getsid(0)}))
    with subprocess.Popen(["sleep", "60"], env=environ) as other:
        with lock.hold(home, "down"):
            assert other.poll() is None
        other.kill()


def test_it_is_free_again_after_use_and_after_an_error(home: Home) -> None:
    with pytest.raises(ZeroDivisionError), lock.hold(home, "up"):
        raise ZeroDivisionError
    with lock.hold(home, "up"):
        assert os.environ[lock.HELD] == str(home.lab)
    assert lock.HELD not in os.environ
    assert not (home.lab / "lock.json").exists()


def test_a_runs_own_children_go_in_under_its_lock(home: Home) -> None:
    child = [sys.executable, "-c", HOLDER.replace("time.sleep(60)", "pass"), str(home.root)]
    with lock.hold(home, "e2e"):
        done = subprocess.run(child, capture_output=True, text=True, check=True)
        assert done.stdout == "held\n"
        assert (home.lab / "lock.json").exists(), "the child let go of what is not its own"


def test_another_lab_has_a_lock_of_its_own(home: Home, tmp_path: Path) -> None:
    with lock.hold(home, "up"), lock.hold(Home(tmp_path / "other"), "up"):
        assert (home.lab / "lock.json").exists()
