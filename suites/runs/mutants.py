"""The mutants' run: the suites asked of every fault, and the kill matrix made from what they say.

The faults and what must notice them are the catalogues'; this joins them with a run.
"""

from __future__ import annotations

from collections.abc import Sequence

import suites
from clusters.errors import MutantsError
from clusters.topology import Topology
from fixtures.behaviour import discover
from fixtures.mutants import Mutant, catalogue, is_chosen, kills
from reports.publish import publish, report_of
from reports.reading import FILE
from reports.render.terminal import show
from reports.schema import Results
from suites.runs.run import Run


def run_mutants(run: Run, only: str, more: Sequence[str]) -> int:
    """Run the mutants, or only some, and publish the matrix; 0 only if all were killed.

    Raises:
        TopologyError: no clusters are up.
        MutantsError: there is no mutant of a name, or a catalogue is malformed.
    """
    Topology.load(run.home.topology)
    mutants = chosen(only)
    # So much red is expected that pytest's own account of it says nothing.
    run.pytest(f"--mutants={only}", "-q", "--no-header", "--tb=no", "-rN", *more)
    path = run.folder / FILE
    if not path.exists():
        return 1
    kill_matrix = kills.matrix(Results.load(path), mutants)
    publish(kill_matrix, run.folder)
    show(report_of(kill_matrix), run.folder)
    return 0 if kill_matrix.proven else 1


def chosen(only: str) -> list[Mutant]:
    """The mutants of every behaviour, or those of some names, divided by commas.

    Raises:
        MutantsError: there is none of one of the names, or a catalogue is malformed.
    """
    every = [mutant for behaviour in discover(suites) for mutant in catalogue(behaviour.folder)]
    known = {mutant.name for mutant in every} | {"all"}
    if unknown := [name for name in only.split(",") if name not in known]:
        seen = ", ".join(unknown)
        raise MutantsError("names of mutants", seen=seen, look="grep name: suites/*/*.yaml")
    return [mutant for mutant in every if is_chosen(mutant.name, only)]
