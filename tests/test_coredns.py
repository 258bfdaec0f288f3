"""CoreDNS made fit for a lab: its Corefile, and what is applied for it."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.components import coredns
from clusters.errors import NotReadyError
from clusters.kube import Document

KUBEADMS = """\
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
}
"""


class Api:
    """One cluster's CoreDNS, kept in memory."""

    def __init__(self, corefile: str | None) -> None:
        self.cluster = type("Named", (), {"name": "aws-cluster"})()
        self.corefile = corefile
        self.applied: dict[str, tuple[Document, str]] = {}

    def get(self, *_: str) -> Document | None:
        return None if self.corefile is None else {"data": {"Corefile": self.corefile}}

    def apply(self, document: Any, namespace: str) -> None:
        self.applied[document["kind"]] = (document, namespace)

    def kubectl(self, words: str) -> str:
        return f"kubectl {words}"


def test_both_domains_are_answered_for_and_neither_is_kept_in_the_cache() -> None:
    lines = coredns.with_exported(KUBEADMS).splitlines()
    begin = lines.index("    kubernetes cluster.local clusterset.local in-addr.arpa ip6.arpa {")
    assert lines[begin + 1] == "       multicluster clusterset.local"
    assert "       disable success cluster.local clusterset.local" in lines
    assert "       disable denial cluster.local clusterset.local" in lines
    assert len(lines) == len(KUBEADMS.splitlines()) + 1


def test_what_answers_for_both_is_left_as_it_is() -> None:
    whole = coredns.with_exported(KUBEADMS)
    assert coredns.with_exported(whole) == whole


@pytest.mark.parametrize("other", ["", ".:53 {\n  forward . 1.1.1.1\n}\n"])
def test_a_corefile_without_services_is_told(other: str) -> None:
    assert not coredns.with_exported(other)
    with pytest.raises(NotReadyError, match=r"cluster\.local"):
        coredns.prepare(Api(other))  # type: ignore[arg-type]


def test_one_that_is_not_there_is_told() -> None:
    with pytest.raises(NotReadyError, match="Corefile of aws-cluster"):
        coredns.prepare(Api(None))  # type: ignore[arg-type]


def test_coredns_may_read_imports_and_is_rolled_once_for_its_corefile() -> None:
    first = Api(KUBEADMS)
    coredns.prepare(first)  # type: ignore[arg-type]
    (role, _), (binding, _) = first.applied["ClusterRole"], first.applied["ClusterRoleBinding"]
    assert role["rules"][0]["resources"] == ["serviceimports"]
    assert binding["subjects"][0]["name"] == "coredns"
    (configuration, place) = first.applied["ConfigMap"]
    assert place == "kube-system"
    again = Api(configuration["data"]["Corefile"])
    coredns.prepare(again)  # type: ignore[arg-type]
    assert again.applied == first.applied, "nothing changes, and nobody is rolled"
