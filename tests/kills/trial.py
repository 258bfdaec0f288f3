"""A trial: one run that is killed, or meets a fault, and the `down` after it.

It ends nothing but what it started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clusters.home import Home
from tests.kills import faults, footprint
from tests.kills.moments import Moment, Whom
from tests.kills.page import Row

DOWN = (sys.executable, "-m", "clusters", "down")
NAME = "kills"  # how the names of all runs here begin
POLL = 0.05  # seconds
LONGEST = 3600.0  # seconds that a command may run


@dataclass(frozen=True)
class Place:
    """Where commands run: the home, their folder of temporary files, and that of their logs."""

    home: Home
    temporary: Path
    logs: Path

    def footprint(self) -> footprint.Objects:
        return footprint.take(self.home, self.temporary, NAME)

    def start(self, words: Sequence[str], name: str, run: str = "") -> subprocess.Popen[bytes]:
        """Start a command, which says what it does into `<name>.log`."""
        environ = {**os.environ, "TMPDIR": str(self.temporary), "PYTHONUTF8": "1"}
        if run:
            environ["PLUMBLINE_RUN"] = run
        log = self.log(name)
        log.unlink(missing_ok=True)
        return start(words, environ, log)

    def call(self, words: Sequence[str], name: str, run: str = "") -> int:
        """Run a command to its end; its status."""
        return self.start(words, name, run).wait(LONGEST)

    def printed(self, name: str) -> str:
        return self.log(name).read_text(encoding="utf-8", errors="replace")

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


@dataclass(frozen=True)
class Trial:
    """A command, the moment at which it is killed, and the fault if that is something else.

    `needs` is a command that comes before it; `patience`: seconds for one that meets a fault.
    """

    of: str
    words: Sequence[str]
    moment: Moment
    name: str
    fault: str = ""
    needs: Sequence[str] = ()
    patience: float = LONGEST

    def run(self, place: Place) -> Row:
        """Run it, take the clusters down, and look what is left."""
        before = place.footprint()
        with faults.surroundings(self.fault, self.name):
            met, said = self._ran(place)
        began = time.monotonic()
        status = place.call(DOWN, f"{self.name}-down")
        seconds = time.monotonic() - began
        failed = (f"down ended with status {status}",) if status else ()
        left = (*failed, *footprint.left(place.footprint(), before))
        stage, after, _ = self.moment
        when = f"{stage.group}: {stage.name}, {after:.1f} s into it"
        return Row(of=self.of, moment=when, met=met, said=said, down=seconds, left=left)

    def _ran(self, place: Place) -> tuple[str, str]:
        """Run it until it ended or is ended; what it met, and what it said."""
        if self.needs:
            place.call(self.needs, f"{self.name}-before", self.name)
        process = place.start(self.words, self.name, self.name)
        said = ""
        try:
            met = self._meet(place, process)
            if self.fault:
                said = faults.said(self.name, process.wait(self.patience))
        except subprocess.TimeoutExpired:
            said = f"it had not ended after {self.patience:.0f} s"
        finally:
            kill(process, "group")
        return met, said

    def _meet(self, place: Place, process: subprocess.Popen[bytes]) -> str:
        if not self.await_moment(place, process):
            return "it ended before"
        if self.fault:
            return faults.FAULTS[self.fault](faults.Victim(place.home, process, self.name))
        kill(process, self.moment.whom)
        return f"SIGKILL to {'all of it' if self.moment.whom == 'group' else 'its first process'}"

    def await_moment(self, place: Place, process: subprocess.Popen[bytes]) -> bool:
        """Wait for the moment, or for the end of its stage where that comes first; False if the
        command ended before."""
        stage, after, _ = self.moment
        due: float | None = None
        while process.poll() is None:
            printed = place.printed(self.name)
            if due is None and stage.has_begun(printed):
                due = time.monotonic() + after
            if due is not None and (time.monotonic() >= due or stage.is_over(printed)):
                return True
            time.sleep(POLL)
        return False


def start(words: Sequence[str], environ: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own; what it says is added to a file."""
    with log.open("ab") as out:
        return subprocess.Popen(
            words, env=environ, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def kill(process: subprocess.Popen[bytes], whom: Whom) -> None:
    """Kill what `start` started, if it is there: all of its processes, or only the first."""
    if process.poll() is None:
        (os.killpg if whom == "group" else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
