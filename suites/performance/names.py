"""Names that are asked with CoreDNS, without it, and with it again, and which must be known when.

Sources: istio.io, "DNS Proxying" (a sidecar's agent answers for the services that it was told of,
and asks the cluster's DNS for all others). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fixtures.checks import Check, Drop, all_answered_by, every, known, on, with_positive_control
from fixtures.checks.denials import BY_POLICY
from fixtures.checks.guard import each
from fixtures.history import History
from fixtures.history.verdict import Verdict, inconclusive, passed

INFORMED, UNINFORMED = "informed", "uninformed"
"""A client whose sidecar answers for names, and its counterpart."""
CLIENTS = (INFORMED, UNINFORMED)
BEFORE, WITHOUT, AFTER = "before", "without", "after"
TIMES = (BEFORE, WITHOUT, AFTER)
SERVICES: Mapping[str, str] = {
    "echo": "echo",
    "origin.{namespace}": "origin",
    "unmetered.{namespace}.svc.cluster.local:8081": "unmetered",
}
"""Names as a client may ask for them, each with who answers."""
NOBODY = "nobody.{namespace}.svc.cluster.local"
DNS = "53/UDP"
LOOKUPS = ".lookups_dropped"


def stream(when: str, who: str, name: str) -> str:
    """The stream of a client's requests to a name."""
    return f"{when}: {who}->{name.partition('.')[0]}"


def resolve_by_themselves(drops: Collection[Drop]) -> Check:
    """Names of services are served to both clients but for the time without CoreDNS, when they are
    to the informed one alone; a name that nobody has is known to neither at any time.

    Args:
        drops: what Cilium dropped while CoreDNS was out of reach: without a lookup of each of the
            clients among them nobody knows that it was.
    """
    served = (
        on(stream(when, who, name), all_answered_by(service))
        for when in TIMES
        for who in CLIENTS
        if (when, who) != (WITHOUT, UNINFORMED)
        for name, service in SERVICES.items()
    )
    names = [(WITHOUT, UNINFORMED, name) for name in SERVICES]
    names += [(when, who, NOBODY) for when in TIMES for who in CLIENTS]
    unknown = (on(stream(*one), each(lambda e: e.error == "dns", "unresolved", 1)) for one in names)
    cut_off = (known(_is_cut_off(drops, who)) for who in CLIENTS)
    whole = with_positive_control(denied=every(*unknown, *cut_off), allowed=every(*served))

    def judge(history: History) -> Verdict:
        verdict = whole(history)
        numbers = {k: v for k, v in verdict.numbers.items() if k.endswith(LOOKUPS)}
        if not verdict.passed:
            return verdict._replace(numbers=numbers)
        said = f"{len(SERVICES)} names were known without CoreDNS to {INFORMED}, and none to"
        return passed(f"{said} {UNINFORMED}", **numbers)

    return judge


def _is_cut_off(drops: Collection[Drop], who: str) -> Verdict:
    own = [
        drop
        for drop in drops
        if drop.reason in BY_POLICY and drop.port == DNS and f"k8s:app={who}" in drop.source_labels
    ]
    numbers = {f"{who}{LOOKUPS}": len(own)}
    if not own:
        return inconclusive(f"no lookup of {who} was dropped", **numbers)
    return passed(f"{len(own)} lookups of {who} were dropped", **numbers)
