"""A program that talks is waited for, one that has fallen silent is given up: real programs."""

from __future__ import annotations

import sys
import time

import psutil
import pytest

from clusters import talking
from clusters.errors import CommandError
from clusters.images import refusals
from clusters.talking import Patience

SOON = Patience(first=5, more=0.7)


def python(program: str) -> list[str]:
    return [sys.executable, "-c", f"import sys, time\n{program}"]


def test_it_has_a_terminal_as_few_tell_others_how_far_they_are() -> None:
    talking.run(python("sys.exit(not sys.stdout.isatty())"), {}, SOON)


def test_its_environment_is_given() -> None:
    program = "import os; sys.exit(os.environ['WORD'] != 'said' or 'KUBECONFIG' in os.environ)"
    talking.run(python(program), {"WORD": "said"}, SOON)


def test_what_goes_on_is_waited_for_however_long() -> None:
    began = time.monotonic()
    script = "for n in range(12): print(n, end='\\r', flush=True); time.sleep(0.1)"
    talking.run(python(script), {}, SOON)
    assert time.monotonic() - began > SOON.more


def test_a_failure_has_its_own_words() -> None:
    with pytest.raises(CommandError) as caught:
        talking.run(python("print('on it'); sys.exit('denied')"), {}, SOON)
    assert caught.value.seen == "denied"
    with pytest.raises(CommandError) as caught:
        talking.run(python("sys.exit(3)"), {}, SOON)
    assert caught.value.seen == "exit status 3"


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match="the program plumbline-no-such-program"):
        talking.run(["plumbline-no-such-program"], {}, SOON)


@pytest.mark.parametrize(
    ("program", "patience"),
    [
        ("", Patience(first=1, more=60)),
        ("print('Pulling', flush=True)", Patience(first=30, more=1)),
        (
            "while 1: print('\\x1b[1A\\x1b[2K1MB/9MB', flush=True); time.sleep(0.05)",
            Patience(first=30, more=1),
        ),
    ],
    ids=["never a word", "then silent", "drawn anew"],
)
def test_silence_is_bounded(program: str, patience: Patience) -> None:
    before = set(psutil.Process().children())
    began = time.monotonic()
    with pytest.raises(CommandError, match="no answer within 1 s, and it was given up") as caught:
        talking.run(python(f"{program}\ntime.sleep(60)"), {}, patience)
    assert 1 <= time.monotonic() - began < 20
    assert refusals.reason(caught.value.seen).name == "slow"
    assert set(psutil.Process().children()) == before, "it was ended"
