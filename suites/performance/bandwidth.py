"""Downloads to and from pods whose bandwidth is bounded by their annotations, and of one without.

Cilium holds what a pod sends where it leaves the node, by the time of each packet's departure, and
what it receives by a bucket that holds a second's worth (Documentation/network/kubernetes/
bandwidth-manager.rst; bpf/lib/edt.h, token_bucket.h). So who sends is on another node than who
receives, as its template says. Nothing here judges.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from fixtures.history import History
from fixtures.lab import OUTSIDE, Lab, convergence
from suites.performance.subject import Stage

SENDING, RECEIVING, UNBOUND = "from the bounded", "to the bounded", "unbounded"
BOUNDED_CLIENT, BOUNDED = "narrow-client", "narrow"
RATE = 250_000
"""Bytes a second: the annotations say 2 Mbit."""
SIZES = range(1_000_000, 1_500_000)
"""Bytes of a download: four to six seconds' worth."""
LATER = 7.0
"""Seconds that a download may take longer than all but the first second of it: what a bucket
drops, TCP sends again, and more slowly for a while."""
TIMEOUT = 30.0


@dataclass(frozen=True)
class Downloads:
    """What came of each download, and how many bytes each of them had."""

    history: History
    size: int


def download(lab: Lab, stage: Stage, seed: int) -> Downloads:
    """Have both clients download, one after the other, as much as the seed says.

    Raises:
        CommandError: the prober could not be started.
        NotReadyError: a client does not run.
    """
    space, mark = stage.space, convergence.generation()
    size = random.Random(seed).choice(SIZES)  # noqa: S311 (no secret)
    narrow = lab.client(space.kube.cluster.name, BOUNDED_CLIENT, space.namespace, identity=OUTSIDE)
    bulk = f"size={size}"
    free = stage.outsider.probe(stage.to_service(UNBOUND, "origin", mark, bulk, timeout=TIMEOUT))
    sent = stage.outsider.probe(stage.to_service(SENDING, BOUNDED, mark, bulk, timeout=TIMEOUT))
    got = narrow.probe(stage.to_service(RECEIVING, "origin", mark, bulk, timeout=TIMEOUT))
    return Downloads(free + sent + got, size)
