"""The authority of a cluster away for longer than the certificates of two workloads live, and back.

A client asks one of them all the while, over new connections and over one that stands, and somebody
looks at what passes between them. Nothing here judges.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from clusters.components import multicluster
from clusters.errors import NotReadyError
from clusters.waiting import wait_for
from fixtures.history import History
from fixtures.history.certificates import Chain, Handshake, Series
from fixtures.history.streams import OpenStream, nonce, with_nonces
from fixtures.history.traces import Trace, Traces
from fixtures.history.verdict import Verdict
from fixtures.history.wire import Capture
from fixtures.lab import Lab, convergence
from fixtures.lab.control_plane import without_istiod
from fixtures.lab.open_loop import watched
from fixtures.lab.sampling import MARGIN
from fixtures.traffic.client import ClientPod
from fixtures.traffic.handshake import Peer, Rounds, shake, shaking
from suites.security.fail_closed import LIFETIME, UNAVAILABLE, Away, Refusal, refusals
from suites.security.subject import COUNT, HTTP, LENIENT, Guarded

FLEETING, PASSER, STANDING = "fleeting", "passer", "standing"
"""A workload, its client, and the other name of the workload: over that a connection stands."""
ENDS = (PASSER, FLEETING)
PLAIN = "plain text, to another workload"
QUIET = 3.0
"""Seconds before anything is done, and after all is well again."""
CLOSED = 8.0
"""Seconds without the authority after the last certificate has expired."""
INTERVAL = 0.1
"""Seconds from one request to the next, and of the connection that stands some more."""
SPACING = 0.25
PATIENCE = 0.9
LOOKING = 1.0
"""Seconds from one look at the certificates to the next."""
LOG_WAIT = 15.0
"""Seconds in which a line comes into a log: Envoy writes them every second or ten."""
LONGEST = 240.0
"""Seconds that whoever looks does so at most."""


@dataclass(frozen=True)
class Orphaned:
    """What came of it.

    Attributes:
        plain: requests in plain text that somebody who looks must be able to read.
        returned: whether both had certificates again within T.
        pairs: the addresses of the client and the workload, and of those who speak plain text.
    """

    away: Away
    traces: Traces
    plain: History
    capture: Capture
    series: Series
    returned: Verdict
    pairs: tuple[tuple[str, str], tuple[str, str]]

    @property
    def history(self) -> History:
        return self.traces.history + self.plain


@dataclass(frozen=True)
class _Times:
    gone: float
    again: float
    back: float
    returned: Verdict


def orphan(lab: Lab, guarded: Guarded) -> Orphaned:
    """Take the authority away and bring it back; see the module.

    Raises:
        CommandError: a program could not be started in a pod.
        NotReadyError: istiod did not go, or come again, in time.
    """
    space, cluster = guarded.space, guarded.space.kube.cluster.name
    client = lab.client(cluster, PASSER, space.namespace)
    wait_known(client, guarded)
    server = str(space.kube.pod(space.namespace, f"app={FLEETING}")["status"]["podIP"])
    peers = [Peer(client.address, HTTP), Peer(server, HTTP)]
    mark, began = convergence.generation(), time.monotonic()
    outside = (guarded.outsider.address, guarded.addresses[LENIENT])
    pairs = ((client.address, server), outside)
    pods = {address for pair in pairs for address in pair}
    streams = [stream_to(guarded, name, mark) for name in (FLEETING, STANDING)]
    with (
        guarded.sniffer.capturing(pods, f"{mark}-[0-9]+_", LONGEST) as looked,
        shaking(guarded.outsider, peers, Rounds(LOOKING, LONGEST)) as run,
    ):
        host = f"{guarded.addresses[LENIENT]}:{HTTP}"
        plain = guarded.outsider.ask(with_nonces(PLAIN, host, mark, count=COUNT))
        traces, times = watched(
            client, streams, lab.out / "traces", lambda: _act(lab, guarded, peers)
        )
        series, capture = run.end(), looked()
    new, standing = traces.streams
    refused = _refused(client, new, nonce(FLEETING, mark, "0"), began)
    shown = {name: series.of(number) for number, name in enumerate(ENDS)}
    away = Away(new, standing, refused, shown, times.gone, times.again, times.back)
    return Orphaned(away, traces, plain, capture, series, times.returned, pairs)


def _act(lab: Lab, guarded: Guarded, peers: list[Peer]) -> _Times:
    time.sleep(QUIET)
    with settled(lab, guarded):
        with without_istiod(guarded.space.kube, lab.deadline("workload")):
            gone = time.time()
            time.sleep(LIFETIME + CLOSED)
            again = time.time()
        back = time.time()

        def see() -> None:
            wait_for("new certificates", lambda: _expired(guarded, peers), guarded.deadline)

        returned = convergence.in_time("the certificates were new", see)
        time.sleep(QUIET)
    return _Times(gone, again, back, returned)


@contextmanager
def settled(lab: Lab, guarded: Guarded) -> Iterator[None]:
    """In the end the cluster's istiod has read the other ones, and all proxies are in step."""
    kube, patience = guarded.space.kube, lab.deadline("workload")
    others = [c.name for c in lab.topology.clusters if c.name != kube.cluster.name]
    known = [name for name in others if name in multicluster.remotes(kube)]
    try:
        yield
    finally:
        multicluster.wait_ready(kube, known, patience)
        convergence.in_step(guarded.space, patience, [guarded.client])


def _expired(guarded: Guarded, peers: list[Peer]) -> str:
    """Who shows no certificate that is valid."""
    shown = zip(ENDS, shake(guarded.outsider, peers), strict=True)
    return ", ".join(name for name, handshake in shown if not _is_valid(handshake))


def _is_valid(handshake: Handshake) -> bool:
    return bool(handshake.chain) and Chain.parse(handshake.chain).ends > datetime.now(UTC)


def _refused(client: ClientPod, new: Trace, nonce: str, began: float) -> list[Refusal]:
    """What the log of the client's proxy says of requests that it refused, once all are there."""
    codes = [new.answers[int(place)].status for place in new.answer]
    lines: list[Refusal] = []

    def missing() -> str:
        since = time.monotonic() - began + MARGIN
        log = client.kube.logs(client.namespace, client.pod, convergence.PROXY, since=since)
        lines[:] = refusals(log, nonce)
        lacking = codes.count(UNAVAILABLE) - len(lines)
        return f"{lacking} are not" if lacking > 0 else ""

    with suppress(NotReadyError):  # what is not there is what is asked
        wait_for("refusals in the log", missing, LOG_WAIT)
    return lines


def wait_known(client: ClientPod, guarded: Guarded) -> None:
    """Wait until the client knows the workload by both names.

    Raises:
        NotReadyError: it did not in time.
    """
    wanted = [f"outbound|80||{guarded.space.host(name)}" for name in (FLEETING, STANDING)]
    convergence.endpoints(client.kube, client.namespace, client.pod, wanted, guarded.deadline)


def stream_to(guarded: Guarded, name: str, mark: str) -> OpenStream:
    """Requests to the workload by one of its names; by the second, over one connection."""
    space, stands = guarded.space, name == STANDING
    return OpenStream(
        name="over the connection that stands" if stands else "over new connections",
        url=f"http://{space.address(name)}/?nonce={nonce(name, mark, '0')}",
        headers={"Host": space.host(name)},
        interval=SPACING if stands else INTERVAL,
        timeout=PATIENCE,
        kept=stands,
    )
