"""What is asked of a route that puts a fault into some of its requests: drawn from all that such a
request may be, with the fault's header and with what only resembles it. Nothing here judges."""

from __future__ import annotations

import time
from collections.abc import Iterator

from fixtures.checks import nonces, samples
from fixtures.checks.samples import METHODS, PATHS, QUERIES, pairwise
from fixtures.history.streams import Stream, nonce
from fixtures.lab import convergence
from fixtures.lab.origins import origins
from fixtures.lab.sampling import AT_ONCE
from suites.service_mesh.aborted import FAULTED, SPARED, is_aborted
from suites.service_mesh.access_log import Told
from suites.service_mesh.logged import by_proxies
from suites.service_mesh.subject import FAULTED as SERVICE
from suites.service_mesh.subject import ORIGIN, Observation, Practised

HEADER = "x-fault"
ABORT = "abort"
SPACE: samples.Space = {
    "fault": {
        ABORT: {HEADER: "abort"},
        "none": {},
        "empty": {HEADER: ""},
        "of another kind": {HEADER: "delay"},
        "longer": {HEADER: "abort-all"},
        "shorter": {HEADER: "abor"},
        "upper": {HEADER: "ABORT"},
        "of another name": {"x-fault-kind": "abort"},
    },
    # To HEAD nobody says who answers.
    "method": {name: method for name, method in METHODS.items() if name != "HEAD"},
    "path": PATHS,
    "query": QUERIES,
}
ENOUGH = 900
"""Requests with the header: of 400 true shares that were drawn all were decided by 640."""
SPARINGS = 4
"""Samples of those without it: each kind of them is in 44 requests, of which a fault of 20 % would
miss all once in 18,000 times."""


def fault(practised: Practised, seed: int) -> tuple[Observation, Told]:
    """Ask with the fault's header, and with every other that there is; what arrived, and what the
    proxies on both sides wrote.

    Raises:
        CommandError: the prober could not be started.
        NotReadyError: what a backend answered did not come into its log in time.
    """
    mark, began = convergence.generation(), time.monotonic()
    history = practised.insider.probe(*_streams(practised, seed, mark), at_once=AT_ONCE)
    observed = practised.observe(history, began)
    sent = {nonce for e in history for nonce in nonces(e.url)}
    far = sent - {nonce for e in history if is_aborted(e) for nonce in nonces(e.url)}
    backends = [each.pod for each in origins(practised.space, ORIGIN)]
    near = by_proxies(practised, [practised.insider.pod], began, sent)
    return observed, Told(near, by_proxies(practised, backends, began, far))


def _streams(practised: Practised, seed: int, mark: str) -> Iterator[Stream]:
    """Requests for every pair of values: with the header so many that its share is decided, without
    it so many that a fault would hit some of each kind."""
    first, *others = (pairwise(SPACE, seed + n) for n in range(SPARINGS))
    faulted = [row for row in first if row["fault"] == ABORT]
    spared = [row for rows in (first, *others) for row in rows if row["fault"] != ABORT]
    url = f"http://{practised.space.host(SERVICE)}"
    each = -(-ENOUGH // len(faulted))
    for rows, names, count in ((faulted, FAULTED, each), (spared, SPARED, 1)):
        for number, row in enumerate(rows):
            chosen = {dimension: SPACE[dimension][value] for dimension, value in row.items()}
            name = f"{names}{number}"
            stream = samples.stream(name, url, chosen, nonce(name, mark, "{seq}"))
            yield stream.model_copy(update={"count": count, "whole": False})
