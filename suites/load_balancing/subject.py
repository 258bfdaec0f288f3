"""Four pods with moods, behind a service for each way to choose one of them, and their client."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from clusters.waiting import wait_for
from fixtures.checks import nonces
from fixtures.history import History
from fixtures.history.streams import Stream, marked
from fixtures.history.verdict import Outcome, Verdict
from fixtures.lab import Lab, convergence
from fixtures.lab.origins import Arrival, Origin, arrived, origins
from fixtures.lab.space import Space
from fixtures.traffic.client import ClientPod

NAME = Path(__file__).parent.name
CLIENT, POOL = "client", "pool"
TURN, CHANCE, LEAST, KEYED, EJECTING = "turn", "chance", "least", "keyed", "ejecting"
WARMING, DISTRIBUTED, BY_NUMBER, ZONED = "warming", "distributed", "by-number", "zoned"
PRACTICES = (
    "destinationrule-in-turn",
    "destinationrule-by-chance",
    "destinationrule-least-request",
    "destinationrule-keyed",
    "destinationrule-ejection",
    "destinationrule-distributed",
    "destinationrule-warm-up",
)
PORT = 3000
PODS = 4
ROUNDS = 40
"""Requests that are asked of pods in turn, one after another."""
DRAWS = 800
"""Requests that are asked of pods by chance: half as many decide in most runs."""
SLOW = 1.5
"""Seconds that the slow one of the pods takes: much more than any other on a busy machine."""
USERS, MUCH, CONTROL = 10, 300, 100
"""Requests at once, and in all, while one pod is slow; and those of the control, which waits."""
KEY = "x-key"
KEYS, TIMES = 100, 2
UNAVAILABLE = 503
ERRORS = 3
"""Errors in a row after which the practice's outlier detection ejects a pod."""
EJECTED = 5.0
"""Seconds for which it does, the first time; a second time it takes twice as long."""
INTERVAL = 1.0
"""Seconds from one look at who may come back to the next."""
SPACING = 0.05
"""Seconds from an answer to the next request, where time matters."""
SOME = 48
"""Requests in which half of four pods that fail are left: the second of them after some more errors
than the first, and none of them for so long that it is back."""
ZONES = 800
"""Requests that are asked of the pods of two zones: 540 decide by weights, and 300 by number."""
FEW = 24
"""Requests that are asked while nobody, or not everybody, is there to answer."""


@dataclass(frozen=True)
class Ejected:
    """A pod failed and was well again while its service was asked; then all pods but one failed.

    Attributes:
        one: what was asked while one pod failed, and until it was asked again.
        most: what was asked once all but one had failed for a while.
        pod: that failed first.
    """

    one: History
    most: History
    pod: str


@dataclass(frozen=True)
class Unready:
    """Pods said that they are not ready, and then that they are.

    Attributes:
        left: whether the first was left within T.
        without: what was asked without it, by the pods that it came to.
        all_left: whether the others were.
        nobody: what was asked while no pod was ready.
        arrived: what arrived of that anywhere, but for the first few.
        back: whether all were known again within T.
        since: what was asked since then.
    """

    pod: str
    left: Verdict
    without: History
    all_left: Verdict
    nobody: History
    arrived: tuple[Arrival, ...]
    back: Verdict
    since: History


@dataclass(frozen=True)
class Keyed:
    """What was asked by keys: of all pods, of all but one, and of all again."""

    before: History
    without: History
    again: History
    pod: str


