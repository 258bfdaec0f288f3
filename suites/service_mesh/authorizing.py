"""What is asked of a workload whose proxy asks an external authorizer: while that one answers,
while it is away, and once it is back. Nothing here judges.

The authorizer is an origin: what a request asks of a backend's mood it asks of the authorizer's, as
that one is asked with the request's own path.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from clusters.errors import NotReadyError
from clusters.waiting import wait_for
from fixtures.checks import nonces, samples
from fixtures.checks.guard import SERVED
from fixtures.checks.samples import CLIENT, METHODS, Row, pairwise
from fixtures.history import History
from fixtures.history.streams import Stream, marked, nonce
from fixtures.history.verdict import Verdict
from fixtures.lab import Lab, convergence
from fixtures.lab.origins import origins
from fixtures.lab.sampling import AT_ONCE
from fixtures.traffic.client import side_by_side
from suites.service_mesh.authorized import AUTHORIZER, CLOSED, Records
from suites.service_mesh.subject import FEW, INSIDER, ORIGIN, OUTSIDER, TOLD, Practised

CHECKED, UNCHECKED = "/checked/item", "/unchecked"
DRAWN, AWAY, OPEN, BACK = "drawn.", "away.", "open.", "back."
"""How the names of streams begin: they go on with a number, or with their client."""
MOODS = {
    "allows": ("", SERVED),
    **{f"refuses with {n}": (f"status={n}", n) for n in (302, 401, 403, 404, 429)},
    "fails with 500": ("status=500", CLOSED),
    "fails with 503": ("status=503", CLOSED),
    "hangs up": ("close=1", CLOSED),
    "is late": ("delay=3", CLOSED),
}
"""What the authorizer is asked to do, and what it decides by that."""
SPACE: samples.Space = {
    "mood": MOODS,
    "path": {
        "itself": "/checked",
        "slash at the end": "/checked/",
        "deep": "/checked/v1/items/7",
        "encoded": "/checked/caf%C3%A9%20%2Bmenu",
        "two slashes": "/checked//item",
        "by dots": "/unchecked/../checked/item",
        "by a dot": "/./checked/item",
    },
    # To HEAD nobody says who answers.
    "method": {name: method for name, method in METHODS.items() if name != "HEAD"},
    CLIENT: {INSIDER: INSIDER, OUTSIDER: OUTSIDER},
}
WAIT = 5.0
"""Seconds in which a line is in the log of a pod: it is written before the answer."""
Sent = tuple[str, Stream]
"""A stream, and who sends it."""
CLIENTS = (INSIDER, OUTSIDER)
AT_EASE = 12
"""Requests in a row, each over a connection of its own, that show that all pods serve."""


@dataclass(frozen=True)
class Authorization:
    """What was answered, what came where, and whether all was well again in time.

    Attributes:
        decisions: by stream, what the authorizer decided while it was there.
    """

    history: History
    records: Records
    decisions: Mapping[str, int]
    back: Verdict


def authorize(lab: Lab, practised: Practised, seed: int) -> Authorization:
    """Have the authorizer decide on requests of all kinds, take it away and bring it back, and ask
    all the while.

    Raises:
        CommandError: a prober could not be started.
        NotReadyError: the authorizer did not go, or come again.
    """
    began, mark = time.monotonic(), convergence.generation()
    rows = pairwise(SPACE, seed)
    decisions = {f"{DRAWN}{n}": MOODS[row["mood"]][1] for n, row in enumerate(rows)}
    present = _send(practised, [*_streams(practised, rows, mark)])
    checks = _came(practised, AUTHORIZER, began, present)
    with _away(lab, practised):
        away = _send(
            practised, [*_plain(practised, AWAY, mark), *_plain(practised, OPEN, mark, UNCHECKED)]
        )
    wait = partial(_wait_served, practised, mark)
    back = convergence.in_time("the authorizer to be asked again", wait)
    again = _send(practised, _plain(practised, BACK, mark))
    checks |= _came(practised, AUTHORIZER, began, again)
    history = present + away + again
    served = history.where(lambda e: e.service == ORIGIN)
    return Authorization(
        history,
        Records(checks, _came(practised, ORIGIN, began, served)),
        {**decisions, **{BACK + client: SERVED for client in CLIENTS}},
        back,
    )


@contextmanager
def _away(lab: Lab, practised: Practised) -> Iterator[None]:
    """No authorizer until the block ends."""
    kube, namespace = practised.space.kube, practised.space.namespace
    patience = lab.deadline("workload")
    try:
        kube.scale(namespace, AUTHORIZER, 0, patience)
        yield
    finally:
        kube.scale(namespace, AUTHORIZER, 1, patience)


def _wait_served(practised: Practised, mark: str) -> None:
    """Wait until requests are served again, whichever pod gets them."""
    host = practised.space.host(TOLD)
    stream = marked("waiting", host, mark, path=CHECKED, count=AT_EASE, reuse=False)

    def unserved() -> str:
        history = practised.outsider.probe(stream)
        return ", ".join(str(e.status or e.error) for e in history if e.status != SERVED)

    look = practised.space.kubectl(f"get pods -l app={AUTHORIZER}")
    wait_for("what is checked to be served", unserved, practised.deadline, look)


def _send(practised: Practised, streams: Sequence[Sent]) -> History:
    """Have each client send its own, side by side."""
    pods = {INSIDER: practised.insider, OUTSIDER: practised.outsider}
    own = {name: [stream for client, stream in streams if client == name] for name in pods}
    return side_by_side(
        *(partial(pods[name].probe, *some, at_once=AT_ONCE // 2) for name, some in own.items())
    )


def _streams(practised: Practised, rows: Sequence[Row], mark: str) -> Iterator[Sent]:
    """The rows' requests, by who sends them."""
    url = f"http://{practised.space.host(TOLD)}"
    for number, row in enumerate(rows):
        chosen = {
            "query": MOODS[row["mood"]][0],
            "path": SPACE["path"][row["path"]],
            "method": row["method"],
        }
        name = f"{DRAWN}{number}"
        yield row[CLIENT], samples.stream(name, url, chosen, nonce(name, mark, "{seq}"))


def _plain(practised: Practised, phase: str, mark: str, path: str = CHECKED) -> list[Sent]:
    """A few requests by each client, which the authorizer would allow where it is asked."""
    host = practised.space.host(TOLD)
    return [(c, marked(phase + c, host, mark, path=path, count=FEW)) for c in CLIENTS]


def _came(practised: Practised, app: str, began: float, wanted: History) -> dict[str, list[float]]:
    """When requests came to an origin since then, by nonce, once the wanted ones are there or did
    not come in time: what is not there is for others to judge."""
    lacking = {n for e in wanted for n in nonces(e.url)}
    times: dict[str, list[float]] = {}

    def missing() -> str:
        times.clear()
        for origin in origins(practised.space, app):
            for arrival in origin.arrivals(began):
                times.setdefault(arrival.nonce, []).append(arrival.at)
        return ", ".join(sorted(lacking - times.keys())[:9])

    with suppress(NotReadyError):
        wait_for(f"requests in the log of {app}", missing, WAIT)
    return times
