"""adopt: from existing clusters of a site to topology.json, and back to what they were.

Reads them; what is made in them, the suites make. `release` takes that away again: all that bears
this harness's mark, and nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product

from clusters import files, providers
from clusters.confinement import CONSENT, MARK
from clusters.errors import AccessError, ConsentError, ForeignError, UnservedKindError
from clusters.home import Home
from clusters.kube import Document, Kube
from clusters.models import Image, Machine
from clusters.objects import title
from clusters.providers import existing
from clusters.topology import Cluster, Topology
from clusters.versions import Train
from clusters.waiting import wait_for

MADE = (
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("apps/v1", "Deployment"),
    ("v1", "ConfigMap"),
    ("v1", "ServiceAccount"),
)
"""Kinds of what is made in a namespace that is not the harness's own."""
POD = ("v1", "Pod")
"""What is made there of Deployments, bears their mark, and goes some time after them."""
ROLE = ("rbac.authorization.k8s.io/v1", "ClusterRole")
OWN_RIGHTS = "plumbline-own"
"""The ClusterRole of existing-rights.yaml whose rights a run has in its own namespaces."""
IMAGES = ("echo", "locust")
"""What the suites' pods are of."""
PATIENCE = 180.0
"""Seconds in which a namespace goes with all that is in it."""
Say = Callable[[str], None]


def harness_of(home: Home) -> str:
    """The name of this harness, by which its marks are told from others': made once."""
    path = home.folder() / "harness"
    if not path.exists():
        files.write(path, f"{secrets.token_hex(6)}\n")
    return path.read_text(encoding="utf-8").strip()


def adopt(home: Home, site: existing.Site, train: Train, run: str, say: Say) -> Topology:
    """Survey a site's clusters and write topology.json; nothing is changed in any.

    Args:
        train: whose deadlines hold, and whose images the suites' pods are of.

    Raises:
        ForeignError: a lab is up, whose topology this would take the place of.
        ConsentError: nobody agreed, in one of them.
        ClusterError: one of them cannot be read.
    """
    _see_no_lab(home)
    harness = harness_of(home)
    with ThreadPoolExecutor() as pool:
        adopted = list(pool.map(lambda each: _adopted(each, harness, say), site.clusters))
    topology = Topology(
        run=run,
        provider=existing.NAME,
        train=train.name,
        versions={**train.versions.model_dump(), **adopted[0].survey.versions},
        deadlines=train.deadlines,
        deviations=train.deviations,
        clusters=tuple(each.cluster for each in adopted),
        images=tuple(_image(site, train, name) for name in IMAGES),
        machine=_machine(adopted),
        stages=(),
        notes=tuple(_notes(adopted, train)),
    )
    topology.save(home.topology)
    return topology


@dataclass(frozen=True)
class Adopted:
    """A cluster of a site, as a topology has it, and what was read of it."""

    cluster: Cluster
    survey: existing.Survey


def _adopted(each: existing.SiteCluster, harness: str, say: Say) -> Adopted:
    kube = Kube(each.cluster)
    try:
        say(f"{each.role}: {kube.url}, context {each.context}")
        agreed = existing.consent(kube, harness)
        survey = existing.survey(kube, agreed)
    finally:
        kube.close()
    known = {
        "consent": agreed,
        "features": survey.features,
        "not_offered": survey.not_offered,
    }
    return Adopted(each.cluster.model_copy(update=known), survey)


def see_agreed(kube: Kube) -> None:
    """See that what was agreed to in an adopted cluster stands there still, and is no less.

    Raises:
        ConsentError: it was taken back, or names fewer namespaces now.
    """
    agreed = kube.cluster.consent
    if agreed is None:
        return
    now = existing.consent(kube, agreed.harness)
    if missing := agreed.write - now.write:
        raise ConsentError(
            f"the consent of {kube.cluster.name} to name {', '.join(sorted(missing))} as before",
            seen=", ".join(sorted(now.write)) or "no namespace",
            look="make adopt LAB=site.toml",
        )


