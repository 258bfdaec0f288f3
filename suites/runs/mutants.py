"""The mutants' run: the suites asked of faults, and the kill matrix made from what they say.

The faults are those of the catalogues, and those that the kinds' schemas allow. This joins them
with a run.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import suites
from clusters import providers, tools, versions
from clusters.errors import MutantsError
from clusters.progress import Progress
from clusters.settings import Settings
from clusters.topology import Topology
from fixtures import manifests
from fixtures.behaviour import discover
from fixtures.lab import Lab
from fixtures.mutants import Mutant, catalogue, kills, save
from fixtures.plugin.options import FULL
from reports.publish import publish, report_of
from reports.reading import FILE
from reports.render.terminal import show
from reports.schema import Results
from suites.runs.beside import Others
from suites.runs.generated_mutants import Generated, generate
from suites.runs.run import Run

GENERATED = "generated-mutants.json"
SAMPLE = 60
"""Generated mutants of a sample, if nobody says how many."""
LANES = "3"
"""Mutants at once, each of another suite. Most of their time they wait for a proxy or an agent. A
node has CPU to ask for beside the reference's suites for some of the practices' alone."""
BY_HAND = 4
"""Generated mutants for one that was written by hand: such a one takes as long as several, as long
requirements too are asked of it, and then the reference is."""


@dataclass(frozen=True)
class Choice:
    """Which mutants a run is asked of: some by name, everything, or else a sample by a seed.

    `size` are the generated ones of a sample.
    """

    names: frozenset[str] = frozenset()
    everything: bool = False
    seed: int = 0
    size: int = SAMPLE

    @classmethod
    def of_user(cls, only: str, *, everything: bool, seed: int, size: int = SAMPLE) -> Choice:
        """From the options of the command: names divided by commas, or none."""
        names = frozenset(filter(None, only.split(",")))
        return cls(names, everything, seed or secrets.randbelow(2**31) + 1, size)

    @property
    def drawn_by(self) -> int:
        """The seed of a sample; 0 where nothing is drawn."""
        return 0 if self.names or self.everything else self.seed


def run_mutants(run: Run, choice: Choice, more: Sequence[str], *, peers: bool = False) -> int:
    """Run the mutants that are chosen and publish the matrix; 0 only if all were noticed.

    Args:
        peers: ask others of them too, see `suites.runs.beside`.

    Raises:
        TopologyError: no clusters are up.
        MutantsError: there is no mutant of a name, or a catalogue is malformed.
        DoctorError: a program of the others could not be built.
    """
    topology = Topology.load(run.home.topology)
    run.profile = FULL  # whatever a fault must be noticed by is asked
    providers.reach(run.home)
    progress = Progress(run.home.root / "estimates.json")
    train = versions.load(topology.train)
    program = tools.ensure(tools.ISTIOCTL, run.home, train, progress) if peers else None
    with run.stage("generate"), progress.step("mutants generated"):
        generated = generate(discover(suites), manifests.load(), topology, choice.seed)
    mutants, generated = chosen(choice, generated)
    run.folder.mkdir(parents=True, exist_ok=True)
    save(generated.mutants, run.folder / GENERATED)
    every = (*mutants, *generated.mutants)
    # So much red is expected that pytest's own account of it says nothing.
    run.pytest(
        *("-n", LANES),
        f"--mutants={','.join(mutant.name for mutant in every)}",
        f"--generated={run.folder / GENERATED}",
        *("-q", "--no-header", "--tb=no", "-rN", *more),
    )
    path = run.folder / FILE
    if not path.exists():
        return 1
    kill_matrix = kills.matrix(Results.load(path), every, generated.settled, choice.drawn_by)
    if program:
        with run.stage("peers"), _beside(run, topology, program) as others:
            kill_matrix = others.joined(kill_matrix, every)
    publish(kill_matrix, run.folder)
    show(report_of(kill_matrix), run.folder)
    return 0 if kill_matrix.proven else 1


@contextmanager
def _beside(run: Run, topology: Topology, program: Path) -> Iterator[Others]:
    own = manifests.of_user(Settings.of_user().manifests)
    lab = Lab(topology, own, run.folder, run.folder)
    try:
        yield Others(lab, program)
    finally:
        lab.close()


def chosen(choice: Choice, generated: Generated) -> tuple[list[Mutant], Generated]:
    """Of the catalogues' mutants and of the generated ones, those that are chosen.

    Raises:
        MutantsError: there is none of one of the names, or a catalogue is malformed.
    """
    every = [mutant for behaviour in discover(suites) for mutant in catalogue(behaviour.folder)]
    if choice.everything:
        return every, generated
    if not choice.names:
        draw = random.Random(choice.seed)  # noqa: S311 (no secret)
        some = draw.sample(every, min(choice.size // BY_HAND + 1, len(every)))
        return some, generated.sample(choice.size, choice.seed)
    known = {mutant.name for mutant in (*every, *generated.mutants)}
    known |= {mutant.name for mutant in generated.settled}
    if unknown := sorted(choice.names - known):
        raise MutantsError(
            "names of mutants", seen=", ".join(unknown), look="grep name: suites/*/mutants.yaml"
        )
    return [m for m in every if m.name in choice.names], generated.only(choice.names)
