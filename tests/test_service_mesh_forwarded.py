"""Which client a workload is told of, judged from requests as they arrived."""

from __future__ import annotations

import pytest

from fixtures.history import History
from suites.service_mesh.forwarded import HEADER, last_is, never_told
from tests.histories import exchanges

OWN, OTHER = "spiffe://cluster.local/ns/a/sa/own", "spiffe://cluster.local/ns/a/sa/other"


def arrived(*told: str | None, status: int = 200) -> History:
    answers = [
        {"status": status, "service": "told", "arrived": {"headers": {HEADER: t} if t else {}}}
        for t in told
    ]
    return exchanges(*answers)


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (f'By={OTHER};Hash=00;Subject="";URI={OWN}', "pass"),
        (f"By={OTHER};URI={OTHER}, By={OTHER};Hash=00;URI={OWN}", "pass"),
        (f"By={OTHER};URI={OWN},By={OTHER};URI={OTHER}", "fail"),
        (f"By={OWN};URI={OTHER}", "fail"),
        (f"By={OWN}", "fail"),
        (None, "fail"),
    ],
)
def test_the_last_word_is_the_proxys(told: str | None, outcome: str) -> None:
    assert last_is(OWN)(arrived(told)).outcome == outcome


def test_what_is_claimed_does_not_arrive() -> None:
    assert never_told(OTHER)(arrived(None, f"URI={OWN}")).outcome == "pass"
    assert never_told(OTHER)(arrived(None, f"URI={OTHER},URI={OWN}")).outcome == "fail"


def test_what_is_not_served_tells_nothing() -> None:
    assert never_told(OTHER)(arrived(None, status=503)).outcome == "fail"
    assert never_told(OTHER)(exchanges()).outcome == "inconclusive"
    assert last_is(OWN)(exchanges({"status": 200, "service": "told"})).outcome == "fail"
