"""A new intermediate, then a new root by way of both together: given to a cluster's istiod while a
client asks a workload over new connections and over one that stands. Nothing here judges.

The two have certificates for half a minute, and so each authority within that time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from clusters.components.authority import new_root
from clusters.waiting import wait_for
from fixtures.history import History
from fixtures.history.certificates import Chain
from fixtures.history.streams import with_nonces
from fixtures.history.verdict import Outcome, Verdict
from fixtures.lab import Lab, convergence
from fixtures.lab.open_loop import folder_of, watched
from fixtures.lab.rotation import Plugged, replaceable, root_of_lab
from fixtures.traffic.handshake import Peer, Rounds, shake, shaking
from suites.security.orphaned import (
    ENDS,
    FLEETING,
    LONGEST,
    LOOKING,
    PASSER,
    QUIET,
    STANDING,
    settled,
    stream_to,
    wait_known,
)
from suites.security.rotated import Rotated, Stage
from suites.security.subject import COUNT, HTTP, Guarded

BEFORE, AFTER = "plain text, before", "plain text, after"
"""Requests of a client without a certificate: who is served all the while has one."""


@dataclass(frozen=True)
class _Step:
    name: str
    plugged: Plugged

    @property
    def stage(self) -> Stage:
        roots = frozenset(root.loaded for root in self.plugged.roots)
        return Stage(self.name, self.plugged.signing.loaded, roots)


def rotate(lab: Lab, guarded: Guarded) -> tuple[Rotated, History]:
    """Give the authorities, one after another; see the module. What came of it, and all requests.

    Raises:
        CommandError: a program could not be started in a pod.
        NotReadyError: istiod was not rolled, or the two did not have their own authority again, in
            time.
    """
    space, cluster = guarded.space, guarded.space.kube.cluster.name
    client = lab.client(cluster, PASSER, space.namespace)
    wait_known(client, guarded)
    server = str(space.kube.pod(space.namespace, f"app={FLEETING}")["status"]["podIP"])
    peers = [Peer(client.address, HTTP), Peer(server, HTTP)]
    steps, mark = _steps(guarded), convergence.generation()
    streams = [stream_to(guarded, name, mark) for name in (FLEETING, STANDING)]

    def in_plain_text(stream: str) -> History:
        return guarded.outsider.ask(with_nonces(stream, f"{server}:{HTTP}", mark, count=COUNT))

    with (
        _own_again(lab, guarded, peers, steps[0].stage),
        settled(lab, guarded),
        replaceable(space.kube, lab.deadline("istio")) as give,
        shaking(guarded.outsider, peers, Rounds(LOOKING, LONGEST)) as run,
    ):
        before = in_plain_text(BEFORE)
        traces, taken = watched(
            client, streams, folder_of(lab), lambda: _act(guarded, peers, steps, give)
        )
        plain, series = before + in_plain_text(AFTER), run.end()
    shown = {name: series.of(number) for number, name in enumerate(ENDS)}
    rotated = Rotated(traces.streams, shown, [step.stage for step in steps], taken)
    return rotated, traces.history + plain


def _steps(guarded: Guarded) -> list[_Step]:
    kube, own = guarded.space.kube, guarded.authority
    root, next_root = root_of_lab(kube), new_root("plumbline, the next")
    second, third = (each.sign(f"{kube.cluster.name}, the next") for each in (root, next_root))
    both = (root, next_root)
    return [
        _Step("the own authority", Plugged(own, root, (root,))),
        _Step("a new intermediate", Plugged(second, root, (root,))),
        _Step("both roots", Plugged(second, root, both)),
        _Step("an intermediate of the new root", Plugged(third, next_root, both)),
        _Step("the new root alone", Plugged(third, next_root, (next_root,))),
    ]


def _act(
    guarded: Guarded, peers: list[Peer], steps: Sequence[_Step], give: Callable[[Plugged], None]
) -> list[Verdict]:
    time.sleep(QUIET)
    taken: list[Verdict] = []
    for step in steps[1:]:

        def see(step: _Step = step) -> None:
            give(step.plugged)
            _wait_shown(guarded, peers, step.stage, guarded.deadline)

        taken.append(convergence.in_time(step.name, see))
        if taken[-1].outcome is not Outcome.PASS:
            break
        time.sleep(LOOKING)
    time.sleep(QUIET)
    return taken


@contextmanager
def _own_again(lab: Lab, guarded: Guarded, peers: list[Peer], stage: Stage) -> Iterator[None]:
    """In the end both have certificates of the cluster's own authority."""
    try:
        yield
    finally:
        _wait_shown(guarded, peers, stage, lab.deadline("workload"))


def _wait_shown(guarded: Guarded, peers: list[Peer], stage: Stage, deadline: float) -> None:
    def pending() -> str:
        shown = zip(ENDS, shake(guarded.outsider, peers), strict=True)
        lacking = [name for name, h in shown if not (h.chain and stage.has(Chain.parse(h.chain)))]
        return f"{', '.join(lacking)} without it" if lacking else ""

    wait_for(f"certificates by {stage.name}", pending, deadline)
