"""A finding: one thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["good", "warning", "bad"]


@dataclass(frozen=True)
class Finding:
    """Whether a thing will do, what was seen, and what would mend it.

    A warning does not stop a bring-up.
    """

    name: str
    level: Level
    seen: str
    mend: str = ""
