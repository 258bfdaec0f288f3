"""Other authorities, one after another: each is taken in its turn, and no request fails."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pytest
from cryptography import x509

from clusters.components.authority import Authority, new_root
from fixtures.history.certificates import Chain, Shown
from fixtures.history.traces import Answer
from fixtures.history.verdict import Outcome, failed, passed
from fixtures.lab.rotation import Plugged
from suites.security.presented import Wanted, mint
from suites.security.rotated import Rotated, Stage, costs_nothing
from tests import traces as handmade
from tests.histories import FAIL, INCONCLUSIVE, PASS

OLD, NEW, STRANGE = (new_root(name) for name in ("old", "new", "strange"))
FIRST, SECOND, THIRD = OLD.sign("first"), OLD.sign("second"), NEW.sign("third")
PLUGGED = (
    Plugged(FIRST, OLD, (OLD,)),
    Plugged(SECOND, OLD, (OLD,)),
    Plugged(SECOND, OLD, (OLD, NEW)),
    Plugged(THIRD, NEW, (OLD, NEW)),
    Plugged(THIRD, NEW, (NEW,)),
)
SERVICE = "web-service"
END = "-----END CERTIFICATE-----\n"
SERVED = [handmade.SERVED] * 20


def read(authority: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.certificate.encode())


STAGES = [
    Stage(f"stage {at}", read(each.signing), frozenset(map(read, each.roots)))
    for at, each in enumerate(PLUGGED)
]


def shown(plugged: Plugged) -> Shown:
    """What a proxy shows: its own, and whatever came with it from istiod."""
    data = {name: base64.b64decode(each).decode() for name, each in plugged.data.items()}
    own, _, _ = mint(plugged.signing, Wanted(), "").certificate.partition(END)
    whole = f"{own}{END}{data['cert-chain.pem']}{data['root-cert.pem']}"
    parts = [f"{part}{END}" for part in whole.split(END)[:-1]]
    return Shown(peer=0, at=0, own="x", chain=tuple(parts))


ALL = [shown(each) for each in PLUGGED]
AGAIN = Shown(peer=0, at=0, own="x")
"""A certificate that was shown before: the chain is left out."""


def rotated(
    series: Sequence[Shown], answers: Sequence[Answer] = SERVED, *, late: bool = False
) -> Rotated:
    trace = handmade.trace(answers)
    taken = [failed("late") if late else passed("in time")]
    return Rotated([trace], {"passer": ALL, "fleeting": series}, STAGES, taken)


@pytest.mark.parametrize(
    ("series", "outcome"),
    [
        ([*ALL], PASS),
        ([ALL[0], AGAIN, shown(PLUGGED[0]), *ALL[1:], shown(PLUGGED[4]), AGAIN], PASS),
        (ALL[:4], FAIL),  # the former root is believed to the end
        ([ALL[0], *ALL[2:]], FAIL),
        ([ALL[0], ALL[1], ALL[4]], FAIL),  # no overlap
        ([*ALL, ALL[3]], FAIL),
        ([*ALL[:2], shown(Plugged(STRANGE.sign("x"), STRANGE, (STRANGE,))), *ALL[2:]], FAIL),
        ([*ALL[:4], shown(Plugged(THIRD, NEW, (NEW, STRANGE)))], FAIL),
        ([ALL[0]] * 3, FAIL),  # nothing was renewed
        ([], INCONCLUSIVE),
        ([AGAIN], INCONCLUSIVE),
    ],
)
def test_each_stage_is_taken_in_its_turn(series: Sequence[Shown], outcome: Outcome) -> None:
    assert costs_nothing(rotated(series), SERVICE).outcome is outcome


@pytest.mark.parametrize("answer", [handmade.UNAVAILABLE, handmade.REFUSED, handmade.WRONG])
def test_a_request_that_fails_is_a_cost(answer: Answer) -> None:
    answers = [*SERVED, answer, *SERVED]
    assert costs_nothing(rotated(ALL, answers), SERVICE).outcome is FAIL


def test_what_is_taken_too_late_is_a_failure() -> None:
    assert costs_nothing(rotated(ALL, late=True), SERVICE).outcome is FAIL


def test_the_last_chain_holds_nothing_of_the_first() -> None:
    back = Rotated((), {"passer": [*ALL[:1], *ALL[:1]]}, STAGES[:1], ())
    assert costs_nothing(back, SERVICE).outcome is FAIL


def test_a_secret_is_as_istiod_reads_it() -> None:
    data = {name: base64.b64decode(each).decode() for name, each in PLUGGED[3].data.items()}
    assert data["ca-cert.pem"] == THIRD.certificate
    assert data["ca-key.pem"] == THIRD.key
    assert data["root-cert.pem"] == OLD.certificate + NEW.certificate
    chain = x509.load_pem_x509_certificates(data["cert-chain.pem"].encode())
    assert Chain(tuple(chain)).leads_to(read(NEW))
