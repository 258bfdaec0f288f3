"""Speaks to the guest, by ssh from inside its network namespace, and copies files to and fro.

The guest's host key is nobody's: its network has no one else in it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from clusters.errors import CommandError
from clusters.process import environment, run
from tests.guest import network

OPTIONS = (
    "BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR",
    "ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=20",
)  # fmt: skip


@dataclass(frozen=True)
class Shell:
    """One user of the guest."""

    key: Path
    user: str = "root"

    def command(self, line: str) -> list[str]:
        """What runs a line of shell in there."""
        options = [word for option in OPTIONS for word in ("-o", option)]
        address = f"{self.user}@{network.GUEST}"
        return network.inside("ssh", "-i", self.key, *options, address, line)

    def ask(self, line: str, *, stdin: str | None = None, timeout: float = 300) -> str:
        """Run it and return what it printed.

        Raises:
            CommandError: it ended with another status than 0, or took too long.
        """
        return run(self.command(line), stdin=stdin, timeout=timeout)

    def send(self, files: Iterable[Path], folder: str, mode: str = "0755") -> None:
        """Copy files into a folder.

        Raises:
            CommandError: one could not be copied.
        """
        for file in files:
            target = shlex.quote(f"{folder}/{file.name}")
            with file.open("rb") as content:
                self._pipe(f"cat > {target} && chmod {mode} {target}", stdin=content)

    def fetch(self, folder: str, target: Path) -> None:
        """Copy a folder's content out of the guest, links as links.

        Raises:
            CommandError: it could not be read.
        """
        target.mkdir(parents=True, exist_ok=True)
        packed = target / ".packed.tar"
        with packed.open("wb") as out:
            self._pipe(f"tar -C {shlex.quote(folder)} -cf - .", stdout=out)
        run(["tar", "--extract", "--no-same-owner", f"--file={packed}", "-C", target])
        packed.unlink()

    def stream(self, line: str, log: Path, deadline: float) -> int:
        """Run it, show what it says and write it down as well; the result is its status.

        After `deadline` seconds the guest ends it, with timeout's status 124.
        """
        bounded = f"timeout --kill-after=30 {deadline:.0f} sh -c {shlex.quote(line)}"
        with log.open("ab") as out:
            process = subprocess.Popen(
                self.command(bounded), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(),
            )  # fmt: skip
            while process.stdout and (chunk := os.read(process.stdout.fileno(), 65536)):
                for sink in (sys.stdout.buffer, out):
                    sink.write(chunk)
                    sink.flush()
            return process.wait()

    def _pipe(self, line: str, stdin: object = subprocess.DEVNULL, stdout: object = None) -> None:
        done = subprocess.run(  # type: ignore[call-overload]
            self.command(line), stdin=stdin, stdout=stdout or subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=environment(), timeout=600, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CommandError(
                f"exit status 0 of `{line}` in the guest",
                seen=f"{done.returncode}: {done.stderr.decode(errors='replace')}",
            )
