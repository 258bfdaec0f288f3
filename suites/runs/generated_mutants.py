"""Generated mutants of the behaviours' documents: which the cluster refuses, which nobody could
tell from the reference, and which are left to be noticed.

By the schemas of the clusters' own CRDs, so they are those of the train. Nothing is applied here:
the API server, and the webhooks behind it, are only asked whether they would take a document.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from clusters.errors import MutantsError, RefusedError, UnreadError
from clusters.kube import Document, Kube
from clusters.topology import Topology
from fixtures.behaviour import Behaviour
from fixtures.lab import HOME
from fixtures.manifests import Manifests
from fixtures.manifests.meaning import Meaning
from fixtures.mutants import Mutant
from fixtures.mutants.generated import Edit, Schema, edits, pairs
from reports.kill_matrix import MutantRun, Outcome

VALUES = "values.yaml"
CRDS = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
AT_ONCE = 8


@dataclass(frozen=True)
class Generated:
    """Generated mutants: those that a run has to notice, and what came of the others."""

    mutants: tuple[Mutant, ...]
    settled: tuple[MutantRun, ...]

    def sample(self, count: int, seed: int) -> Generated:
        """`count` of those that are to be noticed; which, the seed decides."""
        draw = random.Random(seed)  # noqa: S311 (no secret)
        some = draw.sample(self.mutants, min(count, len(self.mutants)))
        return Generated(tuple(m for m in self.mutants if m in some), self.settled)

    def only(self, names: Iterable[str]) -> Generated:
        """Those of some names."""
        wanted = frozenset(names)
        return Generated(
            tuple(m for m in self.mutants if m.name in wanted),
            tuple(s for s in self.settled if s.name in wanted),
        )


def generate(
    behaviours: Iterable[Behaviour[Any]], reference: Manifests, topology: Topology, seed: int
) -> Generated:
    """Every mutant of every document of the behaviours, as far as a cluster offers them.

    Raises:
        UnreachableError: a cluster does not answer.
    """
    parts = [
        part
        for behaviour in behaviours
        for cluster in [c for c in topology.clusters if behaviour.is_offered_by(c)][:1]
        for part in _of_behaviour(behaviour, reference, Kube(cluster), seed)
    ]
    return Generated(
        tuple(part for part in parts if isinstance(part, Mutant)),
        tuple(part for part in parts if isinstance(part, MutantRun)),
    )


def _of_behaviour(
    behaviour: Behaviour[Any], reference: Manifests, kube: Kube, seed: int
) -> list[Mutant | MutantRun]:
    """Those of all its documents, asked of one cluster."""
    try:
        crds, values = kube.list(*CRDS), _values(behaviour.folder)
        parts = []
        for stem in behaviour.documents:
            document = reference.given(stem).document
            schema = schema_of(document, crds)
            single = edits(document, schema, values)
            candidates = [_mutant(behaviour, stem, e) for e in (*single, *pairs(single, seed))]
            by = kube if schema else None
            parts += _settle(behaviour, reference, stem, candidates, by)
        return parts
    finally:
        kube.close()


def _settle(
    behaviour: Behaviour[Any],
    reference: Manifests,
    stem: str,
    candidates: Iterable[Mutant],
    by: Kube | None,
) -> list[Mutant | MutantRun]:
    """The candidates of one document: settled, or left to be noticed.

    Where no cluster serves its kind (`by`), nobody is asked whether it would take them.
    """
    document = reference.given(stem).document
    known = _meaning(behaviour, stem, document)

    def settle(mutant: Mutant) -> Mutant | MutantRun | None:
        try:
            changed = mutant.manifests(reference).given(stem).document
        except MutantsError:
            return None  # of a pair, one took away what the other changes
        if why := _refusal(by, changed) if by else "":
            return _settled(mutant, "refused", why)
        meaning = _meaning(behaviour, stem, changed)
        if changed == document or (meaning is not None and meaning == known):
            return _settled(
                mutant, "equivalent", "the oracle sees no request that tells them apart"
            )
        return mutant

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [each for each in pool.map(settle, candidates) if each]


def schema_of(document: Mapping[str, Any], crds: Iterable[Document]) -> Schema:
    """The schema of a document's kind and version, of its CRD; empty if there is none."""
    group, _, version = str(document["apiVersion"]).rpartition("/")
    schemas: Iterator[Schema] = (
        each["schema"]["openAPIV3Schema"]
        for crd in crds
        if (crd["spec"]["group"], crd["spec"]["names"]["kind"]) == (group, document["kind"])
        for each in crd["spec"]["versions"]
        if each["name"] == version
    )
    return next(schemas, {})


def _mutant(behaviour: Behaviour[Any], stem: str, edit: Edit) -> Mutant:
    return Mutant(
        name=f"{stem}-{edit.name}",
        suite=behaviour.name,
        what=edit.what[:200],
        file=stem,
        patch=tuple(dict(operation) for operation in edit.patch),
        generated=True,
    )


def _values(folder: Path) -> Mapping[str, Any]:
    path = folder / VALUES
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def _refusal(kube: Kube, document: Document) -> str:
    """Why the cluster would not take a document; empty if it would."""
    try:
        kube.apply(document, HOME, dry_run=True)
    except RefusedError as error:
        return error.seen
    return ""


def _meaning(behaviour: Behaviour[Any], stem: str, document: Document) -> Meaning | None:
    """What a document means by the behaviour's oracle; None if that does not know."""
    if not behaviour.meaning:
        return None
    try:
        return behaviour.meaning(stem, document)
    except UnreadError:
        return None


def _settled(mutant: Mutant, outcome: Outcome, reason: str) -> MutantRun:
    return MutantRun(
        name=mutant.name, suite=mutant.suite, what=mutant.what, kills=(), outcome=outcome,
        reason=reason[:400],
    )  # fmt: skip
