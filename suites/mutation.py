"""The mutants' run: the suites asked of every fault, and the kill matrix made from what they say.

The faults and what must notice them are the catalogues'; this joins them with a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clusters.errors import MutantsError
from clusters.topology import Topology
from fixtures import kills
from fixtures.mutants import Mutant, catalogue
from reports import matrix
from reports.reading import FILE
from reports.schema import Results
from reports.terminal import show_matrix
from suites.run import Run

SUITES = Path(__file__).parent


def mutants(run: Run, only: str, more: Sequence[str]) -> int:
    """Run the mutants, or only one, and publish the matrix; 0 only if all were killed.

    Raises:
        TopologyError: no clusters are up.
        MutantsError: there is no mutant of that name, or a catalogue is malformed.
    """
    Topology.load(run.home.topology)
    asked = _asked(only)
    # So much red is expected that pytest's own account of it says nothing.
    run.pytest(f"--mutants={only}", "-q", "--no-header", "--tb=no", "-rN", *more)
    path = run.folder / FILE
    if not path.exists():
        return 1
    found = kills.matrix(Results.load(path), asked)
    matrix.publish(found, run.folder)
    show_matrix(found, run.folder)
    return 0 if found.proven else 1


def _asked(only: str) -> list[Mutant]:
    every = [mutant for folder in sorted(SUITES.iterdir()) for mutant in catalogue(folder)]
    asked = [mutant for mutant in every if only in ("all", mutant.name)]
    if not asked:
        raise MutantsError("the name of a mutant", seen=only, look="grep name: suites/*/*.yaml")
    return asked
