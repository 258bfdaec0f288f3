"""Many clients of HTTP/1.1 at a time, and which connections their sidecar opens for them: to a
service whose rule has requests upgraded, and to the same pods under a name without a rule.

The way that requests are made is drawn. Nothing here judges.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import convergence
from suites.performance.pools import Pool
from suites.performance.subject import Stage

RULE = "destinationrule-upgrade"
UPGRADED, PLAIN = "upgraded", "plain"
"""Services of the same pods."""
CLIENTS, COUNT = 20, 100
"""Clients at a time, each with a connection of its own, and the requests of all."""
DELAY = 0.2
"""Seconds that the backend waits before it answers, so that all clients are under way at once."""
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
COUNTERS = "stats?filter=upstream_cx_(http[12]_total|active)|upstream_rq_total|server.concurrency"
KINDS = ("cx_http1_total", "cx_http2_total", "rq_total", "cx_active")
LINE = re.compile(
    rf"cluster\.(?P<cluster>.+?);?\.upstream_(?P<kind>{'|'.join(KINDS)}): (?P<count>\d+)"
)
WORKERS = re.compile(r"^server\.concurrency: (\d+)$", re.MULTILINE)


def upgrade_requests(stage: Stage, seed: int) -> tuple[History, dict[str, Pool], int]:
    """Have the client ask both services over many connections; what its sidecar counted of each
    meanwhile, and how many workers it has.

    Raises:
        CommandError: the prober could not be started, or the proxy does not answer.
    """
    draw = Random(seed)  # noqa: S311 (no secret)
    streams = [_stream(stage, service, draw) for service in (PLAIN, UPGRADED)]
    before, _ = _read(stage)
    history = stage.steady.probe(*streams, in_turn=True)
    after, workers = _read(stage)
    return history, {name: pool - before[name] for name, pool in after.items()}, workers


def _stream(stage: Stage, service: str, draw: Random) -> Stream:
    path = "/".join(f"{draw.getrandbits(32):x}" for _ in range(draw.randint(1, 3)))
    url = f"http://{stage.space.host(service)}/{path}?delay={DELAY:g}s"
    return Stream(
        stream=service,
        url=url,
        method=draw.choice(METHODS),
        headers={"x-drawn": f"{draw.getrandbits(64):x}"},
        count=COUNT,
        concurrency=CLIENTS,
        whole=True,
    )


def _read(stage: Stage) -> tuple[dict[str, Pool], int]:
    client = stage.steady
    text = convergence.proxy(client.kube, client.namespace, client.pod, COUNTERS)
    hosts = {name: stage.space.host(name) for name in (PLAIN, UPGRADED)}
    return {name: parse_pool(text, f"|80||{host}") for name, host in hosts.items()}, workers_of(
        text
    )


def parse_pool(text: str, cluster: str) -> Pool:
    """Of an Envoy's statistics: the counters of the one of its clusters whose name ends so."""
    counts: Mapping[str, int] = {
        match["kind"]: int(match["count"])
        for match in map(LINE.fullmatch, map(str.strip, text.splitlines()))
        if match and match["cluster"].endswith(cluster)
    }
    return Pool(*(counts.get(kind, 0) for kind in KINDS))


def workers_of(text: str) -> int:
    """How many worker threads an Envoy has, by its own word; 0 if it says nothing."""
    match = WORKERS.search(text)
    return int(match[1]) if match else 0
