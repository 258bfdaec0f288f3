"""Owner: whose clusters are adopted. Has workloads and policies there, and agrees to runs.

It acts as the clusters' administrator, which a run never is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import yaml
from jinja2 import Environment, StrictUndefined

from clusters.confinement import CONSENT
from clusters.errors import AccessError, RefusedError
from clusters.kube import Document, Kube
from clusters.objects import title
from clusters.providers import existing
from clusters.topology import Cluster, Topology
from fixtures.manifests import image

OTHERS = "others"
"""The namespace of what others have."""
THINGS = Path(__file__).parent / "others.yaml"
DEADLINE = 120.0
"""Seconds for the owner's own workload to run."""


class Owner:
    """The administrator of a topology's clusters."""

    def __init__(self, topology: Topology) -> None:
        self.kubes = [Kube(cluster) for cluster in topology.clusters]
        self._images = topology.images

    def close(self) -> None:
        """Close the connections to the clusters."""
        for kube in self.kubes:
            kube.close()

    def settle_in(self, harness: str) -> None:
        """Have workloads and policies, and agree to runs of a harness, in all clusters.

        Raises:
            ClusterError: a cluster does not take one.
            NotReadyError: a workload does not run.
        """
        text = THINGS.read_text(encoding="utf-8")
        template = Environment(undefined=StrictUndefined, autoescape=False).from_string(text)  # noqa: S701 (YAML)
        own = template.render(echo=image(self._images, "echo-basic"))
        agreed = existing.consent_document(harness).replace('write: ""', 'write: "default"')
        for text in (own, existing.rights(), agreed):
            self._each(partial(_apply, documents=documents(text)))
        self._each(lambda kube: kube.wait_rolled_out(OTHERS, DEADLINE))

    def withdraw(self) -> None:
        """Agree to nothing any more."""
        namespace, name = CONSENT
        consent = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        self._each(lambda kube: kube.delete(consent, namespace))

    def _each(self, act: Callable[[Kube], None]) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(act, self.kubes))


def documents(text: str) -> list[Document]:
    """The documents of a text."""
    return [each for each in yaml.safe_load_all(text) if each]


def _apply(kube: Kube, documents: Iterable[Document]) -> None:
    for each in documents:
        kube.apply(each, each["metadata"].get("namespace", ""))


# --- what a run may not do, tried as its account -------------------------------------------

THEIRS: Sequence[tuple[str, Document]] = (
    ("", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "another"}}),
    ("", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OTHERS}}),
    (OTHERS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}}),
    (CONSENT[0], {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONSENT[1]}}),
)
"""What is nobody's to write but the owner's, each with its namespace."""


def let_through(cluster: Cluster) -> Iterator[str]:
    """What the API server lets a run's account do that is not its business: nothing, if all is
    well. Asked without the bounds that a run has of its own, and without effect.

    Raises:
        UnreachableError: it does not say.
    """
    kube = Kube(cluster.model_copy(update={"consent": None}))
    try:
        for namespace, document in THEIRS:
            with suppress(RefusedError, AccessError):
                kube.apply(document, namespace, dry_run=True)
                yield f"{cluster.name}: {title(document)} written"
        with suppress(AccessError):
            kube.list("v1", "Secret", OTHERS)
            yield f"{cluster.name}: Secrets read"
    finally:
        kube.close()
