"""Signals: an error instead of death, and no child of ours left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from clusters import signals
from clusters.errors import InterruptedRunError

RUN = """
import subprocess, sys
from clusters import signals
from clusters.errors import InterruptedRunError
from clusters.process import run
quiet = subprocess.DEVNULL
daemon = subprocess.Popen(["sleep", "61"], stdout=quiet, start_new_session=True)
shell = subprocess.Popen(["sh", "-c", "sleep 62 & echo $!; wait"], stdout=subprocess.PIPE)
print(daemon.pid, shell.pid, shell.stdout.readline().decode(), end="", flush=True)
try:
    with signals.as_errors():
        run(["sleep", "63"])
except InterruptedRunError as error:
    print(error.seen, flush=True)
    sys.exit(130)
"""


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("sent", signals.SIGNALS)
def test_a_signal_ends_our_children_and_no_daemon(sent: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    daemon, *children = map(int, process.stdout.readline().split())
    waiting = psutil.Process(process.pid)
    while not any(child.cmdline()[-1:] == ["63"] for child in waiting.children()):
        assert process.poll() is None
        time.sleep(0.02)
    try:
        process.send_signal(sent)
        said, _ = process.communicate(timeout=30)
        assert said == f"{sent.name}\n"
        assert process.returncode == 130
        assert not [pid for pid in children if alive(pid)]
        assert alive(daemon), "what has a session of its own is not a step's child"
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_a_second_signal_does_not_stop_the_clearing_up() -> None:
    events = []

    def end() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        events.append("cleared")

    with pytest.raises(InterruptedRunError, match="SIGINT"), signals.as_errors(end):
        os.kill(os.getpid(), signal.SIGINT)
    assert events == ["cleared"]


def test_handlers_are_put_back() -> None:
    before = {each: signal.getsignal(each) for each in signals.SIGNALS}
    with signals.as_errors(lambda: None):
        assert signal.getsignal(signal.SIGTERM) is not before[signal.SIGTERM]
    assert {each: signal.getsignal(each) for each in signals.SIGNALS} == before
