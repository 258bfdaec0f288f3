"""A Gateway that keeps answers: what two clients ask of it, and what of that comes to the origin.

Whether an answer may be kept is asked for in a request's own query: see the moods of an origin.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from clusters.objects import of_gateway
from fixtures.history import History
from fixtures.history.streams import Stream, nonce
from fixtures.lab import Lab, convergence
from fixtures.lab.convergence import PROXY
from fixtures.lab.origins import Arrival, arrived
from fixtures.lab.sampling import expected
from fixtures.traffic.client import ClientPod
from suites.performance.subject import EDGE, Stage, stage_of

FRESH, EXPIRING = "fresh", "expiring"
OWN = ("no-store", "private", "authorization", "method", "host", "query")
"""What must not be shared, each by its reason."""
COOKIE = "set-cookie"
"""What makes the next client the one that asked first."""
VARYING: Mapping[str, tuple[str, ...]] = {
    "varies by one": ("accept-language",),
    "varies by two": ("x-one", "x-two"),
    "varies by anything": ("accept-language",),
}
"""Streams whose answers vary, and the headers that these differ by."""
ASKER = "x-asker"
LONG = "max-age=600"
COUNT = 25
"""Requests of each of two clients, over so long that the age of what is kept is seen to rise."""
PAUSE = 0.1
LIFETIME = 1
OLD, NEW = '"old"', '"new"'
"""ETags of one page, before and after it changes."""
STALE = 2 * LIFETIME + 0.5
"""Seconds after which what is kept is stale, whatever the clocks round."""
KEEPING, RENEWED, OWN_CONDITION = "keeping", "renewed", "own condition"


@dataclass(frozen=True)
class Kept:
    """What was asked of the Gateway, and what of it arrived.

    Attributes:
        pod: the Gateway's.
        restarts: of its proxy, before and after.
    """

    history: History
    arrivals: Sequence[Arrival]
    pod: str
    restarts: tuple[int, int]

    def __add__(self, other: Kept) -> Kept:
        """What was asked then, and what after it: the log that is read then has both."""
        arrivals = tuple(dict.fromkeys((*self.arrivals, *other.arrivals)))
        restarts = (self.restarts[0], other.restarts[1])
        return Kept(self.history + other.history, arrivals, self.pod, restarts)


def kept_in_force(lab: Lab, cluster: str) -> Kept:
    """Ask a Gateway that keeps answers, once it does.

    Raises:
        NotReadyError: a workload does not run, or what was answered is in no log in time.
        WrongManifestError: the practice's manifest is refused, or is never in force.
    """
    stage = stage_of(lab, cluster, ("envoyfilter-cache",))
    return observe(stage) + revalidate(stage)


def observe(stage: Stage) -> Kept:
    """Have one client ask for everything, and another one after it."""
    mark, began = convergence.generation(), time.monotonic()
    pod, before = _proxy(stage)
    histories = [
        client.probe(*_asked(stage, mark, asker)) for asker, client in _askers(stage).items()
    ]
    history = sum(histories, History())
    arrivals = arrived(stage.pods("origin"), expected(history), began, stage.deadline)
    return Kept(history, arrivals, pod, (before, _proxy(stage)[1]))


def revalidate(stage: Stage) -> Kept:
    """Ask for a page until it is stale and once more, then for what it has become, and at last for
    it on a condition of the client's own.

    Raises:
        CommandError: the prober could not be started, or the origin told nothing.
        NotReadyError: what was answered did not come into the origin's log in time.
    """
    mark, began = convergence.generation(), time.monotonic()
    pod, before = _proxy(stage)
    url = f"http://{stage.address}/page?nonce={nonce(KEEPING, mark, '0')}"
    (page,) = stage.pods("origin")
    mood = {"answer": [f"Cache-Control: max-age={LIFETIME}"]}

    def stream(name: str, **more: Any) -> Stream:
        return Stream(stream=name, url=url, whole=True, **more)

    with page.mood(**mood, etag=OLD):
        # A pause follows the last one too.
        kept = stage.outsider.probe(stream(KEEPING, count=2, pause=STALE))
    with page.mood(**mood, etag=NEW):
        renewed = stage.outsider.probe(
            stream(RENEWED),
            stream(OWN_CONDITION, headers={"If-None-Match": NEW}),
            in_turn=True,
        )
    history = kept + renewed
    came = arrived([page], expected(history), began, stage.deadline)
    return Kept(history, came, pod, (before, _proxy(stage)[1]))


def _askers(stage: Stage) -> dict[str, ClientPod]:
    return {"outsider": stage.outsider, "steady": stage.steady}


def _asked(stage: Stage, mark: str, asker: str) -> Iterator[Stream]:
    """What one client asks for: by the same URLs as the other, but for `query`."""

    def page(stream: str, *answers: str, more: str = "", **fields: Any) -> Stream:
        headers = {ASKER: asker, **fields.pop("headers", {})}
        moods = "".join(f"&answer={quote(answer)}" for answer in answers)
        url = f"http://{stage.address}/page?nonce={nonce(stream, mark, '0')}{moods}{more}"
        return Stream(stream=stream, url=url, headers=headers, whole=True, **fields)

    is_first = asker == "outsider"
    yield page(FRESH, f"Cache-Control: {LONG}", count=COUNT, pause=PAUSE)
    if is_first:
        yield page(EXPIRING, f"Cache-Control: max-age={LIFETIME}", count=2, pause=STALE)
    public = f"Cache-Control: {LONG}"
    yield page("no-store", "Cache-Control: no-store")
    yield page("private", f"Cache-Control: private, {LONG}")
    yield page("authorization", public, headers={"Authorization": f"Bearer {asker}"})
    yield page("method", public, method="POST")
    yield page("host", public, headers={"Host": f"{asker}.example.com"})
    yield page("query", public, more=f"&who={asker}")
    yield page(COOKIE, public, "Set-Cookie: session=1")
    language, letter = ("de", "a") if is_first else ("fr", "b")
    by_language: dict[str, Any] = {"headers": {"accept-language": language}}
    by_letters: dict[str, Any] = {"headers": {"x-one": "one", "x-two": letter}}
    yield page("varies by one", public, "Vary: Accept-Language", **by_language, count=2)
    yield page("varies by two", public, "Vary: X-One, X-Two", **by_letters, count=2)
    yield page("varies by anything", public, "Vary: *", **by_language, count=2)


def _proxy(stage: Stage) -> tuple[str, int]:
    """The Gateway's pod, and how often its proxy was started again."""
    space = stage.space
    (pod,) = space.kube.list("v1", "Pod", space.namespace, of_gateway(EDGE))
    statuses = pod["status"].get("containerStatuses", ())
    restarts = [int(s["restartCount"]) for s in statuses if s["name"] == PROXY]
    return str(pod["metadata"]["name"]), sum(restarts)
