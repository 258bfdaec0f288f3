"""One backend with moods behind several services, which the practices of a service mesh ask."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from fixtures.checks import nonces
from fixtures.history import History
from fixtures.history.streams import Stream, marked
from fixtures.lab import OUTSIDE, Lab, convergence
from fixtures.lab.origins import Arrival, arrived, origins
from fixtures.lab.space import Space
from fixtures.traffic.client import ClientPod, side_by_side
from suites.service_mesh.attempts import Attempt
from suites.service_mesh.filled import with_address, with_keys
from suites.service_mesh.tokens import GROUP, OTHER_GROUP, key_set, new_key, right, to_present

NAME = Path(__file__).parent.name
INSIDER, OUTSIDER = "insider", "outsider"
TIMED, RETRIED, ONCE, TOLD, HALVES = "timed", "retried", "once", "told", "halves"
COUNTED, MIRRORED, SHADOW, FLIPPED = "counted", "mirrored", "shadow", "flipped"
FAULTED = "faulted"
NOBODY = "nobody"
"""A service without pods."""
WITH_PODS = (TIMED, RETRIED, ONCE, HALVES, COUNTED, MIRRORED, FAULTED)
"""What the client must have pods of."""
ORIGIN = "origin"
PORT = 3000
LISTENING = "halves,version=v1"
"""The pods of `halves` that listen; the other is a client."""
TIMEOUT, OVERTIME = 0.3, 0.4
"""Seconds of the practice's timeout, and by when a client has its answer."""
ROUTE_TIMEOUT = 1.4
"""Seconds of the route with retries, all attempts together."""
FLIP = "virtualservice-flip"
PRACTICES = (
    "virtualservice-timeout",
    "virtualservice-retries",
    "telemetry-access-log",
    "authorizationpolicy-claims",
    "authorizationpolicy-authorizer",
    "virtualservice-mirror",
    "virtualservice-fault",
    FLIP,
)
FEW, MANY = 6, 24
DOOR = "door-istio"
"""The Service that istiod makes for the Gateway, which leads to `TOLD`."""
GUARDED = "guarded"
"""A path of the Gateway for one address alone."""
POSE = "spiffe://cluster.local/ns/nobody/sa/nobody"
"""The name that clients claim for themselves."""
CLAIM = "x-claim-group"
"""The header in which the proxy tells a token's claim."""
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = {
    "traceparent": f"00-{TRACE}-00f067aa0ba902b7-00",
    "tracestate": "plumbline=1",
    "b3": f"{TRACE}-00f067aa0ba902b7-0",
}
"""A trace that its client leaves unsampled (W3C Trace Context; B3 single header)."""


@dataclass(frozen=True)
class Observation:
    """What was asked, and by nonce what arrived of it, in the order of time."""

    history: History
    attempts: dict[str, list[Attempt]]


