"""python -m tests.bench: how often the split decision errs, what it costs, and what others' do.

Prints tables and, if asked, writes them as a page. It ends with 1 if a claim on the page does
not hold.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

from rich.console import Console

from clusters import doctor, engine, signals, versions
from clusters.errors import EngineError, InterruptedRunError, PlumblineError
from clusters.home import Home
from clusters.progress import Progress
from tests.bench import envoy, figures
from tests.bench.page import Page
from tests.real_envoy import TRAIN

EXAMPLES = """
examples:
  make bench                                        all of it, written to docs/bench.md
  python -m tests.bench --splits 0                  no Envoy: needs no container engine
  python -m tests.bench --walks 1000000 --seed 7    more walks, other draws

The simulation gives the same figures for the same seed and number of walks. Envoy is asked
where `python -m clusters run -- python -m tests.bench` puts the program.
"""
WALKS = 100_000
SPLITS = 200
WIDTH = 110  # characters, where no terminal says so


def main(argv: list[str] | None = None) -> int:
    """Measure and show; the exit status is 0 if every claim holds, else 1, 130 if interrupted."""
    options = _parser().parse_args(argv)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    try:
        with signals.as_errors():
            page = measured(options)
    except PlumblineError as error:
        print(f"{type(error).__name__}\n{error}", file=sys.stderr)
        return 130 if isinstance(error, InterruptedRunError) else 1
    page.show(console)
    if options.write:
        page.write(options.write)
        console.print(f"\nwritten: {options.write}")
    return 0 if page.holds else 1


def measured(options: argparse.Namespace) -> Page:
    """Everything that was asked for, as a page.

    Raises:
        EngineError: splits through Envoy are asked for, and no container engine answers.
        PlumblineError: Envoy does not serve.
    """
    if options.splits and engine.of_user() is None:
        raise EngineError(
            "a container engine, for a real Envoy",
            seen="none answers",
            look="make bench, or --splits 0 to do without Envoy",
        )
    progress = Progress(Home.of_user().root / "estimates.json")
    with progress.step("simulated splits"):
        samples = figures.sampled(figures.DECLARED, figures.TRUE, options.walks, options.seed)
        by_rate = figures.by_rate(samples, options.walks, options.seed)
    with progress.step("exact chances"):
        known = figures.known()
        sections = [
            figures.decisions(samples, known),
            figures.errors(by_rate),
            figures.beside(samples, known),
            figures.splits(),
        ]
    if options.splits:
        with progress.step("splits through Envoy"):
            counts = {90: options.splits, 85: -(-options.splits // 2)}
            sections.append(figures.real(envoy.measure(figures.DECLARED, counts), known))
    return Page("The split decision, measured", _about(options, progress), sections)


def _about(options: argparse.Namespace, progress: Progress) -> str:
    """How the page was made, where and when."""
    machine = doctor.machine()
    took = ", ".join(f"{stage.name} {stage.seconds:.0f} s" for stage in progress.stages)
    through = f"; {versions.load(TRAIN).reference('envoy')}" if options.splits else ""
    return (
        f"Written by `make bench` on {date.today()}: {options.walks:,} walks per true share, "
        f"seed {options.seed}. {machine.cpu}, {machine.cores} cores, "
        f"{machine.memory_bytes / doctor.GIB:.0f} GiB, kernel {machine.kernel}, {machine.system}"
        f"{through}. Took, at a load average of {os.getloadavg()[-1]:.1f}: {took}."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Error rates and mean number of requests of the split decision, beside "
        "those of fixed-N rules: simulated, exact, and through a real Envoy.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--walks", type=int, default=WALKS, help=f"splits to simulate per true share ({WALKS:,})"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the simulation (1)")
    parser.add_argument(
        "--splits",
        type=int,
        default=SPLITS,
        help=f"splits through Envoy at 90/10, and half as many at 85/15 ({SPLITS}; 0: none)",
    )
    parser.add_argument(
        "--write", type=Path, metavar="PAGE.md", help="write the page, and its picture beside it"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
