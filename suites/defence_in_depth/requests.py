"""What is sent, by whom, and what must become of it.

Sources: Istio, "Authorization Policy" (a negative match holds for what is not there at all, a
positive one does not) and "Policy Attachment"; Cilium, "Deny Policies". Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fixtures.checks import (
    Check,
    Drop,
    all_answered_by,
    denied_http,
    denied_l4,
    every,
    never_reached,
    not_dropped,
    on,
    reset,
    with_positive_control,
)

ALPHA, BETA, PLAIN, GUEST, RUNAWAY = "alpha", "beta", "plain", "guest", "runaway"
CLIENTS = (ALPHA, BETA, PLAIN, GUEST, RUNAWAY)
"""The first two have a sidecar and with it a principal; of the others nothing goes through one."""
VAULT, WALLED, STRICT = "vault", "walled", "strict"
GUARDED, OPEN = "guarded-istio", "open-istio"
"""The Services that istiod makes for the Gateways."""
COUNT = 5
TCP = "3000/TCP"
"""The workloads' port as a drop tells it."""
HTTP2 = ":3001"
EXCLUDED = ":81"
"""The port of `strict` that the sidecar of `alpha` leaves alone."""
PASS = "x-pass"  # noqa: S105 (a header's name)


@dataclass(frozen=True)
class Request:
    """A stream of requests of one kind.

    Attributes:
        path: its first segment.
        target: the Service; its port, if that is not the first.
        short: whether the host is the Service's name alone.
        header: the value of the header that one condition is about; empty for none.
        served: whether it must be served.
    """

    who: str
    path: str
    served: bool
    target: str = VAULT
    port: str = ""
    short: bool = False
    header: str = ""

    @property
    def name(self) -> str:
        """The stream's."""
        said = f" as {self.header}" if self.header else ""
        host = f"{self.target}{self.port}{' by its short name' if self.short else ''}"
        return f"{self.who}->{host}/{self.path}{said}"

    @property
    def service(self) -> str:
        """Who answers: behind a Gateway it is `walled`."""
        return WALLED if self.target in (GUARDED, OPEN) else self.target


CONDITIONS = (
    Request(ALPHA, "port", served=True),
    Request(ALPHA, "port", served=False, port=HTTP2),
    Request(ALPHA, "elsewhere", served=True, port=HTTP2),
    Request(ALPHA, "host", served=True),
    Request(ALPHA, "host", served=False, short=True),
    Request(ALPHA, "namespace", served=False),
    Request(PLAIN, "namespace", served=True),
    Request(ALPHA, "other-namespace", served=True),
    Request(PLAIN, "other-namespace", served=False),
    Request(ALPHA, "other-principal", served=True),
    Request(BETA, "other-principal", served=False),
    Request(PLAIN, "other-principal", served=False),
    Request(ALPHA, "header", served=True, header="plumbline"),
    Request(ALPHA, "header", served=False, header="another"),
    Request(ALPHA, "header", served=False),
)
"""One stream on each side of each condition; of `plain` no attribute is there to be matched."""
AT_THE_ENTRANCE = (
    Request(PLAIN, "private", served=False, target=GUARDED),
    Request(PLAIN, "public", served=True, target=GUARDED),
    Request(PLAIN, "private", served=True, target=OPEN),
)
AT_THE_WALL = (
    Request(GUEST, "", served=False, target=WALLED),
    Request(GUEST, "elsewhere", served=True),
    Request(PLAIN, "", served=True, target=WALLED),
)
PAST_THE_SIDECAR = (
    Request(ALPHA, "", served=True, target=STRICT),
    Request(ALPHA, "", served=False, target=STRICT, port=EXCLUDED),
    Request(RUNAWAY, "", served=False, target=STRICT),
    Request(ALPHA, "", served=True, target=WALLED),
    Request(RUNAWAY, "", served=False, target=WALLED),
)
ALL = (*CONDITIONS, *AT_THE_ENTRANCE, *AT_THE_WALL, *PAST_THE_SIDECAR)


def are_held(requests: Collection[Request], arrived: Collection[str]) -> Check:
    """Those that must be are served, and the others are denied by RBAC and arrive nowhere.

    Args:
        arrived: the nonces in the backends' logs.
    """
    denied = (on(each.name, denied_http(COUNT)) for each in requests if not each.served)
    return with_positive_control(
        denied=every(*denied, _nowhere(requests, arrived)),
        allowed=_are_served(requests),
    )


def are_walled_off(
    requests: Collection[Request], arrived: Collection[str], drops: Collection[Drop]
) -> Check:
    """Those that must be are served, and the others are dropped for a policy's sake."""
    walled = {f"k8s:app={WALLED}"}
    dropped = (
        on(each.name, denied_l4(drops, {f"k8s:app={each.who}"}, walled, COUNT, TCP))
        for each in requests
        if not each.served
    )
    kept_out = (
        on(each.name, not_dropped(drops, {f"k8s:app={each.who}"}, walled))
        for each in requests
        if each.served
    )
    return with_positive_control(
        denied=every(*dropped, _nowhere(requests, arrived)),
        allowed=every(*kept_out, _are_served(requests)),
    )


def gain_nothing(
    requests: Collection[Request], arrived: Collection[str], drops: Collection[Drop]
) -> Check:
    """Those that must be are served; of the others `strict` cuts off what reaches it, and the rest
    is dropped for a policy's sake."""
    refused = [each for each in requests if not each.served]
    cut_off = (on(each.name, reset(COUNT)) for each in refused if each.target == STRICT)
    dropped = (
        on(
            each.name,
            denied_l4(drops, {f"k8s:app={each.who}"}, {f"k8s:app={each.target}"}, COUNT, TCP),
        )
        for each in refused
        if each.target != STRICT
    )
    return with_positive_control(
        denied=every(*cut_off, *dropped, _nowhere(requests, arrived)),
        allowed=_are_served(requests),
    )


def _are_served(requests: Iterable[Request]) -> Check:
    served = (
        on(each.name, all_answered_by(each.service, COUNT)) for each in requests if each.served
    )
    return every(*served)


def _nowhere(requests: Collection[Request], arrived: Collection[str]) -> Check:
    refused = [each.name for each in requests if not each.served]
    return never_reached(arrived, refused, [each.name for each in requests if each.served])
