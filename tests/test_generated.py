"""Generated inputs: as many as asked for, of both kinds, and such as a header can carry."""

from __future__ import annotations

import httpx

from fixtures.traffic.agents import user_agents


def test_half_of_the_agents_contain_the_word_and_all_differ() -> None:
    agents = user_agents("Mobile", 120)
    mobile = [agent for agent in agents if "Mobile" in agent]
    assert len(set(agents)) == len(agents) > 90
    assert 45 <= len(mobile) <= 60
    assert any("mobile" in a.lower() for a in agents if a not in mobile), "near misses"


def test_a_header_carries_them_unchanged() -> None:
    for agent in user_agents("Mobile", 60):
        assert agent
        assert agent == agent.strip()
        sent = httpx.Headers([(b"user-agent", agent.encode())]).raw[0][1]
        assert sent.decode() == agent
