"""Security: zero trust, as who may come is who proves to be it."""

from __future__ import annotations

from fixtures.lab import Lab
from fixtures.lab.trust import root_of
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.security.asking import Asker
from suites.security.debugging import doors_of
from suites.security.denied import are_denied
from suites.security.disclosed import discloses
from suites.security.places import PROVEN, ask_from_places
from suites.security.signed import signs_for_holders
from suites.security.signing import ask_to_sign
from suites.security.subject import Guarded

ZERO_TRUST = "Best Practices/Security/Zero trust"


@requirement("ZT2", source=ZERO_TRUST)
def test_place_proves_nothing(judge: Judge, lab: Lab, guarded: Guarded) -> None:
    """Nobody is let in for a namespace, labels, a node, a Host or a header, but by certificate."""
    answers = ask_from_places(lab, guarded)
    judge.conclude(are_denied(answers.shown, answers.arrived, PROVEN))


@requirement("ZT3", source=ZERO_TRUST)
def test_istiod_signs_for_who_holds_the_token(judge: Judge, asker: Asker) -> None:
    """istiod signs for who holds the token and for nobody else, and for no longer than it may.

    The API server grants no token of less than ten minutes, so the one that has ended is a revoked
    one.
    """
    replies = ask_to_sign(asker)
    judge.conclude(signs_for_holders(replies, asker.own, root_of(asker.space)))


@requirement("ZT5", source=ZERO_TRUST)
def test_istiod_tells_strangers_nothing(judge: Judge, lab: Lab, asker: Asker) -> None:
    """istiod's debug interface tells nobody without an identity anything, and one of another
    namespace than its own what is of that namespace."""
    judge.conclude(discloses(doors_of(lab, asker).ask()))
