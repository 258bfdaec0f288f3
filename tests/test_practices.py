"""The reference's headings for its practices, and reports in their order."""

from __future__ import annotations

import pytest

from reports import of_run, practices
from reports.model import grids
from tests import samples

EVERY = [
    f"{practices.SOURCE}/{heading}/{each}"
    for heading, group in practices.HEADINGS.items()
    for each in group
]


def test_there_are_four_practices_under_each_of_four_headings() -> None:
    assert [len(group) for group in practices.HEADINGS.values()] == [4, 4, 4, 4]


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("Best Practices/Security/Zero trust", "Security: Zero trust"),
        ("VirtualService/mobile-routing", ""),
        ("Fault/pause", ""),
    ],
)
def test_a_source_says_what_it_stands_under(source: str, title: str) -> None:
    assert practices.title(source) == title


def test_a_report_has_the_suites_first_and_the_practices_in_their_order() -> None:
    asked_of = [*EVERY[5:], *EVERY[:5]]
    of_suites = [
        samples.requirement("pass", id=f"A{n}", suite=suite, source="Kind/name")
        for n, suite in enumerate(("watch", "canary_split"))
    ]
    of_practices = [
        samples.requirement("pass", id=f"B{n}", suite="any", source=source)
        for n, source in enumerate(asked_of)
    ]
    entries = map(of_run.entry, (*of_practices, *of_suites))
    titles = [grid.title for grid in grids(entries)]
    assert titles == ["watch", "canary_split", *map(practices.title, EVERY)]
