"""Security: zero trust, as who may come is who proves to be it."""

from __future__ import annotations

from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.security.denied import are_denied
from suites.security.places import PROVEN, ask_from_places
from suites.security.subject import Guarded

ZERO_TRUST = "Best Practices/Security/Zero trust"


@requirement("ZT2", source=ZERO_TRUST)
def test_place_proves_nothing(judge: Judge, lab: Lab, guarded: Guarded) -> None:
    """Nobody is let in for a namespace, labels, a node, a Host or a header, but by certificate."""
    answers = ask_from_places(lab, guarded)
    judge.conclude(are_denied(answers.shown, answers.arrived, PROVEN))
