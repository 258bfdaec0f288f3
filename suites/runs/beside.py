"""Beside ours: what others notice of each mutant of a run, without a request: a cluster's own
admission, and istioctl's `analyze`.

Both are given what the mutant's suite applies, with the fault in it. Admission is asked of what
differs from the reference, with `dryRun=All`; `analyze` looks at all of it as if it stood in the
cluster, and what it says of the reference too is no news. Nothing is stored in a cluster.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

import suites
from clusters.errors import CommandError, RefusedError, UnreachableError, UnservedKindError
from clusters.kube import Document, Kube
from clusters.process import environment
from fixtures.behaviour import Behaviour, discover
from fixtures.lab import Lab, namespace_of
from fixtures.mutants import Mutant
from reports.kill_matrix import KillMatrix, MutantRun, Word
from suites.runs import istioctl
from suites.runs.applied import stems

ADMISSION, ANALYZE = "admission", "istioctl analyze"
LOUD = frozenset({"Error", "Warning"})
"""The levels of istioctl's messages that a person would stop at."""
PATIENCE = 120  # seconds, for istioctl to look at some dozens of documents
IN_NO_MANIFEST = "in no manifest"

Placed = tuple[Document, str]
Message = Mapping[str, Any]


@dataclass
class Others:
    """Those who are asked beside ours, and what they say of the reference."""

    lab: Lab
    program: Path
    _supports: dict[tuple[str, str], list[Document]] = field(default_factory=dict)
    _known: dict[tuple[str, str], set[tuple[str, ...]]] = field(default_factory=dict)

    def joined(self, matrix: KillMatrix, mutants: Iterable[Mutant]) -> KillMatrix:
        """The matrix with the words of the others beside each mutant that was run.

        Raises:
            CommandError: istioctl does not say what it found.
        """
        by_name = {(mutant.suite, mutant.name): mutant for mutant in mutants}
        console = Console(highlight=False)

        def entry_of(entry: MutantRun) -> MutantRun:
            mutant = by_name.get((entry.suite, entry.name))
            if not mutant or entry.outcome not in ("killed", "survived"):
                return entry
            words = tuple(self._words(mutant, entry))
            console.print(f"  {entry.name}: {_brief(words)}", style="dim")
            return entry.model_copy(update={"peers": words})

        entries = tuple(map(entry_of, matrix.entries))
        return matrix.model_copy(update={"entries": entries})

    def _words(self, mutant: Mutant, entry: MutantRun) -> Iterator[Word]:
        behaviour = next(each for each in discover(suites) if each.name == mutant.suite)
        clusters = behaviour.asked_of(self.lab.topology.clusters)
        cluster = mutant.cluster or entry.cluster
        kube = self.lab.kube(cluster if cluster in clusters else clusters[0])
        reference, faulty = self._placed(kube, behaviour), self._placed(kube, behaviour, mutant)
        differ = [each for each in faulty if each not in reference]
        yield _admission(kube, differ, mutant)
        if faulty == reference:
            yield Word(peer=ANALYZE, noticed=False, says=IN_NO_MANIFEST, seconds=0)
            return
        key = (behaviour.name, kube.cluster.name)
        if key not in self._known:
            self._known[key] = set(map(_identity, self._analyze(kube, reference)))
        began = time.monotonic()
        news = [
            each for each in self._analyze(kube, faulty) if _identity(each) not in self._known[key]
        ]
        yield analyzed(news, time.monotonic() - began)

    def _placed(
        self, kube: Kube, behaviour: Behaviour[Any], mutant: Mutant | None = None
    ) -> list[Placed]:
        """What a suite applies and where, with a mutant's fault in it."""
        namespace, manifests = namespace_of(behaviour.name), self.lab.manifests
        support, beside = self._support(kube, behaviour), list[Placed]()
        if mutant:
            patched = {_place(each): each for each in mutant.supported(support)}
            support = [patched.get(_place(each), each) for each in support]
            beside = [(each, there or namespace) for each, there in mutant.beside(manifests)]
            manifests = mutant.manifests(manifests)
        own = [manifests.given(stem) for stem in stems(behaviour, manifests)]
        applied = (*support, *(each.document for each in own if not each.absent))
        return [*((each, namespace) for each in applied), *beside]

    def _support(self, kube: Kube, behaviour: Behaviour[Any]) -> list[Document]:
        key = (behaviour.name, kube.cluster.name)
        if key not in self._supports:
            place = namespace_of(behaviour.name)
            self._supports[key] = self.lab.support(kube, behaviour.support, place)
        return self._supports[key]

    def _analyze(self, kube: Kube, placed: Iterable[Placed]) -> list[dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "all.yaml"
            documents = [_in_namespace(document, namespace) for document, namespace in placed]
            file.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
            topology = self.lab.topology
            words = istioctl.arguments(istioctl.ANALYZE, kube.cluster, topology, str(file))
            # Its exit status is of what it found.
            done = subprocess.run(
                [self.program, *words],
                env=environment(istioctl.variables(topology), direct=True),
                capture_output=True,
                check=False,
                encoding="utf-8",
                errors="replace",
                timeout=PATIENCE,
            )
        try:
            return istioctl.messages(done.stdout)
        except ValueError:
            raise CommandError(
                "istioctl analyze to say what it found",
                seen=done.stderr,
                look="make peers ONLY=istioctl",
            ) from None


def analyzed(news: Iterable[Message], seconds: float) -> Word:
    """What `analyze` says of a mutant and not of the reference; seconds."""
    loud = [each for each in news if each["level"] in LOUD]
    says = "; ".join(f"{each['code']} {each['message']}" for each in loud)
    return Word(peer=ANALYZE, noticed=bool(loud), says=says[:400], seconds=round(seconds, 2))


def _admission(kube: Kube, placed: Sequence[Placed], mutant: Mutant) -> Word:
    began, refused = time.monotonic(), ""
    for document, namespace in placed:
        try:
            kube.apply(document, namespace, mutant.origin, dry_run=True)
        except (RefusedError, UnservedKindError) as error:
            refused = error.seen
        except UnreachableError as error:
            return Word(peer=ADMISSION, noticed=False, says=error.seen[:400], seconds=0)
    seconds = round(time.monotonic() - began, 2)
    says = refused[:400] if placed else IN_NO_MANIFEST
    return Word(peer=ADMISSION, noticed=bool(refused), says=says, seconds=seconds)


def _identity(message: Message) -> tuple[str, ...]:
    return tuple(str(message.get(key, "")) for key in ("code", "level", "origin", "message"))


def _in_namespace(document: Document, namespace: str) -> Document:
    """The document as a file has it that is applied there."""
    if document["kind"] == "Namespace":
        return document
    return {**document, "metadata": {**document["metadata"], "namespace": namespace}}


def _place(document: Document) -> tuple[str, str]:
    return document["kind"], document["metadata"]["name"]


def _brief(words: Iterable[Word]) -> str:
    return ", ".join(f"{w.peer} {'noticed' if w.noticed else 'did not'}" for w in words)
