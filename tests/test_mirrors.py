"""$MIRROR: what a person may write, what is made of it, and what is refused and how."""

from __future__ import annotations

import pytest

from clusters.errors import SettingsError
from clusters.images.mirrors import Mirrors, all_loopback, check_address, is_loopback, parse_mirrors

CACHES = "docker.io=h.site/hub,quay.io=h.site:8443/quay/"


@pytest.mark.parametrize(
    ("published", "said", "expected"),
    [
        ("quay.io/cilium/cilium:v1", "", "quay.io/cilium/cilium:v1"),
        ("quay.io/cilium/cilium:v1", "m:5000", "m:5000/cilium/cilium:v1"),
        ("docker.io/kindest/node:v1", "m.site/all/", "m.site/all/kindest/node:v1"),
        ("registry.k8s.io/pause:3", "127.0.0.1:5000", "127.0.0.1:5000/pause:3"),
        ("docker.io/kindest/node:v1", CACHES, "h.site/hub/kindest/node:v1"),
        ("quay.io/cilium/cilium:v1", CACHES, "h.site:8443/quay/cilium/cilium:v1"),
        ("registry.k8s.io/pause:3", CACHES, "registry.k8s.io/pause:3"),
    ],
)
def test_a_mirror_takes_the_registrys_place(published: str, said: str, expected: str) -> None:
    assert parse_mirrors(said).source(published) == expected


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("registry.example:5000", "registry.example:5000"),
        ("registry.example", "registry.example"),
        ("m:5000/all/ours/", "m:5000/all/ours"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("localhost", "localhost"),
    ],
)
def test_a_registrys_address_is_taken(said: str, address: str) -> None:
    assert check_address(said) == address
    assert parse_mirrors(said) == Mirrors(everything=address)


@pytest.mark.parametrize("said", ["", "https://m:5000", "mirror", "m:5000 n:5000", "/m:5000", "a:"])
def test_what_docker_would_take_for_something_else_is_refused(said: str) -> None:
    with pytest.raises(SettingsError, match=r"without https://\n.*\nlook: +MIRROR=registry"):
        check_address(said)


def test_a_prefix_for_each_registry_is_taken_and_told_as_it_was_written() -> None:
    mirrors = parse_mirrors(" docker.io=h.site/hub , quay.io=h:5000 ")
    assert mirrors.prefixes == {"docker.io": "h.site/hub", "quay.io": "h:5000"}
    assert str(mirrors) == "docker.io=h.site/hub,quay.io=h:5000"
    assert mirrors
    assert not parse_mirrors("")


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("docker.io=https://h.site/hub", "in it docker.io=https://h.site/hub"),
        ("docker.io=h.site/hub,", "in it nothing beside a comma"),
        ("docker.io=h.site/hub,m:5000", "in it m:5000"),
        ("docker.io=", "in it docker.io="),
        ("=h.site/hub", "in it =h.site/hub"),
        ("dockerhub=h.site/hub", "in it dockerhub=h.site/hub"),
        ("docker.io/library=h.site/hub", "in it docker.io/library=h.site/hub"),
        ("docker.io=h.site/a,docker.io=h.site/b", "in it docker.io twice"),
        ("m:5000,n:5000", "in it m:5000"),
    ],
)
def test_a_map_that_is_none_is_refused_by_its_part(said: str, seen: str) -> None:
    with pytest.raises(SettingsError, match="a prefix for each published registry") as caught:
        parse_mirrors(said)
    assert caught.value.seen == f"MIRROR={said}, {seen}"
    assert parse_mirrors(caught.value.look.removeprefix("MIRROR=")), (
        "what it says to write is right"
    )


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:5000", True),
        ("localhost:5000/all", True),
        ("[::1]:5000", True),
        ("localhost.example", False),
        ("10.127.0.1:5000", False),
    ],
)
def test_loopback_is_the_engines_own(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


def test_a_map_is_on_loopback_if_all_that_is_pulled_is() -> None:
    sites = parse_mirrors("docker.io=localhost:5000/hub")
    assert all_loopback(sites, ["docker.io/a/b:1"])
    assert not all_loopback(sites, ["docker.io/a/b:1", "quay.io/a/b:1"])
