"""Security: access policies, and what cannot be done round them."""

from __future__ import annotations

import pytest

from fixtures.checks import denied_under_load, on, served_under_load, with_positive_control
from fixtures.history.verdict import combine
from fixtures.lab import Lab
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.security.access import (
    ALLOWED,
    DENIED,
    DENIERS,
    FORMS,
    LEAST,
    LITERAL,
    OPEN,
    SECONDS,
    ask_by_names,
    ask_for_paths,
    edited,
    logged,
)
from suites.security.denied import are_denied, are_logged
from suites.security.subject import ACCESS as SERVICE
from suites.security.subject import PUBLIC, Guarded

ACCESS = "Best Practices/Security/Access policies"


@requirement("AP1", source=ACCESS)
def test_names_are_literal(judge: Judge, guarded: Guarded) -> None:
    """A dot in an account's or a namespace's name stands for itself: a policy admits no other."""
    answers = ask_by_names(guarded)
    judge.conclude(are_denied(answers.shown, answers.arrived, LITERAL))


@requirement("AP2", source=ACCESS)
def test_what_is_denied_stays_denied(judge: Judge, guarded: Guarded) -> None:
    """DENY wins over ALLOW, whichever was made first, and the log names the policy that denied."""
    answers = ask_for_paths(guarded)
    verdict = are_denied(answers.shown, answers.arrived, [OPEN])
    if verdict.passed:
        verdict = combine((verdict, are_logged(logged(guarded, answers), DENIERS)))
    judge.conclude(verdict)


@pytest.mark.nightly
@requirement("AP4", source=ACCESS)
def test_a_denied_path_cannot_be_walked_round(judge: Judge, guarded: Guarded) -> None:
    """A denied path cannot be walked round by dots, slashes, backslashes and encodings."""
    answers = guarded.walk()
    judge.conclude(are_denied(answers.shown, answers.arrived, [PUBLIC]))


@pytest.mark.nightly
@requirement("AP5", source=ACCESS)
def test_edits_let_nobody_in_and_keep_nobody_out(judge: Judge, lab: Lab, guarded: Guarded) -> None:
    """A policy that is put into other words lets nobody in and keeps nobody out meanwhile."""
    history = edited(guarded, [lab.manifests.given(stem) for stem in FORMS])
    judge(
        history,
        with_positive_control(
            denied=on(DENIED, denied_under_load(LEAST, SECONDS)),
            allowed=on(ALLOWED, served_under_load(LEAST, SECONDS, [SERVICE])),
        ),
    )
