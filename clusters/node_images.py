"""Images that only some commands want, put onto the nodes of clusters that are up.

What each lab needs is in the node image already (clusters/images/source.py). Never for clusters
that the harness did not make: these get their images from a registry.
"""

from __future__ import annotations

from collections.abc import Sequence

from clusters import engine, providers, tools, versions
from clusters.home import Home
from clusters.images import source
from clusters.progress import Progress
from clusters.topology import Topology


def put(home: Home, topology: Topology, names: Sequence[str], progress: Progress) -> None:
    """Have some images, pulled or built, and put them onto all nodes.

    Args:
        names: of the images, as the train's file has them.

    Raises:
        DoctorError, RegistryError, CommandError: as `source.ensure_images` does.
    """
    train, running = versions.load(topology.train), engine.ensure(home)
    mirrors = source.mirrors_of_user()
    source.ensure_images(home, running, train, progress, names, mirrors=mirrors)
    program = tools.ensure(providers.PROGRAM, home, train, progress)
    provider = providers.of(home, running, train, program, name=topology.provider)
    with progress.step("images onto the nodes"):
        for cluster in topology.clusters:
            provider.put_images(cluster, [train.reference(name) for name in names])
