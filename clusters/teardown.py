"""down: back to nothing, at any time, also after a bring-up that was killed half-way.

Takes away what is ours, by its mark or its label, and never anything else.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir

from clusters import engine, files, private_engine, providers
from clusters.engine import Engine
from clusters.errors import PlumblineError
from clusters.home import Home
from clusters.images import bake, ours
from clusters.progress import Progress
from clusters.versions import Train


def down(
    home: Home, train: Train, progress: Progress, *, with_engine: bool, with_images: bool
) -> None:
    """Take away the clusters, whatever document named them, and their network.

    If asked, also our images in the engine, or the private engine with all of its data.

    Safe at any time, also when a bring-up was killed half-way; never touches what is not ours.
    """
    running = _clusters_away(home, train, progress)
    if running is not None:
        if with_images:
            with progress.step("images away"):
                ours.remove(home, running)
        if kept := "" if with_engine else ours.room_note(home, running):
            progress.say(kept)
    elif silent := engine.socket():
        why = engine.silence(silent)
        progress.say(f"{why}; what it has of ours is still there: make down, once it answers")
    _files_away(home)
    if running is not None and running.namespace is None:
        return
    with progress.step("engine away"):
        (private_engine.remove if with_engine else private_engine.stop)(home)
    if private_engine.has_containers(home):
        _clusters_away(home, train, progress)
        private_engine.stop(home)


def _clusters_away(home: Home, train: Train, progress: Progress) -> Engine | None:
    """Take them away by the engine that they are in; None if there is none that runs.

    A private one that does not run, but has containers, is started for that: it died, or made one
    for a process that was killed meanwhile.
    """
    running = engine.find(home)
    if running is None and private_engine.has_containers(home):
        running = _revived(home, progress)
    if running is not None:
        provider = providers.of(home, running, train)
        with progress.step("clusters away"):
            provider.delete_others(())
            provider.delete_network()
            _sweep(running)
    return running


def _revived(home: Home, progress: Progress) -> Engine | None:
    """A private engine that died, started again, as nobody else can take away what it ran; None if
    it cannot be."""
    try:
        with progress.step("engine that died"):
            private_engine.start(home)
    except PlumblineError as error:
        progress.say(f"its containers stay in its data: {error.line}")
    return engine.find(home)


def _files_away(home: Home) -> None:
    """What tells of these clusters, and what processes were writing that were killed."""
    home.topology.unlink(missing_ok=True)
    home.upgraded.unlink(missing_ok=True)
    known = (*home.lab.glob("*.kubeconfig*"), *home.lab.glob("*.values.yaml"))
    for file in (*known, *(home.root / "bake").glob("*.tar")):
        file.unlink()
    lab = (home.lab, *home.lab.rglob("*/"))
    for folder in (home.root, home.tools, home.root / "modules", *lab, Path(gettempdir())):
        files.clear_drafts(folder)


def _sweep(running: Engine) -> None:
    """Containers of ours that a killed bring-up left: known by their label."""
    left = running.docker("ps", "--all", "--quiet", "--filter", f"label={bake.LABEL}").split()
    if left:
        running.remove(left)
