"""What a report tells of loads: a table of their figures, and their answers second by second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from reports import traffic_charts
from reports.model import Cell, Columns, Figure, Table, make_table
from reports.schema import Load
from reports.wording import duration, number

RIGHT = ("Users", "Workers", "Requests", "A second", "p50", "p99", "p99.9")
WHO = ("generators", "master", "sidecars")
"""Those whose CPU for a request is told."""


def sections(loads: Iterable[Load]) -> Iterator[Table | Figure]:
    """None where there was no load."""
    loads = tuple(loads)
    if not loads:
        return
    columns: Columns[Load] = {
        "Load": lambda each: Cell(f"{each.cluster}, {each.by}", path=each.page),
        "Loop": _loop,
        "Users": lambda each: number(each.users),
        "Workers": lambda each: number(each.workers),
        "Requests": lambda each: number(each.requests),
        "A second": lambda each: number(round(each.per_second)),
        "p50": lambda each: duration(each.p50_ms / 1000),
        "p99": lambda each: duration(each.p99_ms / 1000),
        "p99.9": lambda each: duration(each.p999_ms / 1000),
        **{f"CPU of {who}": partial(_cpu, who) for who in WHO},
    }
    title = "Loads, with Locust's own report of each"
    yield make_table(
        title,
        loads,
        columns,
        (*RIGHT, *(name for name in columns if "CPU" in name)),
        summary="open",
        main=True,
    )
    for each in loads:
        yield _over_time(each)


def _loop(load: Load) -> str:
    if load.loop == "closed":
        return "closed"
    return f"open, {load.rate:g} a second, {number(load.delayed)} late"


def _cpu(who: str, load: Load) -> str:
    return f"{load.cpu_ms[who]:.2f} ms" if who in load.cpu_ms else ""


def _over_time(load: Load) -> Figure:
    counts = {
        (second, status): n
        for status, counted in load.by_second.items()
        for second, n in enumerate(counted)
        if n
    }
    title = f"{load.cluster}, {load.by}, {load.workers} workers: answers a second"
    kept = f"{number(load.lines)} have a line in the history, of {number(load.requests)}"
    caption = f"By status, as Locust counted them; {kept}, and all that were unusual."
    legend = tuple((status, traffic_charts.colour(status), "") for status in load.by_second)
    draw = partial(_draw_narrow, counts)
    return Figure(title, caption, draw, caption, legend, place="half")


def _draw_narrow(counts: dict[tuple[int, str], int], narrow: bool) -> str:
    return traffic_charts.over_seconds(counts) if narrow else ""
