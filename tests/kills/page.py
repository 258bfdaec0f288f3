"""What came of kills: rows, kept as lines, and the page that is made of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from clusters import doctor, files
from clusters.models import Frozen
from reports.wording import machine

COLUMNS = ("command", "moment", "what happened to it", "it said", "down, s", "left")
HEAD = """# Killed runs

Written by `make kills`. Each row is one run. Its moment is drawn over stages, which are found in
what the command prints, and then within one. After it comes `make down`. What there is before the
run and after `make down` is compared: containers, networks and volumes of the engine, processes,
mounts, network namespaces, interfaces, rules of the packet filter, control groups, files of the
home but for what is kept on purpose, and temporary files
([code](../tests/kills/footprint.py)).
"""


class Row(Frozen):
    """One run that was killed, or met a fault; `left` is empty if all was as before."""

    of: str
    moment: str
    met: str
    said: str = ""
    down: float
    left: tuple[str, ...] = ()

    @property
    def cells(self) -> Sequence[str]:
        left = "; ".join(self.left) or "nothing"
        return (self.of, self.moment, self.met, self.said, f"{self.down:.0f}", left)


def load(file: Path) -> list[Row]:
    """The rows that were kept; none without a file."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Row.model_validate_json(line) for line in lines]


def keep(rows: Iterable[Row], file: Path) -> None:
    """Keep rows, whole or not at all."""
    files.write(file, "".join(f"{row.model_dump_json()}\n" for row in rows))


def markdown(rows: Sequence[Row]) -> str:
    """The page."""
    clean = sum(not row.left for row in rows)
    ran = f"{clean} of {len(rows)} left nothing. {', '.join(machine(doctor.machine()).values())}."
    table = [COLUMNS, ["---"] * len(COLUMNS), *(row.cells for row in rows)]
    lines = (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in table)
    return "\n".join([HEAD, ran, "", *lines, ""])
