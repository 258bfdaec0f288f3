"""python -m tests.kills: commands killed at drawn moments, and what `make down` leaves of them.

It takes the lab: what is up is taken down first.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from clusters import versions
from clusters.errors import PlumblineError
from clusters.home import Home
from suites.runs.run import OUT
from tests.kills import faults, moments, page
from tests.kills.page import Row
from tests.kills.trial import DOWN, LONGEST, NAME, Place, Trial

LOGS = OUT / "kills"
UP = (sys.executable, "-m", "clusters", "up")
SUITES = (sys.executable, "-m", "suites")


def main(argv: Sequence[str] | None = None) -> int:
    """Kill as often as asked; 0 if nothing was left each time."""
    options = _parser().parse_args(argv)
    console = Console(stderr=True, highlight=False)
    clean = True
    try:
        for row in _rows(options):
            if options.write:
                page.add(row, options.write)
            console.print(" | ".join(row.cells), markup=False, soft_wrap=True)
            clean = clean and not row.left
    except PlumblineError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return 1
    return 0 if clean else 1


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    latest = time.monotonic() + options.within if options.within else float("inf")
    LOGS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=NAME) as temporary:
        place = Place(Home.of_user(), Path(temporary), LOGS)
        if options.times or options.e2e:
            place.call(DOWN, "before")
        for number in range(options.times):
            if time.monotonic() > latest:
                break
            yield _trial(options, number).run(place)
        if options.e2e:
            status = place.call((*SUITES, "e2e"), "e2e", f"{NAME}-e2e")
            left = (f"e2e ended with status {status}",) if status else ()
            yield Row(of="e2e", moment="after them all", met="nothing", down=0, left=left)


def _trial(options: argparse.Namespace, number: int) -> Trial:
    """The trial of that number."""
    name = f"{NAME}-{options.of}-{options.fault or options.seed}-{number}"
    words, needs = [*SUITES, options.of], tuple[str, ...]()
    stages = moments.STAGES[options.of]
    match options.of:
        case "upgrade":
            first, *_, last = versions.names()
            words += ["--from", first, "--to", last]
        case "watch":
            words += ["--quiet=5", "--faults=short"]
            needs = UP
        case "e2e" if options.asking:
            words += ["--", "-k", options.asking]
            stages = moments.PART
    source = random.Random(f"{options.seed}-{number}")  # noqa: S311 (to be drawn again)
    groups = options.only or (("suites",) if options.fault else ())
    moment = moments.draw(stages, source, groups)
    return Trial(options.of, words, moment, name, options.fault, needs, options.patience)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--times", type=int, default=20, metavar="N", help="kills (default: 20)")
    parser.add_argument("--of", choices=tuple(moments.STAGES), default="e2e")
    parser.add_argument("--seed", type=int, default=1, help="moments are drawn by it")
    text = f"stages to draw from: {', '.join(moments.GROUPS)} (default: all)"
    parser.add_argument("--only", nargs="+", default=(), choices=moments.GROUPS, help=text)
    parser.add_argument("--asking", default="", metavar="EXPR", help="an e2e of these alone")
    parser.add_argument("--fault", choices=tuple(faults.FAULTS), default="", help="not a kill")
    text = "for a command that meets a fault (default: an hour)"
    parser.add_argument("--patience", type=float, default=LONGEST, metavar="SECONDS", help=text)
    text = "begin none after these"
    parser.add_argument("--within", type=float, default=0, metavar="SECONDS", help=text)
    parser.add_argument("--e2e", action="store_true", help="at the end a whole e2e: green")
    parser.add_argument("--write", type=Path, metavar="FILE", help="add them to a page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
