"""down: back to nothing, at any time, also after a bring-up that was killed half-way.

Takes away what is ours, by its mark or its label, and never anything else.
"""

from __future__ import annotations

from clusters import engine, private_engine, providers
from clusters.engine import Engine
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
    running = engine.find(home)
    if running is not None:
        provider = providers.of(home, running, train)
        with progress.step("clusters away"):
            provider.delete_others(())
            provider.delete_network()
            _sweep(running)
        if with_images:
            with progress.step("images away"):
                ours.remove(home, running)
        if kept := "" if with_engine else ours.room_note(home, running):
            progress.say(kept)
    home.topology.unlink(missing_ok=True)
    for file in home.lab.glob("*.kubeconfig*"):
        file.unlink()
    for file in home.lab.glob("*.values.yaml"):
        file.unlink()
    if running is None or running.namespace is not None:
        with progress.step("engine away"):
            (private_engine.remove if with_engine else private_engine.stop)(home)


def _sweep(running: Engine) -> None:
    """Containers of ours that a killed bring-up left: known by their label."""
    left = running.docker("ps", "--all", "--quiet", "--filter", f"label={bake.LABEL}").split()
    if left:
        running.docker("rm", "--force", "--volumes", *left)
