"""Practices: the reference's own headings for its best practices, in its order.

A requirement of a practice says so by its source, `Best Practices/<heading>/<practice>`. Reports
list it under these, whichever suite asks it. Pure.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = "Best Practices"
HEADINGS: Final = {
    "Service Mesh": (
        "Traffic management", "Security policies", "Observability", "Load balancing",
    ),
    "Multi-Cloud": (
        "Service discovery", "Network policies", "Traffic encryption", "Failover handling",
    ),
    "Security": ("Zero trust", "mTLS everywhere", "Access policies", "Network isolation"),
    "Performance": (
        "Latency optimization", "Traffic shaping", "Protocol selection", "Cache strategies",
    ),
}  # fmt: skip


def title(source: str) -> str:
    """What a requirement of this source stands under, such as `Security: Zero trust`; empty if it
    is of no practice."""
    first, _, rest = source.partition("/")
    heading, _, practice = rest.partition("/")
    return f"{heading}: {practice}" if first == SOURCE else ""


_TITLES = [
    title(f"{SOURCE}/{heading}/{each}") for heading in HEADINGS for each in HEADINGS[heading]
]


def order(name: str) -> int:
    """Where a report has the group of that name: what is no practice comes first, as it is met."""
    return _TITLES.index(name) + 1 if name in _TITLES else 0
