"""Security: access policies, and what cannot be done round them."""

from __future__ import annotations

from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.security.paths import are_denied
from suites.security.subject import PUBLIC, Guarded

ACCESS = "Best Practices/Security/Access policies"


@requirement("AP4", source=ACCESS)
def test_a_denied_path_cannot_be_walked_round(judge: Judge, guarded: Guarded) -> None:
    """A denied path cannot be walked round by dots, slashes, backslashes and encodings."""
    answers = guarded.walk()
    judge.conclude(are_denied(answers.shown, answers.arrived, PUBLIC))
