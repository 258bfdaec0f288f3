"""What must be true while a service mesh is given other authorities, one after another.

Source: Istio, "Plug in CA Certificates": proxies have their certificates renewed by what istiod
signs with now, and believe the roots that came with them. A root that goes does so once another is
believed beside it. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509

from clusters.components.authority import is_issued
from fixtures.checks.unbroken import unbroken
from fixtures.history.certificates import Chain, Shown
from fixtures.history.traces import Trace
from fixtures.history.verdict import Verdict, combine, failed, inconclusive, passed


@dataclass(frozen=True)
class Stage:
    """What istiod signs with for a while.

    Attributes:
        roots: those that come with each certificate, and are believed by who gets it.
    """

    name: str
    issuer: x509.Certificate
    roots: frozenset[x509.Certificate]

    def has(self, chain: Chain) -> bool:
        """Whether a chain is of this stage."""
        roots = {each for each in chain.certificates[1:] if is_issued(each, by=each)}
        return is_issued(chain.leaf, by=self.issuer) and roots == self.roots


@dataclass(frozen=True)
class Rotated:
    """What came of it.

    Attributes:
        traces: of the requests that went on all the while.
        shown: handshakes with either end, by its name.
        stages: in their order; the first is how it was before.
        taken: whether both ends had what each later stage gave them, in time.
    """

    traces: Sequence[Trace]
    shown: Mapping[str, Sequence[Shown]]
    stages: Sequence[Stage]
    taken: Sequence[Verdict]


def costs_nothing(rotated: Rotated, service: str) -> Verdict:
    """No request failed while both ends went through all stages, to a chain that holds nothing of
    what the first one held.

    Args:
        service: who serves.
    """
    return combine(
        (
            *(unbroken(trace, {service}) for trace in rotated.traces),
            *rotated.taken,
            *(_in_order(name, each, rotated.stages) for name, each in rotated.shown.items()),
        )
    )


def _in_order(name: str, shown: Sequence[Shown], stages: Sequence[Stage]) -> Verdict:
    """Whether a peer's certificates were of each stage, one after another, and of nothing else."""
    chains = [Chain.parse(each.chain) for each in shown if each.chain]
    if not chains:
        return inconclusive(f"nothing is known of the certificate of {name}")
    places = [_place(chain, stages) for chain in chains]
    if -1 in places:
        issuer = chains[places.index(-1)].leaf.issuer.rfc4514_string()
        return failed(f"{name} showed a certificate of no stage, by {issuer}")
    if places != sorted(places):
        return failed(f"{name} showed a certificate of an earlier stage")
    if missing := [each.name for at, each in enumerate(stages) if at not in places]:
        return failed(f"{name} showed no certificate of {', '.join(missing)}")
    if set(chains[0].certificates) & set(chains[-1].certificates):
        return failed(f"the last chain of {name} holds something of its first")
    said = f"{name} went through {len(stages)} stages with {len(chains)} certificates"
    return passed(said, **{f"{name}.certificates": len(chains)})


def _place(chain: Chain, stages: Sequence[Stage]) -> int:
    return next((at for at, stage in enumerate(stages) if stage.has(chain)), -1)
