"""Where things stand on the timeline of a watch: seconds on pixels, rows, and free tracks.

Computes places and draws nothing; upgrade_charts.py draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reports.charts import WIDTH, label_width
from reports.upgrade_schema import Phase, Stream, Upgrade
from reports.upgrade_wording import by_cluster
from reports.wording import one_line

NARROW = 372
MARGIN = 20
"""At the right of the plot, for each row's verdict."""
FONT = 12
_CHARACTER = 6.2


class Plot(NamedTuple):
    """Where things are: the seconds from `begin` to `end` on `pixels`, labels to the left."""

    begin: float
    end: float
    pixels: float
    labels: int
    font: int

    def at(self, seconds: float) -> float:
        return (seconds - self.begin) / (self.end - self.begin) * self.pixels

    def seconds(self, pixels: float) -> float:
        return pixels / self.pixels * (self.end - self.begin)


def plot_of(upgrade: Upgrade, narrow: bool) -> Plot:
    """The room that there is, on a page or on a phone."""
    names = [stream.name for stream in upgrade.streams] + list(by_cluster(upgrade.streams))
    labels = label_width([*map(one_line, names), "phases"], 118 if narrow else 240)
    begin, end = extent(upgrade)
    whole = NARROW if narrow else WIDTH
    return Plot(begin, end, whole - MARGIN - labels, labels, 10 if narrow else FONT)


def extent(upgrade: Upgrade) -> tuple[float, float]:
    """From when to when there is something to show, in seconds since the watch began."""
    streams = upgrade.streams
    starts = [each.started for each in upgrade.phases]
    starts += [outage.started for stream in streams for outage in stream.episodes]
    ends = [phase.started + phase.seconds for phase in upgrade.phases]
    ends += [e.started + e.low for stream in streams for e in stream.episodes]
    ends += [until for stream in streams for _, until in stream.gaps]
    ends += [stream.n / stream.rate for stream in streams if stream.rate > 0]
    begin = min(0.0, *starts) if starts else 0.0
    return begin, max([begin + 1.0, *ends])


def tracks(extents: Sequence[tuple[float, float]]) -> list[int]:
    """The first track for each extent where it covers nobody who came before it."""
    taken: list[list[tuple[float, float]]] = []
    numbers = []
    for low, high in extents:
        free = (i for i, held in enumerate(taken) if all(high <= a or low >= b for a, b in held))
        track = next(free, len(taken))
        if track == len(taken):
            taken.append([])
        taken[track].append((low, high))
        numbers.append(track)
    return numbers


def shorten(text: str, plot: Plot) -> str:
    """A text on one line, cut to what the plot has room for."""
    most = int(0.9 * plot.pixels / _CHARACTER)
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def place_bar(phase: Phase, text: str, plot: Plot) -> tuple[float, float]:
    """The pixels that a bar and its name take; a name at the plot's end goes to the left."""
    begin, end = plot.at(phase.started), plot.at(phase.started + phase.seconds)
    width = len(text) * _CHARACTER + 8
    low = max(0.0, min(begin, plot.pixels - width))
    return low, max(end, low + width)


def place_rows(streams: Iterable[Stream]) -> tuple[list[str], dict[str, int]]:
    """The label of every row, a cluster's above its streams', and the row of every stream."""
    labels: list[str] = []
    places = {}
    for cluster, members in by_cluster(streams).items():
        labels.append(one_line(cluster))
        for stream in members:
            places[stream.key] = len(labels)
            labels.append(one_line(stream.name))
    return labels, places


def between(
    gaps: Iterable[tuple[float, float]], begin: float, end: float
) -> list[tuple[float, float]]:
    """What the gaps leave of the time from begin to end."""
    left, at = [], begin
    for low, high in sorted(gaps):
        if low > at:
            left.append((at, min(low, end)))
        at = max(at, high)
    return [*left, (at, end)] if at < end else left
