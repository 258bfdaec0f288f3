"""Footprint: what there is on this machine that a run makes, by kind and name. It changes nothing.

Images and caches are no part of it: they are kept on purpose.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil

from clusters import engine, inotify, private_engine, signals
from clusters.errors import CommandError
from clusters.home import Home
from clusters.process import run

Objects = dict[str, frozenset[str]]
"""Names by kind, such as `mount`."""

CACHES = frozenset({"builder", "engine", "go", "guest", "logs", "modules", "tools"})
"""Folders of a home whose content is kept; a draft in there is not."""
STAYS = re.compile(
    r"lab/(lock|mesh-ca\.json|locks|owner|[\w-]+\.kind\.yaml)(/.*)?"
    r"|lab|bake|estimates\.json|harness|pulled\.json"
)
"""What else of a home an ordinary `down` leaves for the next lab."""
NETNS = "/run/netns"  # iproute2 makes it a mount once, and leaves it so
COUNTERS = re.compile(r"\[\d+:\d+\]|counter packets \d+ bytes \d+|^#.*$")
RULES = (("iptables-save",), ("ip6tables-save",), ("nft", "--stateless", "list", "ruleset"))
LISTS = {
    "container": ("ps", "--all", "--format={{.Names}}"),
    "network": ("network", "ls", "--format={{.Name}}"),
    "volume": ("volume", "ls", "--format={{.Name}}"),
}


def left(after: Objects, before: Objects) -> tuple[str, ...]:
    """What is there and was not, each as `kind name`."""
    return tuple(
        f"{kind} {name}"
        for kind, names in sorted(after.items())
        for name in sorted(names - before.get(kind, frozenset()))
    )


def take(home: Home, temporary: Path, run_name: str) -> Objects:
    """The footprint as of now.

    Args:
        temporary: the folder that the runs have as their TMPDIR.
        run_name: how the names of the runs that are killed begin.
    """
    sources: dict[str, Callable[[], Iterable[str]]] = {
        "process": lambda: _processes(home, run_name),
        "mount": lambda: (m.mountpoint for m in psutil.disk_partitions(all=True)),
        "namespace": lambda: (each.name for each in Path(NETNS).glob("*")),
        "interface": psutil.net_if_stats,
        "rule": _rules,
        "control group": lambda: map(str, private_engine.control_groups()),
        "limit": lambda: [f"inotify: {inotify.limits()}"],
        "file": lambda: (*files_of(home.root), *map(str, temporary.rglob("*"))),
    }
    objects = {kind: frozenset(source()) for kind, source in sources.items()}
    objects["mount"] -= {NETNS}
    return objects | _of_engine(home)


def files_of(root: Path) -> Iterator[str]:
    """Files of a home but for what is kept on purpose, and drafts wherever."""
    for each in root.glob("*"):
        cache = each.name in CACHES
        inner = each.glob(".*.draft") if cache else (each, *each.rglob("*"))
        names = (str(one.relative_to(root)) for one in inner)
        yield from (n for n in names if n.endswith(".draft") or not STAYS.fullmatch(n))


def rules_of(text: str) -> Iterator[str]:
    """The rules that a program lists, without what they counted and its own remarks."""
    for line in text.splitlines():
        if rule := COUNTERS.sub("", line).strip():
            yield rule


def _rules() -> Iterator[str]:
    for words in RULES:
        if shutil.which(words[0]):
            yield from (f"{words[0]}: {rule}" for rule in rules_of(run(words)))


def _processes(home: Home, run_name: str) -> Iterator[str]:
    """Those of a run, by what they were started with, and those of our engine by where they are."""
    engines = {each.pid for each in (*private_engine.daemons(home), *private_engine.contained())}
    for process in psutil.process_iter(["name"]):
        environ = signals.environment_of(process)
        of_run = environ.get("PLUMBLINE_RUN", "").startswith(run_name)
        if of_run or process.pid in engines:
            yield f"{process.pid} {process.info['name']}"


def _of_engine(home: Home) -> Objects:
    """What the engine has that runs; what the data of a private one has that does not."""
    running = engine.find(home)
    if running is None:
        containers = _names(home, "containers", "config.v2.json")
        return {"container": containers, "volume": _names(home, "volumes", "_data")}
    try:
        return {kind: frozenset(running.docker(*w).split()) for kind, w in LISTS.items()}
    except CommandError as error:
        return {"engine": frozenset({error.line})}


def _names(home: Home, folder: str, inner: str) -> frozenset[str]:
    """Of what lies in an engine's data: containers have a name beside their id."""
    return frozenset(
        json.loads(each.read_bytes())["Name"].lstrip("/") if each.is_file() else each.parent.name
        for each in (home.root / "engine" / "data" / folder).glob(f"*/{inner}")
    )