@dataclass(frozen=True)
class Practised:
    """The services of one cluster under the practices' documents, and who asks them.

    Attributes:
        insider: has a sidecar.
        outsider: has none.
        key: of the issuer whose tokens are believed.
    """

    space: Space
    deadline: float
    insider: ClientPod
    outsider: ClientPod
    key: RSAPrivateKey

    def attempt(self) -> Observation:
        """Ask for what is slow, what fails and what hangs up, and see what arrives.

        Raises:
            CommandError: the prober could not be started.
            NotReadyError: what a backend answered did not come into its log in time.
        """
        mark, began = convergence.generation(), time.monotonic()
        return self.observe(self.insider.probe(*self._attempts(mark), at_once=4), began)

    def pose(self) -> History:
        """Ask, from inside, from outside and through the Gateway, as if one were another.

        Raises:
            CommandError: a prober could not be started.
        """
        own = f"http://{self.space.host(TOLD)}/"
        claim = {"X-Forwarded-Client-Cert": f"By={POSE};Hash=00;URI={POSE}"}

        def stream(name: str, url: str = own, **headers: str) -> Stream:
            return Stream(stream=name, url=url, headers=headers, count=FEW, whole=True)

        return side_by_side(
            lambda: self.insider.ask(stream("honest"), stream("posing.inside", **claim)),
            lambda: self.outsider.ask(
                stream("posing.outside", **claim),
                stream("posing.gateway", f"http://{self.space.host(DOOR)}/", **claim),
            ),
        )

    def forward(self) -> History:
        """Ask the Gateway for what one address may have, from there and from another one, which
        also says that it speaks for the first.

        Raises:
            CommandError: a prober could not be started.
        """
        mark = convergence.generation()

        def stream(name: str, **headers: str) -> Stream:
            host, path = self.space.host(DOOR), f"/{GUARDED}"
            return marked(name, host, mark, path=path, count=FEW, headers=headers)

        claimed = {"X-Forwarded-For": self.outsider.address}
        return side_by_side(
            lambda: self.outsider.ask(stream("address.right")),
            lambda: self.insider.ask(stream("address.other"), stream("address.claimed", **claimed)),
        )

    def trace(self) -> History:
        """Ask within a trace, from inside and through the Gateway, and once without any.

        Raises:
            CommandError: a prober could not be started.
        """

        def stream(name: str, service: str, headers: dict[str, str]) -> Stream:
            url = f"http://{self.space.host(service)}/"
            return Stream(stream=name, url=url, headers=headers, count=FEW, whole=True)

        return side_by_side(
            lambda: self.insider.ask(
                stream("traced.inside", TOLD, TRACED), stream("untraced", TOLD, {})
            ),
            lambda: self.outsider.ask(stream("traced.gateway", DOOR, TRACED)),
        )

    def present(self) -> Observation:
        """Come with tokens of all kinds, and see what arrives.

        Raises:
            CommandError: the prober could not be started.
            NotReadyError: what a backend answered did not come into its log in time.
        """
        mark, began = convergence.generation(), time.monotonic()
        return self.observe(self.insider.probe(*self._presented(mark)), began)

    def _presented(self, mark: str) -> Iterator[Stream]:
        now = int(time.time())
        for name, token in to_present(self.key, new_key(), now).items():
            yield self._bearing(token_stream(name), mark, token)
        right_one, other = right(self.key, now), right(self.key, now, OTHER_GROUP)
        for name, token, path, claimed in (
            ("claim.right", right_one, "claimed", ""),
            ("claim.other", other, "claimed", ""),
            ("claim.none", "", "claimed", ""),
            ("claim.claimed-without", "", "claimed", GROUP),
            ("claim.claimed-beside", right_one, "claimed", OTHER_GROUP),
            ("claim.claimed-open", "", "", GROUP),
        ):
            yield self._bearing(name, mark, token, path, claimed)

    def _bearing(
        self, name: str, mark: str, token: str, path: str = "", claimed: str = ""
    ) -> Stream:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        claim = {CLAIM: claimed} if claimed else {}
        stream = self.stream(name, TOLD, mark, "", FEW)
        url = stream.url.replace("/?", f"/{path}?")
        return stream.model_copy(update={"url": url, "headers": headers | claim, "whole": True})

    def observe(self, history: History, began: float) -> Observation:
        """What was asked, and all that arrived at any origin since then.

        Args:
            began: by `time.monotonic()`.

        Raises:
            NotReadyError: what an origin answered did not come into its log in time.
        """
        every = [*origins(self.space, ORIGIN), *origins(self.space, LISTENING)]
        wanted = frozenset(n for e in history if e.service for n in nonces(e.url))
        return Observation(history, by_nonce(arrived(every, wanted, began, self.deadline)))

    def _attempts(self, mark: str) -> Iterator[Stream]:
        yield self.stream("timed.slow", TIMED, mark, "delay=2", FEW)
        yield self.stream("timed.quick", TIMED, mark, "delay=0.05", FEW)
        yield self.stream("retried.well", RETRIED, mark, "", FEW)
        yield self.stream("retried.once", RETRIED, mark, "status=500&fail=1", MANY)
        yield self.stream("retried.always", RETRIED, mark, "status=500", FEW)
        yield self.stream("retried.slow", RETRIED, mark, "delay=2", FEW)
        yield self.stream("halves.well", HALVES, mark, "", MANY)
        for method in ("GET", "POST"):
            for service in (ONCE, HALVES):
                for mood in ("status=503", "close=1"):
                    name = failing(service, method, mood)
                    yield self.stream(name, service, mark, mood, FEW, method=method)

    def stream(
        self, name: str, service: str, mark: str, mood: str, count: int, *, method: str = "GET"
    ) -> Stream:
        """Requests that ask a service for a mood, each with a nonce of its own."""
        host = self.space.host(service)
        return marked(name, host, mark, mood, count=count, method=method)


def failing(service: str, method: str, mood: str) -> str:
    """The stream of requests that a service fails or hangs up on."""
    return f"{service}.{method}.{mood.replace('=', '-')}"


def token_stream(name: str) -> str:
    """The stream of requests with a token of this kind."""
    return f"token.{name}"


def by_nonce(every: list[Arrival]) -> dict[str, list[Attempt]]:
    """The attempts of each request, in the order of time."""
    attempts: dict[str, list[Attempt]] = {}
    for each in every:
        if each.nonce:
            attempts.setdefault(each.nonce, []).append(Attempt(each.pod, each.attempt))
    return attempts


def in_force(lab: Lab, cluster: str) -> Practised:
    """The services of a cluster, once all proxies go by the practices' documents.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: a practice's manifest is refused, or is never in force.
    """
    space, deadline = lab.space(NAME, cluster), lab.deadline("convergence")
    insider = lab.client(cluster, INSIDER, space.namespace)
    outsider = lab.client(cluster, OUTSIDER, space.namespace, identity=OUTSIDE)
    key = new_key()
    tokens = with_keys(lab.manifests.given("requestauthentication"), key_set(key.public_key()))
    by_address = lab.manifests.given("authorizationpolicy-remote-address")
    of_outsider = with_address(by_address, outsider.address)
    every = [tokens, of_outsider, *(lab.manifests.given(stem) for stem in PRACTICES)]
    convergence.documents(space, every, deadline, [insider])
    wanted = [f"outbound|80||{space.host(name)}" for name in WITH_PODS]
    convergence.endpoints(space.kube, space.namespace, insider.pod, wanted, deadline)
    return Practised(space, deadline, insider, outsider, key)
