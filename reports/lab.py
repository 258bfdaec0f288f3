"""The picture of a lab: its clusters with who sent requests in them, whom they asked, what broke.

Laid out here, drawn by a template. It shows what the histories hold and nothing else: a line is
red where a requirement that failed names that request as the first that went wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from reports.render.templates import environment
from reports.traffic import Traffic
from reports.wording import number, plural

WIDTH = 800
_ROW = 27
_HEAD = 24
_GAP = 16
_LEFT, _BOX = 8.0, 236.0
_RIGHT = 520.0
_ROOM = 42  # of letters in a row
_LETTERS = 33  # of a client's name

Spot = tuple[str, str]  # a cluster and a client, or a namespace and a target


class Label(NamedTuple):
    text: str
    more: str
    x: float
    y: float


class Box(NamedTuple):
    title: str
    x: float
    y: float
    height: float
    rows: tuple[Label, ...]


@dataclass(frozen=True)
class Line:
    """Calls of one client to one target. `state`: answered, refused or broken."""

    begin: tuple[float, float]
    end: tuple[float, float]
    width: float
    state: str
    label: str


def picture(traffic: Traffic, broken: Iterable[tuple[str, str]]) -> str:
    """The lab as SVG; empty without traffic. `broken` are clusters with the texts of requests."""
    if not traffic.calls:
        return ""
    sources = _group((call.cluster, _short(call.client)) for call in traffic.calls)
    targets = _group(_target(call.target) for call in traffic.calls)
    left, begins, low = _boxes(sources, _LEFT, {}, _BOX)
    right, ends, high = _boxes(targets, _RIGHT, _backends(traffic), 0.0)
    lines = sorted(_lines(traffic, begins, ends, list(broken)), key=lambda line: line.state)
    template = environment().get_template("lab.svg.j2")
    height = max(low, high)
    return template.render(
        left=left, right=right, lines=lines, width=WIDTH, height=height, box=_BOX, far=_RIGHT
    )


def _group(spots: Iterable[Spot]) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for group, name in dict.fromkeys(spots):
        gathered.setdefault(group, []).append(name)
    return gathered


def _boxes(
    groups: Mapping[str, list[str]], x: float, more: Mapping[Spot, str], shift: float
) -> tuple[list[Box], dict[Spot, tuple[float, float]], float]:
    """A box per group under each other, where a line meets each row, and the end of the last."""
    boxes, places, y = [], {}, 4.0
    for group, names in groups.items():
        rows = []
        for i, name in enumerate(names):
            at = y + _HEAD + _ROW * i + _ROW / 2
            rows.append(Label(name, more.get((group, name), ""), x + 12, at))
            places[group, name] = (x + shift, at)
        height = _HEAD + _ROW * len(names) + 6
        boxes.append(Box(group, x, y, height, tuple(rows)))
        y += height + _GAP
    return boxes, places, y


def _lines(
    traffic: Traffic,
    begins: Mapping[Spot, tuple[float, float]],
    ends: Mapping[Spot, tuple[float, float]],
    broken: list[tuple[str, str]],
) -> Iterable[Line]:
    gathered: dict[tuple[str, str, str], Counter[str]] = {}
    for call, outcomes in traffic.calls.items():
        gathered.setdefault((call.cluster, call.client, call.target), Counter()).update(outcomes)
    for (cluster, client, target), outcomes in gathered.items():
        wrong = any(
            where in (cluster, "") and target in text and client in text for where, text in broken
        )
        served = sum(n for outcome, n in outcomes.items() if outcome.startswith("2"))
        state = "broken" if wrong else "answered" if served else "refused"
        label = ", ".join(f"{outcome} {number(n)} times" for outcome, n in outcomes.most_common())
        yield Line(
            begins[cluster, _short(client)],
            ends[_target(target)],
            1.0 + 0.5 * len(str(outcomes.total())),
            state,
            f"{_short(client)} of {cluster} to {target}: "
            f"{plural(outcomes.total(), 'request')} ({label})",
        )


def _backends(traffic: Traffic) -> dict[Spot, str]:
    gathered: dict[Spot, list[str]] = {}
    for call in traffic.calls:
        spot = _target(call.target)
        if call.backend and call.backend != spot[1]:
            gathered.setdefault(spot, []).append(call.backend)
    return {spot: _label_of(spot[1], sorted(set(names))) for spot, names in gathered.items()}


def _label_of(target: str, names: list[str]) -> str:
    """The names where there is room for them beside the target, else how many there are."""
    label = ", ".join(names)
    return label if len(target) + len(label) < _ROOM else plural(len(names), "backend")


def _target(host: str) -> Spot:
    """A Service by namespace and name; anything else is reached through a gateway or by name."""
    parts = host.split(".")
    if host.endswith(".svc.cluster.local") and len(parts) > 4:
        return parts[1], parts[0]
    return "by address or name", host


def _short(client: str) -> str:
    """`default/frontend` of a SPIFFE identity; labels without their cluster."""
    if "/ns/" in client and "/sa/" in client:
        namespace, _, account = client.partition("/ns/")[2].partition("/sa/")
        return f"{namespace}/{account}"
    name = client.partition(" in ")[0]
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
