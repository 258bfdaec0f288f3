"""What a person sees while long work goes on: what is done, how long it took, what is left.

One line where a step begins, one where it ends, and one every half a minute between: the same
on a terminal and in a job's log. It decides nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from clusters import files
from clusters.errors import PlaceError
from clusters.procedure import Step
from clusters.repeating import repeated
from clusters.topology import Stage

TELL_EVERY = 30.0  # seconds that a step may run without a word
BEGUN, DONE, FAILED = "…", "✓", "✗"
PLAIN = {BEGUN: "..", DONE: "ok", FAILED: "failed"}  # for a terminal without these signs


@dataclass
class _Step:
    """A step under way: when it began, when it was last told of, and what knows how far it is."""

    began: float
    told: float
    detail: Callable[[], str] | None


class Progress:
    """Times the steps of one phase; safe to use from several threads."""

    def __init__(
        self,
        estimates: Path,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        every: float = TELL_EVERY,
    ) -> None:
        """`estimates` keeps each step's last time, which is the next run's estimate.

        Args:
            every: seconds after which a step that still runs is told of, again and again.
        """
        self.console = console or Console(stderr=True, highlight=False)
        self._clock, self._every = clock, every
        self._began = clock()
        self._stages: list[Stage] = []
        self._running: dict[str, _Step] = {}
        self._lock = threading.Lock()
        self._file = estimates
        self._estimates = _times(estimates)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The finished steps, in the order they began."""
        return tuple(sorted(self._stages, key=lambda stage: stage.started))

    def expect(self, names: Mapping[str, float]) -> None:
        """Say how long steps will take, in seconds, that were never timed here before."""
        self._estimates = {**names, **self._estimates}

    def expect_steps(self, steps: Iterable[Step]) -> None:
        """The same of the steps of a procedure."""
        self.expect({_label(s.name, s.cluster): s.estimate for s in steps if s.estimate})

    def time_step(self, step: Step) -> contextlib.AbstractContextManager[None]:
        """Time a step of a procedure."""
        return self.step(step.name, step.cluster)

    @contextlib.contextmanager
    def step(
        self, name: str, cluster: str = "", detail: Callable[[], str] | None = None
    ) -> Iterator[None]:
        """Time one step; it is recorded also when it fails.

        Args:
            detail: tells in a few words how far it is, whenever it is told of.
        """
        label = _label(name, cluster)
        began = self._clock()
        with self._lock:
            self._running[label] = _Step(began, began, detail)
        self._say(f"[dim]{self._mark(BEGUN)}[/] {escape(label)}{self._estimate(label)}")
        mark = f"[red]{self._mark(FAILED)}[/]"
        try:
            with repeated(self.tell, self._every):
                yield
            mark = f"[green]{self._mark(DONE)}[/]"
        finally:
            seconds = self._clock() - began
            with self._lock:
                del self._running[label]
                self._stages.append(
                    Stage(
                        name=name, cluster=cluster, started=round(began - self._began, 2),
                        seconds=round(seconds, 2),
                    )
                )  # fmt: skip
                if "green" in mark:
                    self._remember(label, seconds)
            self._say(f"{mark} {escape(label)} [dim]{seconds:.1f} s[/]")

    def say(self, text: str) -> None:
        """One line of plain text."""
        self._say(escape(text))

    def tell(self) -> None:
        """Tell of every step that has run for long without a word."""
        now = self._clock()
        with self._lock:
            quiet = {n: s for n, s in self._running.items() if now - s.told >= self._every}
            for step in quiet.values():
                step.told = now
        for label, step in quiet.items():
            known = self._estimates.get(label, 0)
            words = f"{now - step.began:.0f} s so far" + (
                f", of about {known:.0f}" if known else ""
            )
            far = f", {step.detail()}" if step.detail else ""
            self._say(f"[dim]{self._mark(BEGUN)}[/] {escape(label)} [dim]{words}{escape(far)}[/]")

    def _mark(self, sign: str) -> str:
        return sign if self.console.encoding.startswith("utf") else PLAIN[sign]

    def _say(self, markup: str) -> None:
        elapsed = self._clock() - self._began
        # A log's reader and a copied command want a line in one piece.
        self.console.print(f"[dim]{elapsed:6.1f}[/] {markup}", soft_wrap=True)

    def _estimate(self, label: str) -> str:
        known = self._estimates.get(label)
        return f" [dim](about {known:.0f} s)[/]" if known and known >= 2 else ""

    def _remember(self, label: str, seconds: float) -> None:
        self._estimates[label] = round(seconds, 1)
        with contextlib.suppress(PlaceError):
            files.write(self._file, json.dumps(self._estimates, indent=1, sort_keys=True))


def _label(name: str, cluster: str) -> str:
    return f"{cluster}: {name}" if cluster else name


def _times(file: Path) -> dict[str, float]:
    """Seconds by step as an earlier run left them; none where the file is not whole."""
    try:
        kept = json.loads(file.read_bytes())
        return {str(name): float(seconds) for name, seconds in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def replace_unencodable() -> None:
    """Have the terminal told by `?` what its encoding has no sign for."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
