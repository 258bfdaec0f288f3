"""Moments: the stages of each command, and a moment of one drawn by chance. It kills nothing.

A stage begins with a line that the command prints. Stages are drawn and not times, as a bring-up
is short and the suites are long.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

Whom = Literal["group", "top"]


class Stage(NamedTuple):
    """A part of a command: `begins` and `ends` are found in what it prints; `seconds` it lasts."""

    group: str
    name: str
    begins: str
    seconds: float
    ends: str = "$never"

    def is_over(self, printed: str) -> bool:
        return re.search(self.ends, printed) is not None

    def has_begun(self, printed: str) -> bool:
        return re.search(self.begins, printed) is not None


class Moment(NamedTuple):
    """When to kill, in seconds after a stage's begin, and whom."""

    stage: Stage
    after: float
    whom: Whom


def _step(group: str, name: str, seconds: float) -> Stage:
    """A step as `Progress` tells of it."""
    label = rf"{re.escape(name)}\b"
    return Stage(group, name, rf"(…|\.\.) {label}", seconds, rf"(✓|ok) {label}")


UP = (
    Stage("bring-up", "begin", "", 1.5),
    _step("bring-up", "engine", 3),
    _step("bring-up", "aws-cluster: node", 14),
    _step("bring-up", "azure-cluster: charts", 12),
    _step("bring-up", "aws-cluster: cilium ready", 12),
    _step("bring-up", "azure-cluster: istio ready", 12),
    _step("bring-up", "aws-cluster: ClusterMesh ready", 5),
    _step("bake", "node image", 60),
)
SUITES = (
    Stage("suites", "workers", "test session starts", 10),
    Stage("suites", "tests", r"workers \[", 60, r"(passed|failed|error).* in \d"),
)
DOWN = (_step("down", "clusters away", 6), _step("down", "engine away", 3))
WATCH = (
    _step("suites", "reference in force", 8),
    _step("suites", "quiet", 5),
    Stage("suites", "judged", r"(…|\.\.) traces judged", 1.5),
)

PART = (*UP, *SUITES, *DOWN)
"""Of an e2e that is asked for some requirements, which leaves out the watch."""
STAGES: dict[str, tuple[Stage, ...]] = {
    "e2e": (*UP, *SUITES, *WATCH, *DOWN),
    "upgrade": (*UP, *SUITES, *WATCH, *DOWN),
    "watch": WATCH,
}
GROUPS = ("bring-up", "bake", "suites", "down")


def draw(stages: Sequence[Stage], source: random.Random, only: Collection[str] = ()) -> Moment:
    """A moment of a command: a group of its stages, one of them, a second of it, and whom.

    Args:
        only: groups to draw from; all without any.
    """
    chosen = [each for each in stages if not only or each.group in only]
    group = source.choice(sorted({each.group for each in chosen}))
    stage = source.choice([each for each in chosen if each.group == group])
    whom: Whom = source.choice(("group", "top"))
    return Moment(stage, round(source.uniform(0, stage.seconds), 2), whom)
