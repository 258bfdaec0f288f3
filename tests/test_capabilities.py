"""What a lab offers, and what it does not and why: nothing is both; the proxy decides of one."""

from __future__ import annotations

import pytest

from clusters import capabilities


@pytest.mark.parametrize("plain", [True, False])
def test_a_feature_is_offered_or_explained(plain: bool) -> None:
    offered = capabilities.features(plain_envoy=plain)
    lacking = capabilities.not_offered(plain_envoy=plain)
    assert not offered & lacking.keys()
    assert all(lacking.values())
    assert ("istio-filters" in offered) is not plain
    assert ("istio-filters" in lacking) is plain
