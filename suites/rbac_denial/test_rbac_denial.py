"""RBAC denial: the reference's AuthorizationPolicy admits one principal, method and path."""

from __future__ import annotations

import operator
from functools import reduce

import pytest

from fixtures.checks import (
    Check,
    all_answered_by,
    denied_http,
    denied_under_load,
    every,
    known,
    never_reached,
    on,
    served_under_load,
    with_positive_control,
)
from fixtures.history import History
from fixtures.lab import Lab
from fixtures.lab.convergence import in_time
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from fixtures.traffic.client import side_by_side, together
from suites.rbac_denial.answers import (
    ADMITTED,
    AROUND,
    FEW,
    MANY,
    METHODS,
    OF_BYSTANDER_TOO,
    Answers,
)
from suites.rbac_denial.oracle import OTHERS, is_served
from suites.rbac_denial.subject import APP, Api

SOURCE = "AuthorizationPolicy/service-auth"
SECONDS = 11.0
REQUESTS = 2000
ALLOWED = on("allowed", all_answered_by(APP))


def _denied(answers: Answers, *clients: str) -> tuple[History, Check]:
    """Clients are denied their samples, and many times what frontend is served beside them."""
    sample = reduce(operator.add, (answers.by_client[client] for client in clients))
    denied = (on(client, denied_http(MANY)) for client in clients)
    check = with_positive_control(denied=every(sample.are_as_meant(), *denied), allowed=ALLOWED)
    return sample.history + answers.streams("allowed", *clients), check


@requirement("RB1", source=SOURCE)
def test_frontend_may_get_the_api(judge: Judge, answers: Answers) -> None:
    """GET of /api/v1/* as default/frontend is served, with any query, header and cookie."""
    sample = answers.frontend
    served = (on(name, all_answered_by(APP, MANY)) for name in ADMITTED)
    judge(
        sample.history + answers.streams(*ADMITTED), every(sample.are_as_meant(is_served), *served)
    )


@requirement("RB2", source=SOURCE)
def test_other_methods_are_denied(judge: Judge, answers: Answers) -> None:
    """Any other method than GET is denied, to default/frontend too."""
    sample = answers.frontend
    # An answer to HEAD has no body to tell RBAC's 403 by.
    denied = (on(m, denied_http(FEW, or_status=(403,) if m == "HEAD" else ())) for m in METHODS)
    meant = sample.are_as_meant(lambda one: one.row["method"] != "GET")
    judge(
        sample.history + answers.streams("allowed", *METHODS),
        with_positive_control(denied=every(meant, *denied), allowed=ALLOWED),
    )


@requirement("RB3", source=SOURCE)
def test_other_paths_are_denied(judge: Judge, answers: Answers) -> None:
    """Any other path is denied, and the ways around are: dots, slashes, encodings and case."""
    sample = answers.frontend
    # A path that Envoy itself does not take is refused with 400.
    denied = (on(name, denied_http(FEW, or_status=(400,))) for name in AROUND)
    meant = sample.are_as_meant(lambda one: one.row["method"] == "GET" and not is_served(one))
    judge(
        sample.history + answers.streams("allowed", *AROUND),
        with_positive_control(denied=every(meant, *denied), allowed=ALLOWED),
    )


@requirement("RB4", source=SOURCE)
def test_another_account_is_denied(judge: Judge, answers: Answers) -> None:
    """Another account is denied whatever it asks: any, and one whose name begins alike."""
    judge(*_denied(answers, "stranger", "lookalike"))


@requirement("RB5", source=SOURCE)
def test_plain_text_is_refused(judge: Judge, answers: Answers) -> None:
    """A client without an identity of the service mesh is refused whatever it asks."""
    judge(*_denied(answers, "outsider"))


@requirement("RB6", source=SOURCE)
def test_a_namesake_is_denied(judge: Judge, answers: Answers) -> None:
    """The account named frontend of another namespace is denied whatever it asks."""
    judge(*_denied(answers, "namesake"))


@requirement("RB7", source=SOURCE)
def test_what_was_refused_never_reached_the_backend(judge: Judge, answers: Answers) -> None:
    """What was refused never reached the backend."""
    refused = ("POST", *OTHERS)
    absent = never_reached(answers.logged_nonces(), refused, ("allowed",))
    judge(
        answers.streams("allowed", *refused), with_positive_control(denied=absent, allowed=ALLOWED)
    )


@requirement("RB8", source=SOURCE)
def test_only_backend_api_is_touched(judge: Judge, answers: Answers) -> None:
    """Only app=backend-api is touched: a bystander serves everybody whatever is asked."""
    sample = answers.bystander
    touched = with_positive_control(denied=on("stranger", denied_http(MANY)), allowed=ALLOWED)
    untouched = (on(name, all_answered_by("bystander", 20)) for name in OF_BYSTANDER_TOO)
    judge(
        sample.history + answers.streams("allowed", "stranger", *OF_BYSTANDER_TOO),
        every(touched, sample.are_as_meant(), *untouched),
    )


@pytest.mark.long
@requirement("RB9", source=SOURCE)
def test_no_leak_and_no_failure_under_load(judge: Judge, api: Api, lab: Lab) -> None:
    """Under load not one request of the denied leaks, and not one of the allowed fails."""
    with lab.quiet():
        history = together(
            api.frontend.loading(api.ask("allowed"), users=10, seconds=SECONDS, least=REQUESTS),
            api.stranger.loading(api.ask("denied"), users=10, seconds=SECONDS, least=REQUESTS),
        )
    served = on("allowed", served_under_load(REQUESTS, 10, (APP,)))
    judge(history, every(served, on("denied", denied_under_load(REQUESTS, 10))))


@pytest.mark.alone
@pytest.mark.long
@requirement("RB10", source=SOURCE, needs="control-planes")
def test_denied_without_istiod(judge: Judge, api: Api) -> None:
    """With istiod down what is denied stays denied, and what is allowed is served."""
    with api.without_istiod():
        history = side_by_side(
            lambda: api.frontend.probe(api.ask("allowed", count=50), api.ask("method", "POST")),
            lambda: api.stranger.probe(api.ask("account", count=50)),
        )
    denied = (on("method", denied_http(20)), on("account", denied_http(50)))
    judge(history, with_positive_control(denied=every(*denied), allowed=ALLOWED))


@pytest.mark.long
@requirement("RB11", source=SOURCE)
def test_the_policy_takes_effect_in_time(judge: Judge, api: Api) -> None:
    """Removed, the policy denies nothing; applied again, it denies within T."""
    try:
        removed = in_time("the removal", api.expose)
        before = api.stranger.probe(api.ask("open", "POST", "/elsewhere"))
    finally:
        applied = in_time("the policy", api.protect)
    after = side_by_side(
        lambda: api.frontend.probe(api.ask("allowed")),
        lambda: api.stranger.probe(api.ask("shut", "POST", "/elsewhere")),
    )
    opened = every(known(removed), on("open", all_answered_by(APP, 20)))
    shut = with_positive_control(denied=on("shut", denied_http(20)), allowed=ALLOWED)
    judge(before + after, every(opened, known(applied), shut))
