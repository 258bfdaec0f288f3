"""What is declared: who may reach which port of what, in the network and in the service mesh.

The policies of the support say the same in their own words; `tests/test_least_privilege.py` holds
the two against each other. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from fixtures.lab import FRONTEND, OUTSIDER
from fixtures.lab.decisions import EGRESS, INGRESS

CATALOGUE, LEDGER, VAULT, ARCHIVE = "catalogue", "ledger", "vault", "archive"
SERVICES = (CATALOGUE, LEDGER, VAULT, ARCHIVE)
HTTP, HTTP2 = 3000, 3001
PORTS = {HTTP: 80, HTTP2: 3001}
"""Of each service: the pods' own ports, each with the service's."""


@dataclass(frozen=True)
class Client:
    """Who asks.

    Attributes:
        app: its label, by which the network knows it.
        account: by which the service mesh knows it; empty for who has no sidecar.
        is_inside: whether it is of the namespace, which lets nothing out by default either.
    """

    name: str
    app: str
    account: str = ""
    is_inside: bool = True


SHOP, OFFICE = Client("shop", "shop", "shop"), Client("office", "office", "office")
IMPOSTOR = Client("impostor", "shop", "impostor")
"""By its label one that the network lets pass, by its account nobody."""
NAMESAKE = Client("namesake", "namesake", "shop")
"""By its account one that the service mesh lets pass, by its label nobody."""
VISITOR = Client("visitor", "office")
CLIENTS = (
    SHOP,
    OFFICE,
    IMPOSTOR,
    NAMESAKE,
    VISITOR,
    Client(FRONTEND, "elsewhere", "default/frontend", is_inside=False),
    Client(OUTSIDER, "elsewhere", is_inside=False),
)

Edge = tuple[str, str, int]
"""Who, by label or account; the service; and its pods' port."""
BY_NETWORK: frozenset[Edge] = frozenset({
    ("shop", CATALOGUE, HTTP),
    ("shop", VAULT, HTTP),
    ("office", CATALOGUE, HTTP),
    ("office", LEDGER, HTTP),
    ("office", LEDGER, HTTP2),
})  # fmt: skip
BY_SERVICE_MESH: frozenset[Edge] = frozenset({
    ("shop", CATALOGUE, HTTP),
    ("shop", ARCHIVE, HTTP),
    ("office", CATALOGUE, HTTP),
    ("office", LEDGER, HTTP),
})  # fmt: skip
"""What one layer alone lets pass is refused by the other."""


class Outcome(StrEnum):
    """What becomes of a request."""

    SERVED = "served"
    FORBIDDEN = "forbidden"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Cell:
    """One client, one service, one port."""

    client: Client
    service: str
    port: int

    @property
    def name(self) -> str:
        """The stream's."""
        return f"{self.client.name}->{self.service}:{self.port}"

    @property
    def outcome(self) -> Outcome:
        """The network is asked first, so what neither lets pass never comes to the service mesh."""
        inside, to = self.client.is_inside, (self.service, self.port)
        if not inside or (self.client.app, *to) not in BY_NETWORK:
            return Outcome.DROPPED
        known = (self.client.account, *to) in BY_SERVICE_MESH
        return Outcome.SERVED if known else Outcome.FORBIDDEN

    @property
    def direction(self) -> str:
        """At whose end it is dropped: a packet that may not leave comes nowhere."""
        return EGRESS if self.client.is_inside else INGRESS


CELLS = tuple(Cell(*each) for each in product(CLIENTS, SERVICES, PORTS))
"""All there are."""
