"""Traces made by hand, for the tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fixtures.checks.expectations import BY_RBAC, Served
from fixtures.checks.watched import Asked
from fixtures.history import Window
from fixtures.history.streams import ClientId, OpenStream
from fixtures.history.traces import NO_HEARTBEATS, Answer, Heartbeats, Numbers, Trace, Traces

WHO = ClientId(caller="caller-1", cluster="aws-cluster", identity="default/frontend")
INTERVAL = 0.008
TOOK = 0.002
BEGAN = 1_000.0

SERVED = Answer(status=200, service="web-service", pod="web-1")
WRONG = Answer(status=200, service="mobile-service", pod="mobile-1")
DENIED = Answer(status=403, body="RBAC: access denied", server="envoy")
SILENT = Answer(error="timeout", detail="connecting: TimeoutError: no answer in time")
UNANSWERED = Answer(error="timeout", detail="connected: TimeoutError: no answer in time")
REFUSED = Answer(error="refused")
STARVED = Answer(error="starved")
UNAVAILABLE = Answer(status=503, body="no healthy upstream", server="envoy")
ANSWERS = (SERVED, WRONG, DENIED, SILENT, UNANSWERED, REFUSED, STARVED, UNAVAILABLE)

ALLOWED = Served(frozenset({"web-service"}))
MAY = Asked("web", "mobile_routing", "aws-cluster", "it is served", ALLOWED)
MAY_NOT = Asked("web", "rbac_denial", "aws-cluster", "it is denied", BY_RBAC)


def stream(name: str = "web", interval: float = INTERVAL) -> OpenStream:
    return OpenStream(name=name, url="http://198.18.0.1/", interval=interval)


def trace(
    answers: Sequence[Answer],
    *,
    name: str = "web",
    began: float = BEGAN,
    took: float | Sequence[float] = TOOK,
    lag: float | Sequence[float] = 0.0,
    heartbeats: Heartbeats = NO_HEARTBEATS,
) -> Trace:
    """One request per answer, evenly spaced; each took so long and was sent so late."""
    n = len(answers)
    seq = np.arange(n, dtype=np.int64)
    due: Numbers = began + seq.astype(np.float64) * INTERVAL
    sent: Numbers = due + np.broadcast_to(np.asarray(lag, dtype=np.float64), n)
    places = np.array([ANSWERS.index(answer) for answer in answers], dtype=np.int64)
    received: Numbers = sent + np.broadcast_to(np.asarray(took, dtype=np.float64), n)
    return Trace(WHO, stream(name), seq, due, sent, received, places, ANSWERS, heartbeats)


def traces(*parts: Trace, alive: bool = True) -> Traces:
    window = Window(caller="c", cluster="aws-cluster", identity="i") if alive else None
    return Traces(parts, window)
