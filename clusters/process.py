"""Runs other programs: by argument list, with a bounded time, and an error that can be pasted.

Never through a shell, and never with the user's KUBECONFIG in the environment. What talks to
the clusters is given no proxy: they are on this machine. What talks to the outside is.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from clusters import files
from clusters.errors import CommandError

TAIL = 25  # lines of a failed program's output that an error repeats
CHUNK = 1 << 20  # bytes
PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY"})
"""The variables that curl, Go and Python read, in capitals or in small letters."""


def environment(extra: Mapping[str, str] | None = None, *, direct: bool = False) -> dict[str, str]:
    """This process's environment without the user's KUBECONFIG, plus `extra`.

    Args:
        direct: without the user's proxies too, and with a word that there be none.
    """
    kept = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    return {**(without_proxies(kept) if direct else kept), **(extra or {})}


def without_proxies(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables without those that name a proxy, and with NO_PROXY for every host.

    The latter also against proxies from elsewhere: kind gives its nodes those of Docker's own
    configuration, and beside them the NO_PROXY of its environment.
    """
    kept = {key: value for key, value in variables.items() if key.upper() not in PROXIES}
    return {**kept, "NO_PROXY": "*", "no_proxy": "*"}


def run(  # noqa: PLR0913 - one place for all that a program can be given
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = 900,
    log: Path | None = None,
    direct: bool = False,
    scratch: bool = False,
) -> str:
    """Run a program to its end and return what it printed on standard output.

    Args:
        env: added to this process's environment.
        timeout: seconds.
        log: a file that gets standard output and error instead; the result is then empty.
        direct: by no proxy, as what talks to the clusters must.
        scratch: its temporary files are in a folder that goes when it ends, or by `down` if that
            was by a kill.

    Raises:
        CommandError: it is not there, ended with another status than 0, or took too long.
    """
    command = [str(part) for part in argv]
    with contextlib.ExitStack() as stack:
        if scratch:
            own = stack.enter_context(files.draft_folder(Path(tempfile.gettempdir())))
            own.chmod(0o711)  # apt's own user passes through it
            env = {**(env or {}), "TMPDIR": str(own)}
        out: IO[bytes] | int = subprocess.PIPE
        stdin_source: IO[bytes] | int = subprocess.DEVNULL
        if stdin is not None:
            stdin_source = stack.enter_context(tempfile.TemporaryFile())
            stdin_source.write(stdin.encode())
            stdin_source.seek(0)
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            out = stack.enter_context(log.open("wb"))
        try:
            done: subprocess.CompletedProcess[bytes] = subprocess.run(
                command,
                cwd=cwd,
                env=environment(env, direct=direct),
                stdin=stdin_source,
                stdout=out,
                stderr=subprocess.PIPE if log is None else subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        except OSError as error:
            raise absence(command[0], error) from None
        except subprocess.TimeoutExpired:
            raise CommandError(
                f"{command_line(command, env)} to end within {timeout:.0f} s",
                seen="it was still running and was stopped",
                look=f"less {log}" if log else command_line(command, env),
            ) from None
    output = (done.stdout or b"").decode(errors="replace")
    if done.returncode != 0:
        said = _read(log) if log else done.stderr.decode(errors="replace")
        raise CommandError(
            f"exit status 0 of {command_line(command, env)}",
            seen=f"exit status {done.returncode}\n" + "\n".join(said.splitlines()[-TAIL:]),
            look=f"less {log}" if log else "run the command above",
        )
    return output


@contextlib.contextmanager
def pipe(
    argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, timeout: float = 900
) -> Iterator[IO[bytes]]:
    """What a program prints on standard output, to be read while it runs.

    Args:
        env: added to this process's environment.
        timeout: seconds, for all of it.

    Raises:
        CommandError: it is not there, ended with another status than 0, or took too long. If the
            reader failed over an output that ended early, this tells why it did.
    """
    command = [str(part) for part in argv]
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(tempfile.TemporaryFile())
        try:
            running = subprocess.Popen(
                command, env=environment(env), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        except OSError as error:
            raise absence(command[0], error) from None
        stack.enter_context(running)
        stack.callback(running.kill)
        late = threading.Timer(timeout, running.kill)
        late.start()
        stack.callback(late.cancel)
        output = cast(IO[bytes], running.stdout)
        try:
            yield output
        except Exception:
            if output.read(1):
                raise  # the reader's own affair: the program had more to say
            if running.wait() == 0:
                raise
        else:
            while output.read(CHUNK):
                pass
            if running.wait() == 0:
                return
        errors.seek(0)
        said = errors.read().decode(errors="replace").splitlines()[-TAIL:]
        raise CommandError(
            f"exit status 0 of {command_line(command, env)}, within {timeout:.0f} s",
            seen="\n".join([f"exit status {running.returncode}", *said]),
            look="run the command above",
        ) from None


def _read(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


def absence(program: str, error: OSError) -> CommandError:
    """That a program could not be started."""
    reason = f"{error.strerror}: {error.filename}"
    return CommandError(f"the program {program}", seen=reason, look="make doctor")


def answers(argv: Sequence[str | Path], *, timeout: float = 10) -> bool:
    """Whether a program is there and ends with status 0 in time."""
    try:
        run(argv, timeout=timeout)
    except CommandError:
        return False
    return True


def command_line(command: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """The command as a person can paste it into a shell."""
    words = [f"{key}={shlex.quote(value)}" for key, value in (env or {}).items()]
    return " ".join([*words, shlex.join(command)])
