"""doctor: what this machine has, what it lacks, and the command that mends each lack.

Looks and tells, and asks only for what the chosen way to images needs. It installs nothing
and changes nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil

from clusters import address_range, engine_check, inotify
from clusters.engine import Engine
from clusters.engine_facts import Facts, kernel_version
from clusters.errors import DoctorError, PlanError
from clusters.finding import Finding, Level
from clusters.home import Home
from clusters.images import golang, source
from clusters.models import Machine
from clusters.process import run

GIB = 1024**3
MEMORY_OF_LAB = 3 * GIB  # two clusters use under that
MEMORY_NEEDED = 2 * MEMORY_OF_LAB  # a cold build's linkers as much again
CORES_WANTED = 2
DISK_COLD = 25 * GIB  # a cold build of all images at its peak
DISK_WARM = 6 * GIB
DISK_PULL = 3 * GIB  # our own folder's, where images are pulled: an archive, programs, charts
IMAGES_PULL = 12 * GIB  # the engine's: images pulled and baked, two nodes
IMAGES_BAKED = 6 * GIB  # two nodes
IMAGES_UPGRADE = 20 * GIB  # a second train's images baked too
KERNEL_NEEDED = (4, 18)  # Cilium asks for 5.10, or RHEL 8's 4.18 with what Red Hat put into it
KERNEL_WANTED = (5, 10)
NODES = "plumbline/node"


def examine(
    home: Home, say: Callable[[str], None] = lambda _: None, *, size: float = 1.0
) -> tuple[Finding, ...]:
    """Look at everything that a bring-up needs here.

    Args:
        say: is told what is waited for.
        size: of the lab, as `plan.size` has it.

    Raises:
        SettingsError: IMAGES or MIRROR is no such thing.
    """
    if sys.platform != "linux":
        return (_not_linux(),)
    running, verdict = engine_check.look(home, say)
    if verdict.level == "bad":
        return (verdict, _python())
    facts = running.facts if running else None
    way, why = source.decide(source.mode_of_user(), running, source.mirrors_of_user())
    return (
        verdict,
        Finding("images", "good", f"{way}, because {why}"),
        *(_builders(running) if way == "forge" else ()),
        *_kernel(facts, size),
        *_room(home, running, building=way == "forge"),
        _memory(facts, size),
        *_addresses(running),
        _python(),
    )


def require(findings: Iterable[Finding]) -> None:
    """See that nothing is lacking; warnings are let pass.

    Raises:
        DoctorError: something is; the error names each lack and what mends it.
    """
    lacks = [finding for finding in findings if finding.level == "bad"]
    if lacks:
        raise DoctorError(
            "a machine that has " + ", ".join(lack.name for lack in lacks),
            seen="; ".join(f"{lack.name}: {lack.seen}" for lack in lacks),
            look="; ".join(lack.mend for lack in lacks),
        )


def machine() -> Machine:
    """The machine, as a report names it."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        kernel=platform.release(),
        system=_system(),
    )


def _not_linux() -> Finding:
    name, virtual = {"darwin": ("macOS", "Lima's"), "win32": ("Windows", "WSL 2")}.get(
        sys.platform, (sys.platform, "a virtual one")
    )
    return Finding(
        "system", "bad",
        f"{name}, and this runs on Linux only: nowhere else have its verdicts been seen to hold",
        f"run it in a Linux machine with a Docker of its own, such as {virtual}",
    )  # fmt: skip


def _builders(running: Engine | None) -> Iterator[Finding]:
    lack = golang.obstacle()
    yield Finding("go", "bad" if lack else "good", lack or _version("go"), golang.MEND)
    program = shutil.which("mmdebstrap")
    yield Finding(
        "mmdebstrap",
        "good" if program or running is None else "bad",
        program or ("not on PATH" if running else "comes with the private engine"),
        "sudo apt-get install mmdebstrap",
    )


def _kernel(facts: Facts | None, size: float) -> Iterator[Finding]:
    own = platform.release()
    release = facts.kernel if facts else own
    version = kernel_version(release)
    enough = version >= KERNEL_NEEDED
    level: Level = "good" if version >= KERNEL_WANTED else "warning" if enough else "bad"
    yield Finding("kernel", level, release, "use a Linux of 5.10 or later: Cilium asks for it")
    if release == own:  # else it is another machine's, whose limits are not in our /proc
        yield from _inotify(facts, size)


