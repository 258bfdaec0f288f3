"""What the clients of backend-api and of its bystander were answered: asked once, for RB1 to RB8.

Each client sends all that it asks in one run of the prober: its part of the samples, and beside
these what is asked many times over, to show that the answer is always the same.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from fixtures.checks import samples
from fixtures.checks.samples import by_client
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import convergence, sampling
from fixtures.lab.sampling import Answered
from suites.rbac_denial.oracle import BY_FRONTEND, BY_OTHERS, OF_BYSTANDER
from suites.rbac_denial.subject import API, APP, BYSTANDER, Api

FRONTEND = "frontend"
MANY, FEW = 50, 5
"""Requests that show a thing to be so always, and those that show it beside a sample."""
ADMITTED = {"item": API, "deep": "/api/v1/a/b/c", "empty": "/api/v1/"}
METHODS = tuple(method for method in samples.METHODS if method != "GET")
AROUND = {
    "other-version": "/api/v2/items",
    "root": "/",
    "no-slash": "/api/v1",
    "longer-name": "/api/v1items",
    "upper": "/API/V1/items",
    "dots": "/api/v1/../v2/items",
    "encoded-dots": "/api/v1/%2e%2e/v2/items",
    "double-slash": "/api//v1/items",
    "leading-slashes": "//api/v1/items",
    "encoded-slash": "/api%2Fv1/items",
    "encoded-last-slash": "/api/v1%2fitems",
}
OF_BYSTANDER_TOO = {"get": ("GET", API), "post": ("POST", "/elsewhere")}
"""What the bystander is asked beside its sample."""


@dataclass(frozen=True)
class Answers:
    """What backend-api answered by client, what the bystander did, and what is of no sample."""

    by_client: Mapping[str, Answered]
    bystander: Answered
    beside: History

    @property
    def frontend(self) -> Answered:
        """What the client that the policy admits was answered."""
        return self.by_client[FRONTEND]

    def streams(self, *names: str) -> History:
        """Some streams of those that are of no sample."""
        return self.beside.where(lambda exchange: exchange.stream in names)

    def logged_nonces(self) -> frozenset[str]:
        """The nonces in backend-api's own log."""
        return frozenset(n for n, services in self.frontend.arrivals.items() if APP in services)


def ask(api: Api, seed: int) -> Answers:
    """Draw the samples by a seed, have all clients send them side by side, and read the logs.

    Raises:
        CommandError: a prober could not be started.
        NotReadyError: what a backend answered did not come into its log in time.
    """
    guarded = by_client(BY_OTHERS.sample(seed, api.origin(), convergence.generation()))
    guarded[FRONTEND] = BY_FRONTEND.sample(seed, api.origin(), convergence.generation())
    bystander = OF_BYSTANDER.sample(seed, api.origin(BYSTANDER), convergence.generation())
    of_bystander = by_client(bystander)
    answered = sampling.ask_by(
        api,
        api.clients,
        {client: (*guarded[client], *of_bystander[client]) for client in api.clients},
        {client: tuple(_beside(api, client)) for client in api.clients},
    )
    by_all = reduce(operator.add, answered.values())
    of_samples = {sample.stream.stream for sample in by_all.samples}
    return Answers(
        {client: answered[client].of(guarded[client]) for client in api.clients},
        bystander=by_all.of(bystander),
        beside=by_all.history.where(lambda exchange: exchange.stream not in of_samples),
    )


def _beside(api: Api, client: str) -> Iterable[Stream]:
    """What a client asks many times over; the streams have their own names, or the client's."""
    if client == FRONTEND:
        yield api.ask("allowed")
        yield from (api.ask(name, target=path, count=MANY) for name, path in ADMITTED.items())
        yield from (api.ask(method, method=method, count=FEW) for method in METHODS)
        yield from (api.ask(name, target=path, count=FEW) for name, path in AROUND.items())
        return
    yield api.ask(client, count=MANY)
    if client == "stranger":
        yield from (api.ask_bystander(name, *what) for name, what in OF_BYSTANDER_TOO.items())
