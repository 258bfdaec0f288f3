"""Mobile routing: the reference's VirtualService picks a service by the user agent."""

from __future__ import annotations

import pytest

from fixtures.checks import all_answered_by, every, never_answered, on
from fixtures.history import History
from fixtures.judge import Judge
from fixtures.requirements import requirement
from suites.mobile_routing.conftest import COUNT, MOBILE, OTHER

SOURCE = "VirtualService/advanced-routing"
IDLE = ("mobile-service-v1", "web-service-v2")

pytestmark = pytest.mark.feature("istio")


@requirement("MR1", source=SOURCE)
def test_mobile_agents_reach_mobile_service_v2(judge: Judge, asked: History) -> None:
    """A user agent with "Mobile" reaches mobile-service v2, always."""
    judge(asked, every(*(on(a, all_answered_by("mobile-service-v2", COUNT)) for a in MOBILE)))


@requirement("MR2", source=SOURCE)
def test_other_agents_reach_web_service_v1(judge: Judge, asked: History) -> None:
    """Any other user agent, absent, empty, "mobile" or "MOBILE", reaches web-service v1, always."""
    judge(asked, every(*(on(a, all_answered_by("web-service-v1", COUNT)) for a in OTHER)))


@requirement("MR3", source=SOURCE)
def test_other_versions_receive_nothing(judge: Judge, asked: History) -> None:
    """The other versions of both services run, and the route leads nothing to them."""
    nothing = (on(agent, never_answered(IDLE, minimum=COUNT)) for agent in (*MOBILE, *OTHER))
    running = (on(version, all_answered_by(version, COUNT)) for version in IDLE)
    judge(asked, every(*nothing, *running))
