"""Access logs of proxies, read and judged."""

from __future__ import annotations

import pytest

from suites.service_mesh.access_log import Expected, Line, Told, parse, tells
from tests.histories import Answer, exchanges

ONE, TWO = "5b6b1d0a-1111-9222-8333-444455556666", "5b6b1d0a-1111-9222-8333-444455557777"
LOG = f"""\
2026-11-27T16:00:00.000000Z info Readiness succeeded in 1.5s
[2026-11-27T16:00:00.000Z] "GET /?nonce=s-0_&delay=2 HTTP/1.1" 504 UT response_timeout - "-" 0 24 \
300 - "-" "-" "{ONE}" "timed.own.svc.cluster.local" "198.18.80.1:3000" outbound|80||timed \
198.18.80.2:5 198.18.80.3:80 198.18.80.2:6 - -
[2026-11-27T16:00:00.000Z] "GET /health HTTP/1.1" 200 - via_upstream - "-" 0 24 1 1 "-" "-" \
"{ONE}" "x" "-" - - - - - -
[2026-11-27T16:00:00.000Z] "GET /?nonce=s-1_ HTTP/1.1" 200 - via_upstream - "-" 0 24 1 1 "-" \
"curl/8 (x; y)" "{TWO}" "x" "-" - - - - - -
"""


def test_lines_are_known_by_their_nonce() -> None:
    assert parse(LOG) == {"s-0_": [Line(504, "UT", ONE)], "s-1_": [Line(200, "-", TWO)]}
    assert parse("") == {}


SERVED, LATE = Line(200, "-", ONE), Line(504, "UT", ONE)
OK: Answer = {"status": 200, "service": "once"}


@pytest.mark.parametrize(
    ("near", "far", "outcome"),
    [
        ([SERVED], [SERVED], "pass"),
        ([SERVED], [Line(0, "DC", ONE)], "pass"),
        ([SERVED], [Line(200, "-", TWO)], "fail"),
        ([SERVED], [], "fail"),
        ([SERVED], [SERVED, SERVED], "fail"),
        ([], [SERVED], "fail"),
        ([SERVED, SERVED], [SERVED], "fail"),
        ([LATE], [SERVED], "fail"),
        ([Line(200, "UT", ONE)], [SERVED], "fail"),
    ],
)
def test_a_request_has_its_lines(near: list[Line], far: list[Line], outcome: str) -> None:
    logs = Told({"s-0": near}, {"s-0": far})
    assert tells(logs, Expected())(exchanges(OK)).outcome == outcome


def test_what_never_arrived_has_no_line_there() -> None:
    nowhere, answer = Expected(flags="UH", arrives=False), {"status": 503}
    line = Line(503, "UH", ONE)
    assert tells(Told({"s-0": [line]}, {}), nowhere)(exchanges(answer)).outcome == "pass"
    logs = Told({"s-0": [line]}, {"s-0": [line]})
    assert tells(logs, nowhere)(exchanges(answer)).outcome == "fail"
    assert tells(logs, nowhere)(exchanges()).outcome == "inconclusive"
