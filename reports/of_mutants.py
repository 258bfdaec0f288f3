"""The report of a run over mutants: a row per mutant, a column per requirement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median

from reports import wording
from reports.kill_matrix import KillMatrix, MutantRun, Outcome
from reports.model import Entry, Files, Grid, Report, Row
from reports.schema import Status
from reports.wording import duration

FILES = Files("mutants.json", "mutants.md", "mutants.html", latest="mutants")
VERDICTS: dict[Outcome, Status] = {
    "killed": "pass", "refused": "pass", "survived": "fail", "not applicable": "skip",
    "equivalent": "skip", "not run": "inconclusive",
}  # fmt: skip


def report(matrix: KillMatrix) -> Report:
    """Red for each mutant that survived, and for each time that the reference was red."""
    entries = tuple(_entries(matrix))
    return Report(
        name="Plumbline mutants",
        kind="mutants",
        files=FILES,
        run=matrix.run,
        status="passed" if matrix.proven else "failed",
        word="Every fault was noticed" if matrix.proven else "Not every fault was noticed",
        counts=matrix.headline,
        facts={
            "Run": matrix.run,
            "Train": matrix.train,
            "Took": duration(matrix.seconds),
            **({"Sample": f"drawn by SEED={matrix.seed}"} if matrix.seed else {}),
        },
        entries=entries,
        remarks=(
            "A row is the reference, or what is around it, with one fault; a column is a "
            "requirement. Framed: it must fail. Empty: it was not asked.",
            *_of_peers(matrix),
        ),
        bar=wording.tally(each for each in entries if each.sort == "mutant"),
        grids=tuple(
            Grid(
                suite,
                (*names, *matrix.peers()),
                tuple(_row(mutant, names, matrix.peers()) for mutant in mutants),
            )
            for suite, (names, mutants) in matrix.suites().items()
        ),
        ran={"Machine": wording.machine(matrix.machine)},
    )


def _entries(matrix: KillMatrix) -> Iterator[Entry]:
    for mutant in matrix.entries:
        yield Entry(
            f"{mutant.suite}/{mutant.name}",
            VERDICTS[mutant.outcome],
            mutant.reason or mutant.outcome,
            mutant.what,
            sort="mutant",
            listed=False,
            excused=VERDICTS[mutant.outcome] == "skip",
        )
    for cell in matrix.reference_red:
        yield Entry(cell.requirement, cell.verdict, cell.reason, sort="reference", listed=False)


def _of_peers(matrix: KillMatrix) -> Iterator[str]:
    """Who noticed how many, and after how long."""
    n = sum(bool(entry.peers) for entry in matrix.entries)
    if not n:
        return
    ours, ran = matrix.count("killed"), len(matrix.entries) - matrix.count("not run")
    yield (
        f"Of {n} mutants these requirements noticed {ours}; each took "
        f"{duration(matrix.seconds / ran)}, with the reference after it."
    )
    for peer, words in matrix.peers().items():
        noticed = sum(word.noticed for word in words)
        each = duration(median(word.seconds for word in words))
        yield f"{peer} noticed {noticed}; each took {each} at the median."


def _row(mutant: MutantRun, requirements: Iterable[str], peers: Iterable[str]) -> Row:
    said = "".join(f"; {word.peer}: {word.says}" for word in mutant.peers if word.noticed)
    cells = {cell.requirement: cell for cell in mutant.cells}
    where = f" ({mutant.cluster})" if mutant.cluster else ""
    reason = f": {mutant.reason}" if mutant.reason else ""
    return Row(
        name=mutant.name,
        sentence=f"{mutant.what}{where}",
        marks=(
            *(
                Entry(
                    f"{mutant.suite}/{mutant.name}/{name}",
                    cells[name].verdict,
                    cells[name].reason,
                    must_fail=name in mutant.kills,
                )
                if name in cells
                else None
                for name in requirements
            ),
            *(_word(mutant, peer) for peer in peers),
        ),
        remark=f"{mutant.outcome}{reason}{said}",
        verdict=VERDICTS[mutant.outcome],
    )


def _word(mutant: MutantRun, peer: str) -> Entry | None:
    """Red if somebody else noticed it."""
    word = next((word for word in mutant.peers if word.peer == peer), None)
    if not word:
        return None
    key = f"{mutant.suite}/{mutant.name}/{peer}"
    return Entry(key, "fail" if word.noticed else "pass", word.says, seconds=word.seconds)
