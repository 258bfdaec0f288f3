"""Whether the engine that answers will do: if not, the reason in one sentence, and what to do.

Judges and tells; it starts nothing. Each engine that is refused here would fail later
otherwise, after minutes and with words of somebody else's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from clusters import engine, private_engine
from clusters.engine import Engine
from clusters.engine_facts import Facts
from clusters.errors import CommandError, EngineError
from clusters.finding import Finding
from clusters.home import Home
from clusters.settings import Settings

DOCKER = "https://docs.docker.com/engine/install"
LOCAL = "unset DOCKER_HOST DOCKER_CONTEXT; docker context use default"


def look(home: Home, say: Callable[[str], None]) -> tuple[Engine | None, Finding]:
    """The engine, and what is to be said of it; None while there is none.

    Args:
        say: is told what is waited for.
    """
    elsewhere = remote() if Settings.of_user().engine != "private" else None
    if elsewhere:
        return None, elsewhere
    running = engine.find_or_wait(home, say)
    if running is None:
        return None, _none()
    try:
        facts = running.facts
    except (CommandError, EngineError) as error:
        return running, Finding("engine", "bad", f"{running.name}: {error.seen}", error.look)
    return running, refusal_of(facts, shutil.which("docker") or "") or _finding(running)


def remote() -> Finding | None:
    """A refusal of an engine on another machine, by where it listens."""
    where = engine.endpoint()
    if where.startswith("unix://"):
        return None
    return _refusal(
        f"{where} is another machine's: the clusters' API servers would listen on its loopback, "
        "out of reach from here",
        f"run this on that machine; or, for the Docker of this one: {LOCAL}",
    )


def refusal_of(facts: Facts, program: str) -> Finding | None:
    """A refusal of an engine that is there.

    Args:
        program: path of the docker program.
    """
    if facts.podman:
        return _refusal(
            "Podman answers in Docker's place: kind's nodes and their network are made with "
            "Docker here, and with nothing else",
            f"install Docker Engine ({DOCKER}); unset DOCKER_HOST if it names Podman's socket",
        )
    if facts.rootless:
        return _refusal(
            "Docker runs rootless: Cilium may not load its BPF programs from a user namespace",
            f"install a Docker that runs as root ({DOCKER}); then: {LOCAL}",
        )
    if facts.remapped:
        return _refusal(
            "Docker remaps users (userns-remap): it refuses privileged containers, which kind's "
            "nodes are",
            'take "userns-remap" out of /etc/docker/daemon.json; sudo systemctl restart docker',
        )
    if facts.snap or program.startswith("/snap/"):
        return _refusal(
            "Docker comes from snap: it is shut off from hidden folders such as ~/.cache, where "
            "the lab keeps its files",
            f"sudo snap remove docker; then install Docker Engine ({DOCKER})",
        )
    return None


def _finding(running: Engine) -> Finding:
    facts = running.facts
    name = f"{running.name}, {facts.version}"
    if facts.desktop:
        return Finding(
            "engine",
            "warning",
            f"{name}, in Docker Desktop's own machine, where this was never tried",
            f"if it fails, install Docker Engine ({DOCKER}); then: {LOCAL}",
        )
    if facts.driver == "vfs":
        return Finding(
            "engine",
            "warning",
            f"{name}, with the storage driver vfs: each node is a whole copy of its image",
            "give Docker a data folder on ext4 or xfs, where overlay2 works",
        )
    return Finding("engine", "good", name)


def _none() -> Finding:
    silent = engine.socket()
    if silent is None:
        obstacle = private_engine.obstacle()
        return Finding(
            "engine",
            "bad" if obstacle else "good",
            f"no Docker, and {obstacle}" if obstacle else "none yet; a private one can be started",
            f"install Docker ({DOCKER}) and start it, or run as root on Debian",
        )
    if not silent.exists():
        mend = "unset DOCKER_HOST"
    elif not os.access(silent, os.W_OK):
        mend = "sudo usermod -aG docker $USER; then log in anew"
    else:
        mend = "sudo systemctl start docker; or open Docker Desktop and wait until it is up"
    return _refusal(f"Docker: {engine.silence(silent)}", mend)


def _refusal(why: str, mend: str) -> Finding:
    private = "" if private_engine.obstacle() else "; or ENGINE=private, as this is root on Debian"
    return Finding("engine", "bad", why, mend + private)
