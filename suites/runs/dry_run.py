"""Dry run: what the suites would write to each cluster, and what its API server says to it.

Every object is asked for with `dryRun=All`, which goes through the bounds, the rights and the
admission of a cluster and is never stored. It writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import yaml
from rich.console import Console

import suites
from clusters import providers
from clusters.adopt import OWN_RIGHTS
from clusters.errors import ForeignError, RefusedError, UnreachableError, UnservedKindError
from clusters.kube import Document, Kube
from clusters.objects import title
from clusters.providers import existing
from clusters.settings import Settings
from clusters.topology import Topology
from fixtures import manifests as m
from fixtures.behaviour import discover
from fixtures.lab import HOME, SHARED_CLIENTS, Lab, namespace_of
from fixtures.plugin.options import FULL
from suites.runs.applied import stems
from suites.runs.run import Run

SHARED = "(shared clients)"
AT_FIRST, ON_THE_WAY = "before it is asked", "while it is asked"


@dataclass(frozen=True)
class Intent:
    """An object that a suite would apply, and what the cluster says to it."""

    suite: str
    moment: str
    namespace: str
    object: str
    answer: str


def tell(run: Run) -> None:
    """Print, cluster by cluster, every object that is known before a run, what is made on the way
    and within what bounds, and what is taken away at the end.

    Raises:
        TopologyError: no clusters are up, or adopted.
        UnreachableError: one of them does not answer.
    """
    topology = Topology.load(run.home.topology)
    providers.reach(run.home)
    given, full = m.of_user(Settings.of_user().manifests), run.profile == FULL
    lab = Lab(topology, given, run.folder, run.folder, full=full)
    console = Console(highlight=False)
    try:
        for cluster in topology.clusters:
            _tell(console, lab.kube(cluster.name), list(_intents(lab, lab.kube(cluster.name))))
    finally:
        lab.close()


def _intents(lab: Lab, kube: Kube) -> Iterator[Intent]:
    clusters = lab.topology.clusters
    every = [one for one in discover(suites) if one.is_offered_by(kube.cluster)]
    if any(behaviour.shared_clients for behaviour in every):
        shared = lab.support(kube, SHARED_CLIENTS, HOME)
        yield from _asked(kube, SHARED, AT_FIRST, HOME, shared)
    for behaviour in every:
        if behaviour.ephemeral and kube.cluster.name not in behaviour.asked_of(clusters):
            continue
        namespace = namespace_of(behaviour.name)
        support = lab.support(kube, behaviour.support, namespace)
        yield from _asked(kube, behaviour.name, AT_FIRST, namespace, support)
        named = [lab.manifests.given(stem).document for stem in stems(behaviour, lab.manifests)]
        yield from _asked(kube, behaviour.name, ON_THE_WAY, namespace, named)


def _asked(
    kube: Kube, suite: str, moment: str, namespace: str, documents: Iterable[Document]
) -> Iterator[Intent]:
    there = kube.get("v1", "Namespace", namespace) is not None
    for document in documents:
        whole = document["kind"] == "Namespace"
        place = "" if whole else namespace
        answer = _answer(kube, document, place) if there or whole else "once its namespace is there"
        yield Intent(suite, moment, place, title(document), answer)


def _answer(kube: Kube, document: Document, namespace: str) -> str:
    name, version, kind = document["metadata"]["name"], document["apiVersion"], document["kind"]
    try:
        kube.apply(document, namespace, dry_run=True)
    except UnservedKindError as error:
        return f"left out: {error.seen}"
    except (ForeignError, RefusedError, UnreachableError) as error:
        return f"refused: {error.seen}"
    return "changed" if kube.get(version, kind, name, namespace) else "made"


def _tell(console: Console, kube: Kube, intents: list[Intent]) -> None:
    """One line for each object, never folded: they are to be searched and compared."""
    console.print(f"{kube.cluster.name}: {kube.url}, context {kube.cluster.context}")
    for suite, each_suite in groupby(intents, lambda each: (each.suite, each.moment)):
        console.print(f"  {' '.join(suite)}")
        for each in each_suite:
            place = f"-n {each.namespace} " if each.namespace else ""
            line = f"    apply {place}{each.object}: {each.answer}"
            console.print(line, markup=False, soft_wrap=True)
    words = Counter(each.answer.partition(":")[0] for each in intents)
    counts = ", ".join(f"{n} {word}" for word, n in words.items())
    console.print(f"{kube.cluster.name}: {len(intents)} objects: {counts or 'none'}")
    places = ", ".join(sorted({each.namespace for each in intents} - {""}))
    console.print(f"More is drawn while requirements are asked, in {places}.", soft_wrap=True)
    if kube.cluster.consent:
        console.print("There the file of rights allows these verbs, and no others:")
        for resources, verbs in rights():
            console.print(f"  {verbs}: {resources}", soft_wrap=True)
        console.print("At the end all of it is deleted.")


def rights() -> list[tuple[str, str]]:
    """What the file of rights allows in a run's namespaces: resources, and verbs."""
    documents = yaml.safe_load_all(existing.rights())
    rules = next(
        each["rules"]
        for each in documents
        if each["kind"] == "ClusterRole" and each["metadata"]["name"] == OWN_RIGHTS
    )
    return [(_resources(rule), ", ".join(rule["verbs"])) for rule in rules]


def _resources(rule: Document) -> str:
    groups = [group for group in rule["apiGroups"] if group]
    names = [f"all of {group}" for group in groups] if "*" in rule["resources"] else []
    return ", ".join(names or rule["resources"])
