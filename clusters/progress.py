"""What a person sees while long work goes on: what is done, how long it took, what is left.

On a terminal a live line; elsewhere one line per finished step. It decides nothing.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from clusters.topology import Stage


class Progress:
    """Times the steps of one phase; safe to use from several threads."""

    def __init__(self, estimates: Path, console: Console | None = None) -> None:
        """`estimates` keeps each step's last time, which is the next run's estimate."""
        self.console = console or Console(stderr=True, highlight=False)
        self._began = time.monotonic()
        self._stages: list[Stage] = []
        self._running: dict[str, float] = {}
        self._lock = threading.Lock()
        self._file = estimates
        self._estimates: dict[str, float] = {}
        with contextlib.suppress(OSError, ValueError):
            self._estimates = json.loads(estimates.read_text())

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The finished steps, in the order they began."""
        return tuple(sorted(self._stages, key=lambda stage: stage.started))

    def expect(self, names: Mapping[str, float]) -> None:
        """Say how long steps will take, in seconds, that were never timed here before."""
        self._estimates = {**names, **self._estimates}

    @contextlib.contextmanager
    def step(self, name: str, cluster: str = "") -> Iterator[None]:
        """Time one step; it is recorded also when it fails."""
        label = f"{cluster}: {name}" if cluster else name
        began = time.monotonic()
        with self._lock:
            self._running[label] = began
        self._say(f"[dim]…[/] {escape(label)}{self._estimate(label)}")
        mark = "[red]✗[/]"
        try:
            yield
            mark = "[green]✓[/]"
        finally:
            seconds = time.monotonic() - began
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

    def _say(self, markup: str) -> None:
        elapsed = time.monotonic() - self._began
        self.console.print(f"[dim]{elapsed:6.1f}[/] {markup}")

    def _estimate(self, label: str) -> str:
        known = self._estimates.get(label)
        return f" [dim](about {known:.0f} s)[/]" if known and known >= 2 else ""

    def _remember(self, label: str, seconds: float) -> None:
        self._estimates[label] = round(seconds, 1)
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self._estimates, indent=1, sort_keys=True))
