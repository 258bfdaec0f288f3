"""Runs a program that tells how far it is, and gives it up when it has told nothing for too long.

For work of unknown length, such as a pull: what matters is whether it still goes on. It never
judges what it was told.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clusters.errors import CommandError
from clusters.process import TAIL, absence, command_line, environment

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # ECMA-48: where the cursor goes, colours
LINE_END = re.compile(r"[\r\n]+")
SILENT = "no answer within"
"""How the error of a program that was given up begins to tell what was seen."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to try.

    Attributes:
        first: until it tells anything at all.
        more: until it tells something new, from then on.
        tries: how often what can pass by itself is tried.
    """

    first: float = 30
    more: float = 90
    tries: int = 3


def run(argv: Sequence[str], env: Mapping[str, str], patience: Patience) -> None:
    """Run a program to its end, on a terminal of its own: to others few tell how far they are.

    Raises:
        CommandError: it ended with another status than 0, or told nothing new for too long.
    """
    try:
        master, slave = pty.openpty()
    except OSError as error:
        reason = str(error.strerror or error)
        raise CommandError("a free terminal (pty)", seen=reason, look="ls /dev/pts") from None
    with tempfile.TemporaryFile() as errors, os.fdopen(master, "rb", buffering=0) as screen:
        try:
            running = subprocess.Popen(
                argv, env=environment(env), stdin=subprocess.DEVNULL, stdout=slave, stderr=errors
            )
        except OSError as error:
            raise absence(argv[0], error) from None
        finally:
            os.close(slave)
        try:
            silent = _listen(screen.fileno(), patience)
            if silent is None:
                running.wait()
        finally:
            running.kill()
            running.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
    if silent is not None:
        ending = f"{SILENT} {silent:.0f} s, and it was given up\n{said}".strip()
    elif running.returncode:
        ending = "\n".join(said.splitlines()[-TAIL:]) or f"exit status {running.returncode}"
    else:
        return
    raise CommandError(
        f"exit status 0 of {command_line(argv, env)}", seen=ending, look=command_line(argv, env)
    )


def _listen(screen: int, patience: Patience) -> float | None:
    """Until the program has closed its terminal; else the seconds for which it told nothing new.

    What it only writes again, as a screen is drawn anew, is nothing new.
    """
    known: set[str] = set()
    half, since = "", time.monotonic()
    while True:
        limit = patience.more if known else patience.first
        left = since + limit - time.monotonic()
        if left <= 0 or not select.select([screen], [], [], left)[0]:
            return limit
        try:
            chunk = os.read(screen, 65536)
        except OSError:  # EIO is how Linux says that nobody has the other end any more
            return None
        if not chunk:
            return None
        *lines, half = LINE_END.split(half + CONTROL.sub("", chunk.decode(errors="replace")))
        if not known.issuperset(lines):
            known.update(lines)
            since = time.monotonic()
