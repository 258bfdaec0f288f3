"""The lab's range: kept while it is there, the user's if they named one, else the first free."""

from __future__ import annotations

import json
from collections import namedtuple
from ipaddress import IPv4Network
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters import address_range, engine
from clusters.address_range import CANDIDATES, VARIABLE, Holder, choice_for, choose, holders, of_lab
from clusters.errors import CommandError, PlanError
from clusters.plan import DEFAULT, Range
from tests.engines import TableEngine, Thing

Address = namedtuple("Address", "address netmask")
OTHER = Range.parse("10.40.0.0/15")
FAKE = Holder("fake0", IPv4Network("198.18.0.0/16"))
NETWORKS = st.builds(
    lambda number, prefix: IPv4Network((number >> (32 - prefix) << (32 - prefix), prefix)),
    st.integers(0, 2**32 - 1),
    st.integers(8, 32),
)


def network(subnet: str, **more: object) -> Thing:
    return {"Id": "0123456789abcdef", "IPAM": {"Config": [{"Subnet": subnet}]}, **more}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with nothing but loopback."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"lo": [Address("127.0.0.1", "255.0.0.0")]})
    monkeypatch.setattr(address_range, "run", lambda _: "[]")


def test_the_usual_range_is_taken_where_nobody_holds_it() -> None:
    assert choice_for(TableEngine()) == address_range.Choice(DEFAULT)
    assert choice_for(None) == address_range.Choice(DEFAULT)


def test_a_range_in_use_is_passed_over_and_its_holder_named() -> None:
    choice = choose(None, None, [FAKE])
    assert choice.range == CANDIDATES[1]
    assert choice.passed == (FAKE,)
    assert str(FAKE) == "fake0 (198.18.0.0/16)"


@given(st.lists(NETWORKS.map(lambda each: Holder("any", each)), max_size=6))
def test_what_is_chosen_is_free_and_always_the_same(held: list[Holder]) -> None:
    try:
        choice = choose(None, None, held)
    except PlanError:
        for candidate in CANDIDATES:
            assert any(each.network.overlaps(candidate.whole) for each in held)
        return
    assert not any(each.network.overlaps(choice.range.whole) for each in held)
    assert choose(None, None, reversed(held)).range == choice.range
    assert bool(choice.passed) == (choice.range != DEFAULT)


def test_candidates_are_apart() -> None:
    whole = [each.whole for each in CANDIDATES]
    assert not any(a.overlaps(b) for a in whole for b in whole if a != b)
    assert all(each.is_private or each.subnet_of(IPv4Network("100.64.0.0/10")) for each in whole)


def test_nothing_free_names_who_holds_what() -> None:
    with pytest.raises(PlanError) as caught:
        choose(None, None, [Holder("vpn", each.whole) for each in CANDIDATES])
    assert all(f"{each}: vpn ({each})" in caught.value.seen for each in CANDIDATES)
    assert VARIABLE in caught.value.look


def test_the_users_range_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(OTHER))
    assert choice_for(TableEngine()).range == choice_for(None).range == OTHER


def test_the_users_range_in_use_is_refused_and_not_replaced() -> None:
    with pytest.raises(PlanError, match="for the lab alone") as caught:
        choose(OTHER, None, [Holder("tun0", IPv4Network("10.41.3.0/24"))])
    assert caught.value.seen == "in use by tun0 (10.41.3.0/24)"
    assert VARIABLE in caught.value.look


def test_a_lab_keeps_the_range_that_it_has() -> None:
    """Also when the usual one is free again."""
    engine_ = TableEngine(things={("network", engine.NETWORK): network("10.198.0.0/24")})
    assert of_lab(engine_) == CANDIDATES[1]
    assert choice_for(engine_) == address_range.Choice(CANDIDATES[1])
    assert of_lab(TableEngine()) is None


def test_a_lab_cannot_be_moved_while_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    engine_ = TableEngine(things={("network", engine.NETWORK): network("198.18.0.0/24")})
    monkeypatch.setenv(VARIABLE, str(OTHER))
    with pytest.raises(PlanError) as caught:
        choice_for(engine_)
    assert caught.value.seen == f"{VARIABLE}={OTHER}"
    assert caught.value.look.startswith("make down")
    monkeypatch.setenv(VARIABLE, str(DEFAULT))
    assert choice_for(engine_).range == DEFAULT


def test_a_vpn_that_came_after_the_lab_is_told() -> None:
    with pytest.raises(PlanError, match=str(DEFAULT)) as caught:
        choose(None, DEFAULT, [FAKE])
    assert "fake0" in caught.value.seen
    assert caught.value.look.startswith("make down")


def test_interfaces_routes_and_dockers_networks_hold_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = {
        "fake0": [Address("198.18.0.1", "255.255.0.0"), Address("fe80::1%fake0", "ffff::")]
    }
    routes = [
        {"dst": "default", "dev": "eth0"},
        {"dst": "128.0.0.0/1", "dev": "tun0"},  # a VPN's default route
        {"dst": "198.19.0.0/16", "dev": "tun0", "table": "52"},
        {"type": "broadcast", "dst": "198.19.255.255", "dev": "tun0", "table": "local"},
        {"type": "local", "dst": "198.19.0.9", "dev": "tun0", "table": "local"},  # of the above
        {"type": "local", "dst": "198.19.0.9", "dev": "tun1", "table": "local"},
        {"type": "blackhole", "dst": "10.199.0.0/24"},
    ]
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    monkeypatch.setattr(address_range, "run", lambda _: json.dumps(routes))
    engine_ = TableEngine(
        things={("network", "site"): network("172.30.7.0/24"), ("network", "host"): {"IPAM": {}}},
        says={"network ls": "host\nsite\n"},
    )
    assert set(map(str, holders(engine_))) == {
        "fake0 (198.18.0.0/16)",
        "tun0 (198.19.0.0/16)",
        "tun1 (198.19.0.9/32)",
        "blackhole (10.199.0.0/24)",
        "Docker network site (172.30.7.0/24)",
    }
    assert choice_for(engine_).range == CANDIDATES[3]


def test_the_labs_own_bridge_is_not_in_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = "br-0123456789ab"
    own = {("network", engine.NETWORK): network("198.18.0.0/24")}
    addresses = {bridge: [Address("198.18.0.1", "255.255.255.0")]}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    route = {"dst": "198.18.0.0/24", "dev": bridge}
    monkeypatch.setattr(address_range, "run", lambda _: json.dumps([route]))
    engine_ = TableEngine(things=own, says={"network ls": f"bridge\n{engine.NETWORK}\n"})
    assert holders(engine_) == ()
    assert choice_for(engine_).range == DEFAULT


def test_a_private_engine_does_not_mind_the_machines_networks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = {"fake0": [Address("198.18.0.1", "255.255.0.0")]}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    assert choice_for(TableEngine(namespace=Path("/run/netns/x"))).range == DEFAULT
    assert choice_for(TableEngine()).range == CANDIDATES[1]


def test_without_a_program_for_routes_the_interfaces_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(_: object) -> str:
        raise CommandError("the program ip", seen="No such file or directory: ip")

    addresses = {"fake0": [Address("198.18.0.1", "255.255.0.0")]}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    monkeypatch.setattr(address_range, "run", missing)
    assert list(map(str, holders(TableEngine()))) == ["fake0 (198.18.0.0/16)"]
