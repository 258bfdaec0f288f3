"""The container engine: the user's Docker if it answers, else a private one.

Answers one question, which engine, and gives one handle to it. How a private one is
started and stopped stands in private_engine.py. It never configures, restarts or prunes
an engine that was already there.
"""

from __future__ import annotations

import ctypes
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clusters import private_engine, talking
from clusters.errors import CommandError, EngineError
from clusters.home import Home
from clusters.process import answers, run
from clusters.talking import Patience

NETWORK = "plumbline"
CLONE_NEWNET = 0x40000000  # sched.h


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
        found = {"KIND_EXPERIMENTAL_DOCKER_NETWORK": NETWORK, "DOCKER_CLI_HINTS": "false"}
        return {**found, "DOCKER_HOST": self.host} if self.host else found

    def docker(
        self,
        *argv: str | Path,
        stdin: str | None = None,
        timeout: float = 900,
        log: Path | None = None,
    ) -> str:
        """Run the docker program; as clusters.process.run."""
        return run(["docker", *argv], env=self.env, stdin=stdin, timeout=timeout, log=log)

    def pull(self, reference: str, patience: Patience) -> None:
        """`docker pull`, given up when it tells of no progress; as clusters.talking.run."""
        talking.run(["docker", "pull", reference], self.env, patience)

    def inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        """`docker <kind> inspect`, or None if there is no such thing."""
        try:
            found = json.loads(self.docker(kind, "inspect", name))
        except CommandError:
            return None
        return dict(found[0]) if found else None

    def enter(self) -> None:
        """Put this thread, and all that it starts from now on, where containers can be reached.

        There is no way back: what needs another network must be done before.

        Raises:
            EngineError: the kernel refuses.
        """
        if self.namespace is None:
            return
        with self.namespace.open() as file:
            # os.setns came with Python 3.12; this is the same call, setns(2).
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                raise EngineError(
                    f"to enter the network namespace {self.namespace}",
                    seen=os.strerror(ctypes.get_errno()),
                    look="ip netns list",
                )


def of_user() -> Engine | None:
    """The user's Docker, if one answers on the host or context that their environment names."""
    if not answers(["docker", "version", "--format", "{{.Server.Version}}"]):
        return None
    return Engine("the user's Docker", os.environ.get("DOCKER_HOST"), None)


def find(home: Home) -> Engine | None:
    """The engine that is running now, if there is one; starts nothing."""
    if os.environ.get("ENGINE", "auto") != "private":
        user = of_user()
        if user is not None:
            return user
    if private_engine.answers(home):
        return _private(home)
    return None


def ensure(home: Home) -> Engine:
    """The engine that is running, or a private one, started now.

    Raises:
        EngineError: none answers and none can be started here; the error says why.
    """
    found = find(home)
    if found is not None:
        return found
    obstacle = private_engine.obstacle()
    if obstacle:
        raise EngineError(
            "a Docker that answers, or root on Debian for a private engine",
            seen=f"`docker version` found no server, and {obstacle}",
            look="make doctor",
        )
    private_engine.start(home)
    return _private(home)


def _private(home: Home) -> Engine:
    return Engine("a private engine", private_engine.host(home), private_engine.NAMESPACE)
