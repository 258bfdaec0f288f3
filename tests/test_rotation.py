"""Rotation: whether istiod tells every namespace of the roots that it was given."""

from __future__ import annotations

from typing import cast

import pytest

from clusters.components.authority import Authority, new_root
from clusters.kube import Document, Kube
from fixtures.lab import rotation
from fixtures.lab.trust import ROOT

OWN, OTHER = (new_root(name) for name in ("own", "other"))


class Told:
    """An API server that has these roots in the ConfigMap of each namespace."""

    def __init__(self, **roots: tuple[Authority, ...]) -> None:
        self.roots = roots

    def list(self, version: str, kind: str) -> list[Document]:
        assert (version, kind) == ("v1", "ConfigMap")
        pems = {n: "".join(root.certificate for root in each) for n, each in self.roots.items()}
        maps = [_config_map(ROOT, name, pem) for name, pem in pems.items()]
        return [*maps, _config_map("another", "default", OTHER.certificate)]


def _config_map(name: str, namespace: str, pem: str) -> Document:
    metadata = {"name": name, "namespace": namespace}
    return {"metadata": metadata, "data": {"root-cert.pem": pem}}


@pytest.mark.parametrize(
    ("told", "pending"),
    [
        (Told(), "it tells of none"),
        (Told(default=(OWN,), **{"istio-system": (OWN,)}), ""),
        (Told(default=(OWN, OTHER), **{"istio-system": (OWN,)}), "it tells other roots in default"),
        (Told(b=(OTHER,), a=()), "it tells other roots in a, b"),
    ],
)
def test_who_is_told_of_other_roots_is_named(told: Told, pending: str) -> None:
    wanted = rotation._roots(OWN.certificate)
    assert rotation._untold(cast("Kube", told), wanted) == pending


def test_the_order_of_roots_says_nothing() -> None:
    wanted = rotation._roots(OWN.certificate + OTHER.certificate)
    assert rotation._untold(cast("Kube", Told(a=(OTHER, OWN))), wanted) == ""