@dataclass(frozen=True)
class Balanced:
    """The pods of one cluster and their client, under the practices' documents."""

    space: Space
    deadline: float
    client: ClientPod
    pods: tuple[Origin, ...]

    @property
    def names(self) -> frozenset[str]:
        """The pods' names."""
        return frozenset(origin.pod for origin in self.pods)

    def draw(self) -> History:
        """Ask for pods in turn, and for pods by chance, each one request after another.

        Raises:
            CommandError: the prober could not be started.
        """
        return self.client.probe(
            self._stream(TURN, count=ROUNDS), self._stream(CHANCE, count=DRAWS)
        )

    def draw_zones(self) -> History:
        """Ask for the pods of two zones, by declared weights and without any.

        Raises:
            CommandError: the prober could not be started.
            NotReadyError: the client's proxy did not learn of the pods in time.
        """
        # Of the other service of these pods a proxy may know those alone that have a weight.
        self.wait_known(BY_NUMBER, origins(self.space, ZONED))
        return self.client.probe(
            self._stream(DISTRIBUTED, count=ZONES), self._stream(BY_NUMBER, count=ZONES)
        )

    def slow_down(self) -> History:
        """Ask with many clients at once while one pod is slow: `pods[0]`.

        Raises:
            CommandError: the prober could not be started.
        """
        with self.pods[0].mood(delay=SLOW):
            return self.client.probe(
                self._stream(LEAST, count=MUCH, concurrency=USERS),
                self._stream(TURN, count=CONTROL, concurrency=USERS),
            )

    def keys(self) -> Keyed:
        """Ask by keys while all pods are there, while one is not, and while all are again.

        Raises:
            CommandError: the prober could not be started.
            NotReadyError: the client's proxy did not learn of it in time.
        """
        pod = self.pods[0]
        before = self._ask_by_keys("before")
        with pod.mood(unready=True):
            self._wait_gone(KEYED, [pod])
            without = self._ask_by_keys("without")
        self.wait_known(KEYED)
        return Keyed(before, without, self._ask_by_keys("again"), pod.pod)

    def eject(self) -> Ejected:
        """Have one pod fail until it is left and be well again, and then all but one fail.

        Raises:
            CommandError: a pod could not be told, or the prober not be started.
            NotReadyError: the pod was not asked at all.
        """
        first, since, mark = self.pods[0], time.monotonic(), convergence.generation()
        count = round(2 * EJECTED / SPACING)
        stream = marked(EJECTING, self.space.host(EJECTING), mark, count=count, pause=SPACING)

        def failed_enough() -> str:
            arrivals = (a for a in first.arrivals(since) if mark in a.nonce)
            errors = sum(a.status == UNAVAILABLE for a in arrivals)
            return "" if errors >= ERRORS else f"{errors} errors of {ERRORS}"

        with ThreadPoolExecutor(1) as pool, first.mood(status=UNAVAILABLE):
            sending = pool.submit(self.client.probe, stream)
            wait_for(f"{first.pod} to fail", failed_enough, self.deadline)
            first.set()
            one = sending.result()
        with _moods(self.pods[:-1], status=UNAVAILABLE):
            most = self.client.probe(self._stream(EJECTING, count=SOME + FEW, pause=SPACING))
        return Ejected(one, most, first.pod)

    def be_unready(self) -> Unready:
        """Have one pod say that it is not ready, then all of them, and then none.

        Raises:
            CommandError: a pod could not be told, or the prober not be started.
        """
        first = self.pods[0]
        with first.mood(unready=True):
            left = convergence.in_time(
                "the pod that is not ready to be left", partial(self._wait_gone, TURN, [first])
            )
            without = self._ask_in_turn(TURN)
            failed = left.outcome is Outcome.FAIL  # it would be waited for once more
            all_left, nobody, there = (left, History([]), ()) if failed else self._nobody_ready()
        back = convergence.in_time("all to be known again", partial(self.wait_known, TURN))
        since = self._ask_in_turn("since")
        return Unready(first.pod, left, without, all_left, nobody, there, back, since)

    def _nobody_ready(self) -> tuple[Verdict, History, tuple[Arrival, ...]]:
        """Whether all other pods are left once they are not ready either; what is asked then, and
        what arrives of it but for the first few."""
        others = self.pods[1:]
        with _moods(others, unready=True):
            left = convergence.in_time(
                "all pods to be left", partial(self._wait_gone, TURN, others)
            )
            began = time.monotonic()
            nobody = self._ask_in_turn("nobody")
        served = frozenset(n for e in nobody if e.pod for n in nonces(e.url))
        late = {n for e in nobody if e.seq >= FEW for n in nonces(e.url)}
        every = arrived(self.pods, served, began, self.deadline)
        return left, nobody, tuple(each for each in every if each.nonce in late)

    def wait_known(self, service: str, pods: Sequence[Origin] = ()) -> None:
        """Wait until the client's proxy has all these pods of a service; the pool's without any.

        Raises:
            NotReadyError: it did not in time.
        """
        addresses = [f"{each.address}:{PORT}" for each in pods or self.pods]
        convergence.members(self.client, self.space.host(service), addresses, self.deadline)

    def _ask_by_keys(self, when: str) -> History:
        url = f"http://{self.space.host(KEYED)}/"
        streams = (
            Stream(stream=f"{when}.{key}", url=url, headers={KEY: f"{key}"}, count=TIMES)
            for key in range(KEYS)
        )
        return self.client.probe(*streams, at_once=PODS)

    def _ask_in_turn(self, name: str) -> History:
        return self.client.probe(self._stream(name, TURN, count=2 * FEW, pause=SPACING))

    def _stream(self, name: str, service: str = "", **more: Any) -> Stream:
        return marked(name, self.space.host(service or name), convergence.generation(), **more)

    def _wait_gone(self, service: str, some: Sequence[Origin]) -> None:
        addresses = [f"{each.address}:{PORT}" for each in some]
        convergence.gone(self.client, self.space.host(service), addresses, self.deadline)


@contextmanager
def _moods(some: Sequence[Origin], **mood: Any) -> Iterator[None]:
    """Several pods in one mood until the block ends."""
    with ExitStack() as stack:
        for each in some:
            stack.enter_context(each.mood(**mood))
        yield


def in_force(lab: Lab, cluster: str) -> Balanced:
    """The pods of a cluster, once their client goes by the practices and knows them all.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: a practice's manifest is refused, or is never in force.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    client = lab.client(cluster, CLIENT, space.namespace)
    every = [lab.manifests.given(stem) for stem in PRACTICES]
    convergence.documents(space, every, deadline, [client])
    subject = Balanced(space, deadline, client, tuple(origins(space, POOL)))
    for service in (TURN, CHANCE, LEAST, KEYED, EJECTING, WARMING):
        subject.wait_known(service)
    return subject
