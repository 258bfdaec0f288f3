"""Mobile routing: the reference's VirtualService picks a service by the user agent."""

from __future__ import annotations

import pytest

from fixtures.checks import (
    all_answered_by,
    every,
    never_answered,
    on,
    only_answered_by,
    served_under_load,
    status_is,
    with_positive_control,
)
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import Lab
from fixtures.lab.sampling import Answered
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from fixtures.traffic.agents import user_agents
from fixtures.traffic.client import ClientPod
from suites.mobile_routing.oracle import FOR_MOBILE, FOR_WEB
from suites.mobile_routing.subject import COUNT, MOBILE, OTHER, SERVICES, URL

SOURCE = "VirtualService/advanced-routing"
IDLE = ("mobile-service-v1", "web-service-v2")
GENERATED = 120
SECONDS = 5.0
REQUESTS = 300


@requirement("MR1", source=SOURCE)
def test_mobile_agents_reach_mobile_service_v2(
    judge: Judge, answers: History, sample: Answered
) -> None:
    """A user agent with "Mobile" reaches mobile-service v2, always, whatever else is asked."""
    meant = sample.are_as_meant(lambda one: one.expectation == FOR_MOBILE)
    always = (on(a, all_answered_by("mobile-service-v2", COUNT)) for a in MOBILE)
    judge(answers + sample.history, every(meant, *always))


@requirement("MR2", source=SOURCE)
def test_other_agents_reach_web_service_v1(
    judge: Judge, answers: History, sample: Answered
) -> None:
    """Any other user agent, absent, empty, "mobile" or "MOBILE", reaches web-service v1, always."""
    meant = sample.are_as_meant(lambda one: one.expectation == FOR_WEB)
    always = (on(a, all_answered_by("web-service-v1", COUNT)) for a in OTHER)
    judge(answers + sample.history, every(meant, *always))


@requirement("MR3", source=SOURCE)
def test_other_versions_receive_nothing(judge: Judge, answers: History) -> None:
    """The other versions of both services run, and the route leads nothing to them."""
    nothing = with_positive_control(
        denied=never_answered(IDLE, minimum=COUNT), allowed=status_is(200, COUNT)
    )
    running = (on(version, all_answered_by(version, COUNT)) for version in IDLE)
    judge(answers, every(*(on(agent, nothing) for agent in (*MOBILE, *OTHER)), *running))


@requirement("MR4", source=SOURCE)
def test_other_hosts_keep_their_routes(judge: Judge, answers: History) -> None:
    """Other hosts keep their own routes: a service's own name leads to its own pods, always."""
    own = (
        on(
            f"{service} {agent}",
            every(
                status_is(200, COUNT),
                only_answered_by((f"{service}-v1", f"{service}-v2"), COUNT),
            ),
        )
        for service in SERVICES
        for agent in ("phone", "desktop")
    )
    judge(answers, every(*own))


@requirement("MR5", source=SOURCE)
def test_generated_agents_agree_with_the_expression(judge: Judge, frontend: ClientPod) -> None:
    """Any user agent agrees with the expression, each way: generated ones do, with and without."""
    agents = {f"agent-{n}": agent for n, agent in enumerate(user_agents("Mobile", GENERATED))}
    history = frontend.probe(
        *(Stream(stream=n, url=URL, headers={"User-Agent": a}) for n, a in agents.items())
    )
    checks = (
        on(n, all_answered_by("mobile-service-v2" if "Mobile" in a else "web-service-v1"))
        for n, a in agents.items()
    )
    judge(history, every(*checks))


@pytest.mark.long
@requirement("MR6", source=SOURCE)
def test_routing_holds_under_load(judge: Judge, frontend: ClientPod, lab: Lab) -> None:
    """Under load every request goes where its user agent leads."""
    phone = Stream(stream="phone", url=URL, headers={"User-Agent": MOBILE["phone"]})
    desktop = Stream(stream="desktop", url=URL, headers=OTHER["desktop"])
    with lab.quiet():
        history = frontend.load(phone, desktop, users=10, seconds=SECONDS + 1, least=REQUESTS)
    mobile = served_under_load(REQUESTS, SECONDS, ("mobile-service-v2",))
    web = served_under_load(REQUESTS, SECONDS, ("web-service-v1",))
    judge(history, every(on("phone", mobile), on("desktop", web)))
