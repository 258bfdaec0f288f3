"""The soak: the suites many times over on the same clusters, each time in another order.

Shows that clusters that do what they should are never called red. It changes nothing of how
the suites measure.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from rich.console import Console

from clusters.errors import InterruptedRunError
from clusters.topology import Topology
from reports.schema import Results
from reports.wording import counts, duration, not_green, one_line
from suites.runs.run import Run, check_input

CHECK_EVERY = 10_000_000  # turns of the burning loop between two looks at its parent


def soak(run: Run, times: int, more: Sequence[str], *, burn: int) -> int:
    """Run the suites so many times; every verdict that is not green is printed with its evidence.

    `burn` cores are kept busy meanwhile: with any, inconclusive is allowed, and fail is not.

    Returns:
        0 if nothing failed, and without `burn` nothing was inconclusive either.

    Raises:
        TopologyError: no clusters are up.
    """
    check_input()
    Topology.load(run.home.topology)
    console, bad = Console(highlight=False), 0
    with _burning(burn):
        for number in range(1, times + 1):
            one = replace(run, name=f"{run.name}-{number:02d}", stages=[])
            try:
                one.suites("-q", "--no-header", "--tb=no", "-rN", f"--shuffle={number}", *more)
            except InterruptedRunError as error:
                one.finish(interrupted=True, cause=str(error))
                raise
            results = one.finish(interrupted=False, cause="pytest wrote no results")
            bad += _print(console, one, results, number, times, burn=bool(burn))
    console.print(
        f"{times - bad} of {times} runs were green" + (" but for excuses" if burn else "")
    )
    return 1 if bad else 0


def _print(
    console: Console, run: Run, results: Results, number: int, times: int, *, burn: bool
) -> bool:
    """Print what one run came to; whether it is a bad one."""
    took = duration(sum(stage.seconds for stage in run.stages))
    console.print(f"soak {number} of {times}: {counts(results.requirements)}, {took}")
    judged = tuple(each for each in results.requirements if not each.explained)
    for red in not_green(judged):
        console.print(f"  {red.key} {red.verdict}: {one_line(red.reason)}", markup=False)
        console.print(f"  {run.folder / (red.evidence or red.history)}", markup=False)
    green = {"pass", "inconclusive"} if burn else {"pass"}
    return not judged or any(each.verdict not in green for each in judged)


@contextmanager
def _burning(cores: int) -> Iterator[None]:
    """So many cores kept busy, each by a process that ends with this one."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_burn, daemon=True) for _ in range(cores)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _burn() -> None:
    parent = multiprocessing.parent_process()
    while parent and parent.is_alive():
        for _ in range(CHECK_EVERY):
            pass
        time.sleep(0)
