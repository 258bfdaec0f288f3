"""The container engine: the user's Docker if it answers, else a private one.

Answers one question, which engine, and gives one handle to it. How a private one is
started and stopped stands in private_engine.py, whether one will do in doctor.py. It never
configures, restarts or prunes an engine that was already there.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_fixed

from clusters import engine_facts, private_engine, talking
from clusters.engine_facts import Facts
from clusters.errors import CommandError, EngineError
from clusters.home import Home
from clusters.process import answers, pipe, run
from clusters.settings import Settings
from clusters.talking import Patience

NETWORK = "plumbline"
CLONE_NEWNET = 0x40000000  # sched.h
JSON = ("--format", "{{json .}}")
USUAL = "unix:///var/run/docker.sock"
WAKING = 60  # seconds; Docker Desktop takes most of a minute from its start to its first answer
ASKING = 30  # seconds


@dataclass(frozen=True)
class Engine:
    """A handle: where Docker listens, and the network namespace its containers live in.

    `namespace` is the path of a network namespace, or None where containers can be reached
    from this process's own.
    """

    name: str
    host: str | None
    namespace: Path | None

    @property
    def env(self) -> dict[str, str]:
        """What the docker and kind programs need to find this engine and our own network."""
        variables = {"KIND_EXPERIMENTAL_DOCKER_NETWORK": NETWORK, "DOCKER_CLI_HINTS": "false"}
        return {**variables, "DOCKER_HOST": self.host} if self.host else variables

    @cached_property
    def facts(self) -> Facts:
        """What it says of itself; asked once.

        Raises:
            CommandError, EngineError: it does not answer, or not as Docker does.
        """
        documents = (self.docker(word, *JSON, timeout=ASKING) for word in ("info", "version"))
        return engine_facts.parse(*documents)

    def lacks_sys_resource(self, image: str) -> bool:
        """Whether its privileged containers, as kind's nodes are, lack CAP_SYS_RESOURCE.

        Args:
            image: any that it has with `cat` in it.

        Raises:
            CommandError: it starts no privileged container.
        """
        if self.namespace is not None:  # its parent had what this process has
            return private_engine.lacks_sys_resource()
        return engine_facts.lacks_sys_resource(
            self.docker(
                "run", "--rm", "--privileged", "--network=none", "--entrypoint=cat",
                image, "/proc/self/status",
            )
        )  # fmt: skip

    def docker(
        self,
        *argv: str | Path,
        stdin: str | None = None,
        timeout: float = 900,
        log: Path | None = None,
    ) -> str:
        """Run the docker program; as clusters.process.run."""
        return run(["docker", *argv], env=self.env, stdin=stdin, timeout=timeout, log=log)

    def pipe(self, *argv: str) -> AbstractContextManager[IO[bytes]]:
        """What the docker program prints, while it runs; as clusters.process.pipe."""
        return pipe(["docker", *argv], env=self.env)

    def pull(self, reference: str, patience: Patience) -> None:
        """`docker pull`, given up when it tells of no progress; as clusters.talking.run."""
        talking.run(["docker", "pull", reference], self.env, patience)

    def remove(self, containers: Sequence[str]) -> None:
        """Take containers away, with their volumes.

        Raises:
            CommandError: it cannot; not for what is frozen in a private engine, which is thawed.
        """
        words = ("rm", "--force", "--volumes", *containers)
        try:
            self.docker(*words)
        except CommandError:
            if self.namespace is None or not private_engine.thaw():
                raise
            self.docker(*words)

    def inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        """`docker <kind> inspect`, or None if there is no such thing."""
        try:
            documents = json.loads(self.docker(kind, "inspect", name))
        except CommandError:
            return None
        return dict(documents[0]) if documents else None

    def enter(self) -> None:
        """Put this thread, and all that it starts from now on, where containers can be reached.

        There is no way back: what needs another network must be done before.

        Raises:
            EngineError: the kernel refuses.
        """
        if self.namespace is None:
            return
        with self.namespace.open(encoding="utf-8") as file:
            # os.setns came with Python 3.12; this is the same call, setns(2).
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                raise EngineError(
                    f"to enter the network namespace {self.namespace}",
                    seen=os.strerror(ctypes.get_errno()),
                    look="ip netns list",
                )


def of_user() -> Engine | None:
    """The user's Docker, if one answers on the host or context that their environment names.

    Podman that is called docker answers too: the doctor then says why it will not do.
    """
    if not answers(["docker", "version", *JSON]):
        return None
    return Engine("the user's Docker", Settings.of_user().docker_host or None, None)


def endpoint() -> str:
    """Where the user's Docker would listen: $DOCKER_HOST, or what docker's context says."""
    host = Settings.of_user().docker_host
    if host:
        return host
    command = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    try:
        address = run(command, timeout=ASKING).strip()
    except CommandError:
        address = ""
    return address if "://" in address else USUAL  # Podman has no contexts


def socket() -> Path | None:
    """The socket of a user's Docker that does not answer, if there is one; None for none at all.

    One that $DOCKER_HOST names is meant, also where it is not there.
    """
    if _only_private() or not shutil.which("docker"):
        return None
    where = endpoint()
    path = Path(where.removeprefix("unix://"))
    meant = path.exists() or Settings.of_user().docker_host
    return path if where.startswith("unix://") and meant else None


def find(home: Home) -> Engine | None:
    """The engine that is running now, if there is one; starts nothing."""
    if not _only_private():
        user = of_user()
        if user is not None:
            return user
    if private_engine.answers(home):
        return _private(home)
    return None


def find_or_wait(home: Home, say: Callable[[str], None], *, bound: float = WAKING) -> Engine | None:
    """As `find`, but a Docker of the user's that is still starting is waited for.

    Args:
        say: is told that there is something to wait for.
        bound: seconds.
    """
    running = find(home)
    if running is not None:
        return running
    silent = socket()
    if silent is None or not os.access(silent, os.W_OK):
        return None
    say(f"waiting up to {bound:.0f} s: nobody answers on Docker's socket {silent} yet")
    waiting = Retrying(
        stop=stop_after_delay(bound),
        wait=wait_fixed(1),
        retry=retry_if_result(lambda engine: engine is None),
        retry_error_callback=_last,
    )
    return waiting(find, home)


def ensure(home: Home, say: Callable[[str], None] = lambda _: None) -> Engine:
    """The engine that is running, or a private one, started now.

    Args:
        say: as for `find_or_wait`.

    Raises:
        EngineError: none answers and none can be started here; the error says why.
    """
    running = find_or_wait(home, say)
    if running is not None:
        if running.namespace is not None:
            private_engine.renew_runtime()
        return running
    silent = socket()
    obstacle = silence(silent) if silent else private_engine.obstacle()
    if obstacle:
        raise EngineError(
            "a Docker that answers, or root on Debian for a private engine",
            seen=f"`docker version` found no server, and {obstacle}",
            look="make doctor",
        )
    private_engine.start(home)
    return _private(home)


def silence(path: Path) -> str:
    """Why nobody answers on the user's socket."""
    if not path.exists():
        return f"there is no {path}, which DOCKER_HOST names"
    if not os.access(path, os.W_OK):
        return f"this user may not write to {path}"
    return f"nobody answers on {path}, which is there"


def _last(state: RetryCallState) -> Engine | None:
    engine: Engine | None = state.outcome.result() if state.outcome else None
    return engine


def _only_private() -> bool:
    return Settings.of_user().engine == "private"


def _private(home: Home) -> Engine:
    return Engine("a private engine", private_engine.host(home), private_engine.NAMESPACE)
