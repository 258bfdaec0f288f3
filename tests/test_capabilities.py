"""What a lab offers, and what it does not and why: nothing is both; the proxy decides of one."""

from __future__ import annotations

import pytest

from clusters import capabilities


@pytest.mark.parametrize("nodes", [1, 3])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(
    ("version", "quick"), [("1.30.4", False), ("1.31.0", True), ("2.0.1", True)]
)
def test_a_feature_is_offered_or_explained(
    nodes: int, plain: bool, version: str, quick: bool
) -> None:
    offered = capabilities.features(nodes, plain_envoy=plain, istio_version=version)
    lacking = capabilities.not_offered(nodes, plain_envoy=plain, istio_version=version)
    assert not offered & lacking.keys()
    assert all(lacking.values())
    assert ("istio-filters" in offered) is not plain
    assert ("istio-filters" in lacking) is plain
    assert ("http3" in offered) is quick
    assert ("http3" in lacking) is not quick
    assert ("several-nodes" in offered) is (nodes > 1)
    assert ("several-nodes" in lacking) is (nodes == 1)
