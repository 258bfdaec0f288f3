"""RBAC denial: the reference's AuthorizationPolicy admits one principal, method and path."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fixtures.checks import (
    Check,
    all_answered_by,
    denied_http,
    denied_under_load,
    every,
    known,
    never_reached,
    nonces,
    on,
    served_under_load,
    with_positive_control,
)
from fixtures.lab import Lab
from fixtures.lab.convergence import in_time
from fixtures.lab.sampling import Answered
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from fixtures.traffic.client import side_by_side, together
from suites.rbac_denial.oracle import is_served
from suites.rbac_denial.subject import API, Api

SOURCE = "AuthorizationPolicy/service-auth"
METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
AROUND = {
    "other-version": "/api/v2/items",
    "root": "/",
    "no-slash": "/api/v1",
    "longer-name": "/api/v1items",
    "upper": "/API/V1/items",
    "dots": "/api/v1/../v2/items",
    "encoded-dots": "/api/v1/%2e%2e/v2/items",
    "double-slash": "/api//v1/items",
    "leading-slashes": "//api/v1/items",
    "encoded-slash": "/api%2Fv1/items",
    "encoded-last-slash": "/api/v1%2fitems",
}
FEW = 5
"""Requests that show what is decided, beside a sample that asks it in many ways."""
SECONDS = 11.0
REQUESTS = 2000
ALLOWED = on("allowed", all_answered_by("backend-api"))


def _denied_too(sample: Answered) -> Check:
    """A client is denied its sample, and 50 times what frontend is served beside it."""
    denied = every(sample.are_as_meant(), on("denied", denied_http(50)))
    return with_positive_control(denied=denied, allowed=ALLOWED)


@requirement("RB1", source=SOURCE)
def test_frontend_may_get_the_api(judge: Judge, api: Api, sample: Answered) -> None:
    """GET of /api/v1/* as default/frontend is served, with any query, header and cookie."""
    paths = {"item": API, "deep": "/api/v1/a/b/c", "empty": "/api/v1/"}
    history = api.frontend.probe(*(api.ask(n, target=p, count=50) for n, p in paths.items()))
    served = (on(name, all_answered_by("backend-api", 50)) for name in paths)
    judge(history + sample.history, every(sample.are_as_meant(is_served), *served))


@requirement("RB2", source=SOURCE)
def test_other_methods_are_denied(judge: Judge, api: Api, sample: Answered) -> None:
    """Any other method than GET is denied, to default/frontend too."""
    history = api.frontend.probe(
        api.ask("allowed"), *(api.ask(m, method=m, count=FEW) for m in METHODS)
    )
    # An answer to HEAD has no body to tell RBAC's 403 by.
    denied = (on(m, denied_http(FEW, or_status=(403,) if m == "HEAD" else ())) for m in METHODS)
    meant = sample.are_as_meant(lambda one: one.row["method"] != "GET")
    judge(
        history + sample.history,
        with_positive_control(denied=every(meant, *denied), allowed=ALLOWED),
    )


@requirement("RB3", source=SOURCE)
def test_other_paths_are_denied(judge: Judge, api: Api, sample: Answered) -> None:
    """Any other path is denied, and the ways around are: dots, slashes, encodings and case."""
    around = (api.ask(name, target=path, count=FEW) for name, path in AROUND.items())
    history = api.frontend.probe(api.ask("allowed"), *around)
    # A path that Envoy itself does not take is refused with 400.
    denied = (on(name, denied_http(FEW, or_status=(400,))) for name in AROUND)
    meant = sample.are_as_meant(lambda one: one.row["method"] == "GET" and not is_served(one))
    judge(
        history + sample.history,
        with_positive_control(denied=every(meant, *denied), allowed=ALLOWED),
    )


@requirement("RB4", source=SOURCE)
def test_another_account_is_denied(judge: Judge, api: Api, others: Mapping[str, Answered]) -> None:
    """Another account is denied whatever it asks: any, and one whose name begins alike."""
    history = side_by_side(
        lambda: api.frontend.probe(api.ask("allowed")),
        lambda: api.stranger.probe(api.ask("stranger", count=50)),
        lambda: api.lookalike.probe(api.ask("lookalike", count=50)),
    )
    sample = others["stranger"] + others["lookalike"]
    denied = (on(name, denied_http(50)) for name in ("stranger", "lookalike"))
    judge(
        history + sample.history,
        with_positive_control(denied=every(sample.are_as_meant(), *denied), allowed=ALLOWED),
    )


@requirement("RB5", source=SOURCE)
def test_plain_text_is_refused(judge: Judge, api: Api, others: Mapping[str, Answered]) -> None:
    """A client without an identity of the service mesh is refused whatever it asks."""
    history = side_by_side(
        lambda: api.frontend.probe(api.ask("allowed")),
        lambda: api.outsider.probe(api.ask("denied", count=50)),
    )
    judge(history + others["outsider"].history, _denied_too(others["outsider"]))


@requirement("RB6", source=SOURCE)
def test_a_namesake_is_denied(judge: Judge, api: Api, others: Mapping[str, Answered]) -> None:
    """The account named frontend of another namespace is denied whatever it asks."""
    history = side_by_side(
        lambda: api.frontend.probe(api.ask("allowed")),
        lambda: api.namesake.probe(api.ask("denied", count=50)),
    )
    judge(history + others["namesake"].history, _denied_too(others["namesake"]))


@requirement("RB7", source=SOURCE)
def test_what_was_refused_never_reached_the_backend(judge: Judge, api: Api) -> None:
    """What was refused never reached the backend."""
    history = side_by_side(
        lambda: api.frontend.probe(api.ask("allowed"), api.ask("method", method="POST")),
        lambda: api.stranger.probe(api.ask("account")),
        lambda: api.outsider.probe(api.ask("outside")),
    )
    served = history.where(lambda e: e.stream == "allowed" and e.status == 200)
    expected = (nonce for exchange in served for nonce in nonces(exchange.url))
    logged = api.logged_nonces(expected)
    judge(history, never_reached(logged, ("method", "account", "outside"), ("allowed",)))


@requirement("RB8", source=SOURCE)
def test_only_backend_api_is_touched(judge: Judge, api: Api, bystander: Answered) -> None:
    """Only app=backend-api is touched: a bystander serves everybody whatever is asked."""
    history = side_by_side(
        lambda: api.stranger.probe(api.ask("denied")),
        lambda: api.frontend.probe(api.ask("allowed")),
    )
    history += api.stranger.probe(
        api.ask_bystander("get", "GET", API),
        api.ask_bystander("post", "POST", "/elsewhere"),
    )
    touched = with_positive_control(denied=on("denied", denied_http(20)), allowed=ALLOWED)
    untouched = (on(name, all_answered_by("bystander", 20)) for name in ("get", "post"))
    judge(history + bystander.history, every(touched, bystander.are_as_meant(), *untouched))


@pytest.mark.long
@requirement("RB9", source=SOURCE)
def test_no_leak_and_no_failure_under_load(judge: Judge, api: Api, lab: Lab) -> None:
    """Under load not one request of the denied leaks, and not one of the allowed fails."""
    with lab.quiet():
        history = together(
            api.frontend.loading(api.ask("allowed"), users=10, seconds=SECONDS, least=REQUESTS),
            api.stranger.loading(api.ask("denied"), users=10, seconds=SECONDS, least=REQUESTS),
        )
    served = on("allowed", served_under_load(REQUESTS, 10, ("backend-api",)))
    judge(history, every(served, on("denied", denied_under_load(REQUESTS, 10))))


@pytest.mark.alone
@pytest.mark.long
@requirement("RB10", source=SOURCE)
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
    opened = every(known(removed), on("open", all_answered_by("backend-api", 20)))
    shut = with_positive_control(denied=on("shut", denied_http(20)), allowed=ALLOWED)
    judge(before + after, every(opened, known(applied), shut))
