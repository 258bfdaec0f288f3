"""What a client outside tells a Gateway's Envoy by headers: how often to try, how long to wait, and
what it says to others. Nothing here judges.

By one port of the Gateway, and by no other, whoever comes is taken for one from inside: there the
same headers have their effect. The backend has no proxy of its own, so that nobody else takes
anything away.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping

from fixtures.checks import nonces, samples
from fixtures.checks.samples import HTTP2, VERSIONS, pairwise
from fixtures.history.streams import Stream, marked
from fixtures.lab import convergence
from fixtures.lab.origins import arrived, origins
from fixtures.lab.sampling import AT_ONCE
from suites.service_mesh.insiders import Claim, Claims
from suites.service_mesh.subject import DOOR, SHADOW, Observation, Practised, by_nonce

TRUSTING = 8081
"""The port by which everybody is inside."""
BARE = "/bare"
"""A path of the Gateway to a backend without a proxy."""
RETRIES = {
    "5xx": ("status=500", 500),
    "gateway-error": ("status=503", 503),
    "retriable-4xx": ("status=409", 409),
    "retriable-status-codes": ("status=418", 418),
    "reset": ("close=1", 503),
}
"""What Envoy may be told to try again: the backend's mood, and what is answered in the end."""
ATTEMPTS = (2, 4, 5)
"""How often it may arrive then; three times is what routes have by themselves."""
SLOW = "delay=1"
TIMED_OUT, NO_CONTENT = 504, 204
TIMEOUT = "x-envoy-upstream-rq-timeout-ms"
TIMEOUTS = (TIMEOUT, "x-envoy-upstream-rq-per-try-timeout-ms")
INSTEAD = "x-envoy-upstream-rq-timeout-alt-response"
"""By it a timeout is answered with 204."""
HANDED_ON = (
    "x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node",
    "x-envoy-external-address", "x-envoy-force-trace", "x-envoy-ip-tags", "x-envoy-original-path",
    "x-envoy-original-url",
)  # fmt: skip
"""What is for whoever comes next."""
HOW: samples.Space = {
    "spelling": {"lower": str.lower, "title": str.title, "upper": str.upper},
    # Who is known by one address alone, and that one inside, was inside once.
    "address": {
        "itself": {},
        "loopback": {"X-Forwarded-For": "127.0.0.1"},
        "private": {"X-Forwarded-For": "10.0.0.1"},
        "internal": {"X-Envoy-Internal": "true"},
    },
    "http": VERSIONS,
}


def claim(practised: Practised, seed: int) -> tuple[Observation, Claims, Claims]:
    """Make every claim outside, in each way, and once inside; what came of them, and which streams
    were which: those outside, and those inside.

    Raises:
        CommandError: the prober could not be started.
        NotReadyError: what the backend answered did not come into its log in time.
    """
    mark, began = convergence.generation(), time.monotonic()
    claims = draw(seed)
    rows = pairwise({"claim": claims, **HOW}, seed)
    outside = {f"outside.{n}": claims[row["claim"]] for n, row in enumerate(rows)}
    inside = {f"inside.{name}": each for name, each in claims.items()}
    host = practised.space.host(DOOR)
    plain = (_stream(name, host, mark, each) for name, each in outside.items())
    streams = [_as(row, stream) for row, stream in zip(rows, plain, strict=True)]
    trusting = f"{host}:{TRUSTING}"
    streams += [_stream(name, trusting, mark, each) for name, each in inside.items()]
    history = practised.outsider.probe(*streams, at_once=AT_ONCE)
    backends = origins(practised.space, SHADOW)
    answered = frozenset(n for e in history if e.service for n in nonces(e.url))
    every = arrived(backends, answered, began, practised.deadline)
    return Observation(history, by_nonce(every)), outside, inside


def draw(seed: int) -> dict[str, Claim]:
    """All claims by name, with numbers and words that the seed decides."""
    return dict(_claims(random.Random(seed)))  # noqa: S311 (no secret)


def _claims(draw: random.Random) -> Iterator[tuple[str, Claim]]:
    for condition, (mood, status) in RETRIES.items():
        times = draw.choice(ATTEMPTS)
        headers = {
            "x-envoy-retry-on": condition,
            "x-envoy-max-retries": str(times - 1),
            "x-envoy-retriable-status-codes": str(status),
        }
        yield condition, Claim(headers, mood, status, status, times)
    for name in TIMEOUTS:
        headers = {name: str(draw.randint(100, 400))}
        yield name, Claim(headers, SLOW, obeyed=TIMED_OUT)
    headers = {TIMEOUT: str(draw.randint(100, 400)), INSTEAD: "1"}
    yield INSTEAD, Claim(headers, SLOW, obeyed=NO_CONTENT)
    for name in HANDED_ON:
        yield name, Claim({name: f"/claimed-{draw.randrange(10**9)}"}, kept=True)


def _stream(name: str, host: str, mark: str, claim: Claim) -> Stream:
    return marked(name, host, mark, claim.mood, BARE, headers=claim.headers, whole=True)


def _as(row: Mapping[str, str], stream: Stream) -> Stream:
    """The request in a row's way. Over HTTP/2 all names are in lower case."""
    is_http2 = HOW["http"][row["http"]] == HTTP2
    spelt = str.lower if is_http2 else HOW["spelling"][row["spelling"]]
    headers = {**stream.headers, **HOW["address"][row["address"]]}
    headers = {spelt(name): value for name, value in headers.items()}
    return stream.model_copy(update={"headers": headers, "http2": is_http2})
