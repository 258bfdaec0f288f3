"""python -m tests.guest: a command of this repository, run on a machine of somebody else's."""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from clusters import engine, lock, private_engine, signals, tools, versions
from clusters.errors import InterruptedRunError, NotReadyError, PlumblineError
from clusters.home import Home
from clusters.images import builder
from clusters.process import run
from clusters.progress import Progress
from clusters.waiting import wait_for
from tests.guest import files, image, machines, network, trust, visit
from tests.guest.machines import MACHINES, Container, Machine
from tests.guest.registry import FILL, Registry
from tests.guest.shell import Shell

ROOT = Path(__file__).parents[2]
OUT = ROOT / "reports" / "out" / "guest"


def main(argv: list[str] | None = None) -> int:
    """The status is that of the command in the guest; 0 if there can be no guest here."""
    options = _parser().parse_args(argv)
    console = Console(stderr=True, highlight=False)
    machine, reason = choose(options.machine)
    console.print(reason, markup=False, soft_wrap=True)
    if machine is None:
        return 1 if options.machine != "auto" else 0
    try:
        with signals.as_errors():
            home = Home.of_user()
            with lock.hold(Home(home.folder("guest")), "guest"):
                return _whole(options, home, machine)
    except InterruptedRunError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return 130
    except PlumblineError as error:
        console.print(f"{type(error).__name__}\n{error}", markup=False, soft_wrap=True)
        return 1


def choose(wanted: str) -> tuple[Machine | None, str]:
    """The machine to run, and why; none where there can be none."""
    obstacle = private_engine.obstacle()
    if obstacle:
        return None, f"guest skipped: {obstacle}"
    tried: list[str] = []
    for name in ("kvm", "container") if wanted == "auto" else (wanted,):
        hindered = MACHINES[name].obstacle()
        if not hindered:
            return MACHINES[name], "; ".join([*tried, f"guest: {name}"])
        tried.append(f"no {name}: {hindered}")
    return None, "guest skipped: " + "; ".join(tried)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.guest", description=__doc__)
    parser.add_argument("--machine", choices=["auto", *MACHINES], default="auto")
    parser.add_argument(
        "--versions", default=versions.of_user(), help="release train ($VERSIONS, or the newest)"
    )
    parser.add_argument("--deadline", type=float, default=5400, help="seconds for the command")
    parser.add_argument("line", nargs="?", default="make e2e", help="the command")
    return parser


def _whole(options: argparse.Namespace, home: Home, machine: Machine) -> int:
    train = versions.load(options.versions)
    progress = Progress(home.root / "estimates.json")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    clear(home)
    try:
        with progress.step("packages"):
            machines.install([*machine.packages, "mmdebstrap", "iproute2", "openssh-client"])
        with progress.step("root of the guest"):
            base_image = image.ensure(home)
        with progress.step("wheels of the guest's Python"):
            served = files.ensure(home, ROOT / "requirements.lock")
        with progress.step("modules that charts are in"):
            files.ensure_modules(home, train)
        programs = [tools.ensure(name, home, train, progress) for name in tools.PACKAGES]
        registry = Registry.ensure(home, train)
        with _folder(home) as folder:
            network.make(tap=machine.tap)
            digests = _filled(home, train, registry, folder, progress)
            trust.certify([name for names in network.NAMES.values() for name in names], folder)
            key = trust.key(folder / "key")
            with (
                _running(registry.start(folder, f"{network.REGISTRIES}:443", tls=True)),
                _running(_serve(served, folder)),
                _running(machine.start(base_image, folder, key)) as process,
            ):
                guest = visit.Visit(
                    Shell(folder / "key"), Shell(folder / "key", image.USER), progress, OUT
                )
                with progress.step(f"boot, {machine.name}"), _told(folder):
                    _await(guest.root, machine.boot_deadline, process)
                guest.root.ask(machine.settle)
                guest.prepare(folder / "ca.crt", key, programs)
                guest.bring(ROOT, train, digests)
                if machine.own_kernel:
                    guest.mend_inotify()
                try:
                    return guest.carry_out(options.line, options.deadline)
                finally:
                    guest.bring_home()
    finally:
        clear(home)
        stages = [stage.model_dump() for stage in progress.stages]
        (OUT / "stages.json").write_text(json.dumps(stages, indent=1))


def clear(home: Home) -> None:
    """Take away what a run leaves that was killed."""
    network.remove()
    Container().clear()
    for folder in home.folder("guest").glob("run-*"):
        shutil.rmtree(folder)


@contextlib.contextmanager
def _folder(home: Home) -> Iterator[Path]:
    """This run's; its name is short, and it is emptied also of what belongs to the guest's root."""
    folder = Path(tempfile.mkdtemp(dir=home.folder("guest"), prefix="run-"))
    try:
        yield folder
    finally:
        for name in ("machine.log", "console.log", "registry.log", "files.log"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(folder / name, OUT / name)


@contextlib.contextmanager
def _running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        machines.stop(process)


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """A machine that does not come up says why on its console."""
    try:
        yield
    except NotReadyError as error:
        said = ""
        for name in ("machine.log", "console.log"):
            if (folder / name).exists():
                lines = (folder / name).read_text(errors="replace").splitlines()
                said += "\n".join(lines[-15:])
        raise NotReadyError(error.expected, seen=f"{error.seen}\n{said}", look=error.look) from None


def _filled(
    home: Home, train: versions.Train, registry: Registry, folder: Path, progress: Progress
) -> dict[str, str]:
    with _running(registry.start(folder, FILL, tls=False)):
        wait_for(
            "the registry to answer",
            lambda: "" if run(network.inside("ss", "-Hltn", "sport = 5000")).strip() else "not yet",
            30,
        )
        running = engine.ensure(home)
        if any(running.inspect("image", train.reference(name)) is None for name in train.images):
            with lock.hold(home, "guest"):
                builder.Builder(home, running, train, progress).ensure(tuple(train.images))
        return registry.fill(home, running, train, folder, progress)


def _serve(served: Path, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "files.log").open("wb") as log:
        return subprocess.Popen(
            network.inside(
                sys.executable, "-m", "tests.guest.files", served,
                folder / "server.crt", folder / "server.key",
            ),
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip


def _await(root: Shell, deadline: float, process: subprocess.Popen[bytes]) -> None:
    def pending() -> str:
        if process.poll() is None:
            root.ask("true", timeout=30)
        return ""

    wait_for("the guest to answer by ssh", pending, deadline)
    if process.poll() is not None:
        raise NotReadyError("a guest that stays up", seen=f"exit status {process.poll()}")


if __name__ == "__main__":
    sys.exit(main())