def _inotify(facts: Facts | None, size: float) -> Iterator[Finding]:
    limits, cgroup = inotify.limits(), facts.cgroup if facts else _cgroup()
    if limits is None:
        return
    if facts is None and inotify.may_be_raised():
        yield Finding("inotify", "good", f"{limits}; a private engine has more while it runs")
        return
    needed, wanted = inotify.NEEDED[cgroup].times(size), inotify.WANTED[cgroup].times(size)
    enough = limits.reaches(needed)
    level: Level = "good" if limits.reaches(wanted) else "warning" if enough else "bad"
    text = f"{limits}, cgroup version {cgroup}"
    aim = wanted if enough else needed
    text += "" if level == "good" else f"; {aim} {'wanted' if enough else 'needed'}"
    yield Finding("inotify", level, text, inotify.mend(size))


def _cgroup() -> int:
    """The version that a private engine will find here."""
    return 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1


def _room(home: Home, running: Engine | None, *, building: bool) -> Iterator[Finding]:
    cold = not (home.root / "forge").exists()
    needed = (DISK_COLD if cold else DISK_WARM) if building else DISK_PULL
    yield _disk(
        "disk", home.root, needed, needed,
        f"free some space, or set PLUMBLINE_HOME to a larger disk than {home.root}",
    )  # fmt: skip
    if running is None or running.namespace is not None:
        return  # a private engine's data are in our folder
    folder = Path(running.facts.images)
    mend = f"docker system df shows what fills {folder}; docker system prune frees what nobody uses"
    if not folder.exists():
        yield Finding("images' disk", "warning", f"{folder} is not seen from here", mend)
        return
    baked = bool(running.docker("images", "--quiet", NODES).strip())
    yield _disk(
        "images' disk", folder, IMAGES_BAKED if baked else IMAGES_PULL, IMAGES_UPGRADE, mend
    )


def _disk(name: str, folder: Path, needed: int, wanted: int, mend: str) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    room = f"{free / GIB:.0f} GiB free, {needed / GIB:.0f} needed"
    if free < needed:
        return Finding(name, "bad", room, mend)
    if free < wanted:
        return Finding(name, "warning", f"{room}, {wanted / GIB:.0f} for an upgrade", mend)
    return Finding(name, "good", room, mend)


def _memory(facts: Facts | None, size: float) -> Finding:
    """The engine's memory and cores: of the machine that the clusters run on."""
    memory = facts.memory if facts else psutil.virtual_memory().total
    cores = facts.cores if facts else os.cpu_count() or 1
    needed = MEMORY_NEEDED + max(0.0, size - 1) * MEMORY_OF_LAB
    room = f"{memory / GIB:.0f} GiB, {needed / GIB:.0f} needed"
    mend = "give the engine's machine more"
    if memory < needed:
        return Finding("memory", "bad", room, f"{mend} memory")
    if cores < CORES_WANTED:
        return Finding(
            "memory", "warning",
            f"{room}; {cores} core, {CORES_WANTED} wanted", f"{mend} cores",
        )  # fmt: skip
    return Finding("memory", "good", f"{room}; {cores} cores", f"{mend} memory")


def _addresses(running: Engine | None) -> Iterator[Finding]:
    mend = f"make up {address_range.VARIABLE}=<a free /15>"
    try:
        choice = address_range.choice_for(running)
    except PlanError as error:
        reason = f"wanted {error.expected}; seen {error.seen}"
        yield Finding("addresses", "bad", reason, error.look or mend)
        return
    if choice.passed:
        passed = ", ".join(map(str, choice.passed))
        text = f"{choice.range}, as the usual range is in use by {passed}"
        yield Finding("addresses", "warning", text, f"nothing need be done; {mend} takes another")
    else:
        yield Finding("addresses", "good", str(choice.range), mend)


def _python() -> Finding:
    return Finding(
        "python",
        "good" if sys.version_info >= (3, 11) else "bad",
        platform.python_version(),
        "install Python 3.11 or later",
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()


def _version(program: str) -> str:
    return run([program, "version"]).strip()
