"""What came of kills: rows, kept beside the page that is made of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

from pydantic import Field

from clusters import doctor, files, journal
from clusters.models import Frozen
from reports.wording import machine

COLUMNS = ("day", "command", "moment", "what happened to it", "it said", "down, s", "left")
WHOLE = ("command", "runs", "left nothing", "down, s: median", "most")
HEAD = """# Killed runs

Written by `make kills`. Each row is one run. Its moment is drawn over stages, which are found in
what the command prints, and then within one. After it comes `make down`. What there is before the
run and after `make down` is compared: containers, networks and volumes of the engine, processes,
mounts, network namespaces, interfaces, rules of the packet filter, control groups, the limits of
inotify, files of the home but for what is kept on purpose, and temporary files
([code](../tests/kills/footprint.py)).
"""


class Row(Frozen):
    """One run that was killed, or met a fault; `left` is empty if all was as before."""

    day: date = Field(default_factory=lambda: datetime.now(UTC).date())
    of: str
    moment: str
    met: str
    said: str = ""
    down: float
    left: tuple[str, ...] = ()

    @property
    def cells(self) -> Sequence[str]:
        left = "; ".join(self.left) or "nothing"
        return (f"{self.day}", self.of, self.moment, self.met, self.said, f"{self.down:.0f}", left)


def add(row: Row, page: Path) -> None:
    """Keep a row beside the page, and make the page of all that are there."""
    rows = page.with_suffix(".jsonl")
    journal.append(row, rows)
    files.write(page, markdown(list(journal.read(rows, Row))))


def markdown(rows: Sequence[Row]) -> str:
    """The page: what each command came to as a whole, and every row."""
    last = ", ".join(machine(doctor.machine()).values())
    whole = [_whole([row for row in rows if row.of == of]) for of in sorted({r.of for r in rows})]
    tables = (_table(WHOLE, whole), _table(COLUMNS, [row.cells for row in rows]))
    return "\n".join([HEAD, f"The last one ran on {last}.", *tables, ""])


def _whole(rows: Sequence[Row]) -> Sequence[str]:
    downs = [row.down for row in rows]
    clean = sum(not row.left for row in rows)
    numbers = (len(rows), clean, round(median(downs)), round(max(downs)))
    return (rows[0].of, *map(str, numbers))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n" + "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