def take_rights(kube: Kube, namespace: str, deadline: float) -> None:
    """Take on a run's rights in a namespace of its own, where an administrator provides for it.

    Raises:
        NotReadyError: they are not in force in time.
    """
    with suppress(AccessError):  # its user has rights of another kind
        if kube.get(*ROLE, OWN_RIGHTS):
            kube.apply(_binding(), namespace)
            look = kube.kubectl(f"-n {namespace} get rolebindings")
            wait_for(
                f"the rights in {namespace}", partial(_unread, kube, namespace), deadline, look
            )


def _unread(kube: Kube, namespace: str) -> str:
    kube.list("v1", "ConfigMap", namespace)
    return ""


def _binding() -> Document:
    subject = {"kind": "ServiceAccount", "name": "harness", "namespace": CONSENT[0]}
    group, _, _ = ROLE[0].partition("/")
    return {
        "apiVersion": ROLE[0],
        "kind": "RoleBinding",
        "metadata": {"name": OWN_RIGHTS},
        "roleRef": {"apiGroup": group, "kind": ROLE[1], "name": OWN_RIGHTS},
        "subjects": [subject],
    }


def release(clusters: Iterable[Cluster], harness: str, say: Say) -> None:
    """Take away from adopted clusters all that bears this harness's mark, and see that none is
    left.

    Raises:
        NotReadyError: something did not go in time.
        ClusterError: one of them does not answer.
    """
    with ThreadPoolExecutor() as pool:
        for gone in pool.map(lambda cluster: _release(cluster, harness), clusters):
            say(gone)


def _release(cluster: Cluster, harness: str) -> str:
    kube = Kube(cluster)
    try:
        every = list(_marked(kube, harness, MADE))
        for document in every:
            kube.delete(document, document["metadata"].get("namespace", ""), PATIENCE)
        wait_for(
            f"nothing in {cluster.name} to bear {MARK}={harness}",
            lambda: ", ".join(map(title, _marked(kube, harness, (*MADE, POD)))),
            PATIENCE,
            kube.kubectl(f"get namespaces,pods -A -l {MARK}={harness}"),
        )
    finally:
        kube.close()
    return f"{cluster.name}: {len(every)} away: {', '.join(map(title, every)) or 'there were none'}"


def _marked(kube: Kube, harness: str, kinds: Iterable[tuple[str, str]]) -> Iterator[Document]:
    """Namespaces of ours, and what is ours of these kinds in those that were agreed to."""
    label = f"{MARK}={harness}"
    for each in kube.list("v1", "Namespace", labels=label):
        yield {"apiVersion": "v1", "kind": "Namespace", **each}
    consent = kube.cluster.consent
    for (version, kind), namespace in product(kinds, sorted(consent.write if consent else ())):
        try:
            listed = kube.list(version, kind, namespace, label)
        except UnservedKindError:
            continue
        yield from ({"apiVersion": version, "kind": kind, **each} for each in listed)


def _see_no_lab(home: Home) -> None:
    if home.topology.exists() and not providers.adopted(home):
        raise ForeignError(
            f"no lab whose topology stands at {home.topology}",
            seen="there is one",
            look="make down, or PLUMBLINE_HOME=/another/folder make adopt LAB=site.toml",
        )


def _image(site: existing.Site, train: Train, name: str) -> Image:
    reference = site.images.get(name) or train.reference(name)
    return Image(reference=reference, digest="", source="pull")


def _machine(adopted: list[Adopted]) -> Machine:
    """The first cluster's nodes, with the cores and the memory of all."""
    machines = [each.survey.machine for each in adopted]
    return machines[0].model_copy(
        update={
            "cores": sum(machine.cores for machine in machines),
            "memory_bytes": sum(machine.memory_bytes for machine in machines),
        }
    )


def _notes(adopted: list[Adopted], train: Train) -> Iterator[str]:
    names = ", ".join(f"{each.cluster.name} ({each.cluster.context})" for each in adopted)
    yield f"Asked of existing clusters: {names}; deadlines are those of train {train.name}."
    for each in adopted:
        running = ", ".join(f"{n} {v}" for n, v in sorted(each.survey.versions.items()))
        yield f"{each.cluster.name} runs {running}."
