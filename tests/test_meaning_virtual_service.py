"""A VirtualService's rules, each by a request or two that it takes or does not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from clusters.errors import UnreadError
from suites.mobile_routing.destinations import ITS_ADDRESS, NO_CLUSTER
from suites.mobile_routing.matches import SIDECARS, Request
from suites.mobile_routing.subject import HOST
from suites.mobile_routing.virtual_service import NO_ROUTE, read

MOBILE = [{"destination": {"host": "mobile-service", "subset": "v2"}}]
HALF = Fraction(1, 2)
WEB = [{"destination": {"host": "web-service", "subset": "v1"}}]
OWN_HOST = "{}.plumbline-mobile-routing.svc.cluster.local"


def request(host: str = HOST, **said: Any) -> Request:
    plain: dict[str, Any] = {
        "authority": host, "method": "GET", "path": "/", "parameters": {}, "headers": {},
    }  # fmt: skip
    return Request(host=host, **(plain | said))


def shares(spec: dict[str, Any], asked: Request) -> dict[str, Fraction]:
    document = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "example"},
        "spec": {"hosts": [HOST], **spec},
    }
    return dict(read(document).shares(asked))


def who(spec: dict[str, Any], asked: Request) -> str:
    """The only one who answers a request."""
    (only,) = shares(spec, asked)
    return only


def matched(match: dict[str, Any], **said: Any) -> bool:
    spec = {"http": [{"match": [match], "route": MOBILE}, {"route": WEB}]}
    return who(spec, request(**said)) == "mobile-service-v2"


@pytest.mark.parametrize(
    ("match", "yes", "no"),
    [
        ({"uri": {"exact": "/cart"}}, {"path": "/cart"}, {"path": "/cart/"}),
        ({"uri": {"prefix": "/cart"}}, {"path": "/carts"}, {"path": "/CART"}),
        ({"uri": {"regex": "/c.*t"}}, {"path": "/cart"}, {"path": "/cart/"}),
        ({"uri": {"exact": "/Cart"}, "ignoreUriCase": True}, {"path": "/cART"}, {"path": "/c"}),
        ({"uri": {"prefix": "/C"}, "ignoreUriCase": True}, {"path": "/cart"}, {"path": "/"}),
        ({"uri": {"regex": "/C"}, "ignoreUriCase": True}, {"path": "/C"}, {"path": "/c"}),
        ({"method": {"exact": "GET"}}, {}, {"method": "HEAD"}),
        ({"method": {"regex": "GET|HEAD"}}, {"method": "HEAD"}, {"method": "GETS"}),
        ({"authority": {"exact": HOST}}, {}, {"authority": f"{HOST}:80"}),
        ({"authority": {"prefix": "service."}}, {}, {"authority": HOST.upper()}),
        ({"headers": {"x-a": {"exact": "b"}}}, {"headers": {"x-a": "b"}},
         {"headers": {"x-a": "B"}}),
        ({"headers": {"X-A": {"prefix": "b"}}}, {"headers": {"x-a": "bc"}},
         {"headers": {"x-a": ""}}),
        ({"headers": {"x-a": {}}}, {"headers": {"x-a": ""}}, {}),
        ({"headers": {"x-a": {"regex": "b?"}}}, {"headers": {"x-a": ""}}, {}),
        ({"withoutHeaders": {"x-a": {}}}, {}, {"headers": {"x-a": ""}}),
        ({"withoutHeaders": {"x-a": {"exact": "b"}}}, {"headers": {"x-a": "c"}},
         {"headers": {"x-a": "b"}}),
        ({"withoutHeaders": {"x-a": {"regex": "b+"}}}, {}, {"headers": {"x-a": "bb"}}),
        ({"withoutHeaders": {"x-a": {"regex": "b*"}}}, {"headers": {"x-a": "c"}}, {}),
        ({"queryParams": {"a": {"exact": ""}}}, {"parameters": {"a": ""}},
         {"parameters": {"a": "1"}}),
        ({"queryParams": {"a": {}}}, {"parameters": {"a": "1"}}, {"parameters": {"b": "1"}}),
        ({"uri": {"prefix": "/"}, "method": {"exact": "GET"}}, {}, {"method": "PUT"}),
    ],
)  # fmt: skip
def test_a_condition(match: dict[str, Any], yes: dict[str, Any], no: dict[str, Any]) -> None:
    assert matched(match, **yes)
    assert not matched(match, **no)


@pytest.mark.parametrize(
    ("match", "applied"),
    [
        ({"port": 80}, True),
        ({"port": 8080}, False),
        ({"gateways": ["plumbline", SIDECARS]}, True),
        ({"gateways": ["plumbline"]}, False),
        ({"sourceLabels": {"sidecar.istio.io/inject": "true"}}, True),
        ({"sourceLabels": {"version": "v2"}}, False),
        ({"sourceNamespace": "default"}, True),
        ({"sourceNamespace": "plumbline-mobile-routing"}, False),
        ({"scheme": {"exact": "http"}}, True),
        ({"scheme": {"exact": "https"}}, False),
        ({"name": "all"}, True),
        ({"statPrefix": "all"}, True),
    ],
)
def test_what_chooses_clients(match: dict[str, Any], applied: bool) -> None:
    assert matched(match) is applied


def test_the_first_route_that_matches_is_taken_and_without_one_there_is_none() -> None:
    get, put = ({"method": {"exact": method}} for method in ("GET", "PUT"))
    http = [{"match": [get, put], "route": MOBILE}, {"match": [put], "route": WEB}]
    assert who({"http": http}, request(method="PUT")) == "mobile-service-v2"
    assert who({"http": http[::-1]}, request(method="PUT")) == "web-service-v1"
    assert who({"http": http}, request(method="HEAD")) == NO_ROUTE


@pytest.mark.parametrize(
    "spec",
    [
        {"hosts": ["service.example.org"]},
        {"hosts": ["*.example.org"]},
        {"hosts": []},
        {"exportTo": ["."]},
        {"exportTo": ["plumbline-mobile-routing"]},
        {"gateways": ["plumbline"]},
        {"http": [{"match": [{"port": 8080}], "route": WEB}]},
        {"http": []},
    ],
)
def test_what_does_not_apply_leaves_a_host_its_own_route(spec: dict[str, Any]) -> None:
    assert who({"http": [{"route": WEB}], **spec}, request()) == ITS_ADDRESS


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("web-service", {"web-service"}),
        (OWN_HOST.format("web-service"), {"web-service"}),
        ("*.svc.cluster.local", {"web-service", "mobile-service", "web-service-v2"}),
        ("*.example.com", {HOST}),
        ("web-service.default", set()),
    ],
)
def test_hosts_are_of_the_suites_namespace(host: str, covered: set[str]) -> None:
    spec = {"hosts": [host], "http": [{"route": MOBILE}]}
    for service in ("web-service", "mobile-service", "web-service-v2"):
        taken = shares(spec, request(OWN_HOST.format(service))) == {"mobile-service-v2": 1}
        assert taken == (service in covered)
    assert (who(spec, request()) == "mobile-service-v2") is (HOST in covered)


@pytest.mark.parametrize(
    "entry",
    [{"delegate": {"name": "x"}}, {"directResponse": {"status": 200}}, {"route": MOBILE}],
)
def test_behind_an_entry_without_a_match_none_is_taken(entry: dict[str, Any]) -> None:
    assert who({"http": [{"route": WEB}, entry]}, request()) == "web-service-v1"


def test_routes_of_tcp_are_of_no_port_of_the_hosts() -> None:
    tcp = [{"route": [{"destination": {"host": "mobile-service"}}]}]
    assert who({"http": [{"route": WEB}], "tcp": tcp}, request()) == "web-service-v1"


def test_a_match_of_one_port_leaves_the_other_to_the_next_route() -> None:
    spec = {"http": [{"match": [{"port": 80}], "route": MOBILE}, {"route": WEB}]}
    assert who(spec, request()) == "mobile-service-v2"
    assert who(spec, request(port=8080)) == "web-service-v1"
    assert who({"http": spec["http"][:1]}, request(port=8080)) == ITS_ADDRESS


@pytest.mark.parametrize(
    ("destination", "answers"),
    [("mobile-service-v2", NO_CLUSTER), (HOST, ITS_ADDRESS)],
)
def test_a_destination_without_a_port_is_asked_at_that_of_the_request(
    destination: str, answers: str
) -> None:
    """A service of one version has no port 8080, the others have (MOBILE and WEB)."""
    route = [{"destination": {"host": destination}}]
    assert who({"http": [{"route": route}]}, request(port=8080)) == answers
    assert who({"http": [{"route": WEB}]}, request(port=8080)) == "web-service-v1"


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"allowCredentials": True, "allowMethods": ["GET"]},
        {"unmatchedPreflights": "FORWARD"},
        {"allowOrigin": ["plumbline"]},
        {"allowOrigins": [{"exact": "https://example.org"}]},
    ],
)
def test_a_policy_of_an_origin_that_nobody_sends_changes_nothing(policy: dict[str, Any]) -> None:
    entry = {"route": WEB, "corsPolicy": policy}
    assert shares({"http": [entry]}, request()) == shares({"http": [{"route": WEB}]}, request())


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ({"host": "web-service"}, {"web-service-v1": HALF, "web-service-v2": HALF}),
        ({"host": OWN_HOST.format("web-service"), "subset": "v2"}, {"web-service-v2": 1}),
        ({"host": "web-service-v2", "port": {"number": 80}}, {"web-service-v2": 1}),
        ({"host": "web-service-v2", "subset": "v2"}, {NO_CLUSTER: 1}),
        ({"host": "web-service", "subset": "v3"}, {NO_CLUSTER: 1}),
        ({"host": "web-service", "port": {"number": 8080}},
         {"web-service-v1": HALF, "web-service-v2": HALF}),
        ({"host": "web-service", "port": {"number": 3000}}, {NO_CLUSTER: 1}),
        ({"host": "web-service-v2", "port": {"number": 8080}}, {NO_CLUSTER: 1}),
        ({"host": "nobody"}, {NO_CLUSTER: 1}),
        ({"host": HOST}, {ITS_ADDRESS: 1}),
    ],
)  # fmt: skip
def test_a_destination(destination: dict[str, Any], expected: dict[str, Fraction]) -> None:
    route = [{"destination": destination, "weight": 3}]
    assert shares({"http": [{"route": route}]}, request()) == expected


def test_weights_are_parts_of_their_sum() -> None:
    hosts = ("web-service", "web-service-v1", "nobody", "mobile-service")
    route = [
        {"destination": {"host": host}, "weight": weight}
        for host, weight in zip(hosts, (2, 1, 1, 0), strict=True)
    ]
    assert shares({"http": [{"route": route}]}, request()) == {
        "web-service-v1": Fraction(1, 2),
        "web-service-v2": Fraction(1, 4),
        NO_CLUSTER: Fraction(1, 4),
    }


@pytest.mark.parametrize(
    "entry",
    [
        {"redirect": {"uri": "/"}},
        {"route": []},
        {"route": WEB, "rewrite": {"uri": "/"}},
        {"route": WEB, "fault": {"abort": {"httpStatus": 503}}},
        {"route": WEB, "mirror": {"host": "web-service"}},
        {"route": WEB, "mirrors": [{"destination": {"host": "web-service"}}]},
        {"route": WEB, "corsPolicy": {"allowOrigins": [{"exact": "https://shop.example.com"}]}},
        {"route": WEB, "corsPolicy": {"allowOrigin": ["*"]}},
        {"route": WEB, "corsPolicy": {"allowOrigins": [{"prefix": "http"}]}},
        {"route": WEB, "corsPolicy": {"unmatchedPreflights": "IGNORE"}},
        {"route": WEB, "headers": {"response": {"remove": ["server"]}}},
        {"route": [{**WEB[0], "headers": {"request": {"add": {"x-a": "b"}}}}]},
        {"route": [{**WEB[0], "weight": 0}, {**MOBILE[0], "weight": 0}]},
        {"route": [{**WEB[0], "weight": "100"}]},
        {"route": [{"destination": {"host": "web-service", "port": {}}}]},
        {"route": [{"destination": {"host": "frontend.default.svc.cluster.local"}}]},
        {"route": [{"destination": {"host": "198.18.0.1"}}]},
        {"route": WEB, "timeout": "1ms"},
        {"route": WEB, "timeout": "soon"},
        {"route": WEB, "retries": {"perTryTimeout": "0.5s"}},
        {"route": WEB, "retries": {"retryOn": "200"}},
        {"route": WEB, "match": [{}]},
        {"route": WEB, "match": [{"uri": None}]},
        {"route": WEB, "match": [{"uri": "/"}]},
        {"route": WEB, "match": [{"uri": {"exact": "/", "prefix": "/"}}]},
        {"route": WEB, "match": [{"uri": {"regex": "/(?=cart)"}}]},
        {"route": WEB, "match": [{"method": {"prefix": ""}}]},
        {"route": WEB, "match": [{"headers": {"x-request-id": {}}}]},
        {"route": WEB, "match": [{"headers": {"host": {"exact": HOST}}}]},
        {"route": WEB, "match": [{"queryParams": {"nonce": {}}}]},
        {"route": WEB, "match": [{"sourceLabels": {"pod-template-hash": "5d9"}}]},
        {"route": WEB, "match": [{"gateways": [SIDECARS], "sourceNamespace": "default"}]},
    ],
)
def test_what_is_not_read(entry: dict[str, Any]) -> None:
    with pytest.raises(UnreadError) as raised:
        shares({"http": [entry]}, request())
    assert raised.value.seen.startswith("/spec/http/0")


@pytest.mark.parametrize(
    "spec",
    [
        {"hosts": ["*"]},
        {"hosts": ["Service.example.com"]},
        {"gateways": ["plumbline"], "http": [{"match": [{"gateways": [SIDECARS]}], "route": WEB}]},
        {"workloadSelector": {}},
    ],
)
def test_what_is_not_read_of_the_whole(spec: dict[str, Any]) -> None:
    with pytest.raises(UnreadError):
        shares({"http": [{"route": WEB}], **spec}, request())
