"""What a VirtualService's `match` says of a request.

By Istio's reference (istio.io/latest/docs/reference/config/networking/virtual-service,
HTTPMatchRequest and StringMatch): the conditions of one match are ANDed and each holds for every
request if it is not given; `exact` and `prefix` mind the case, `regex` is RE2 and must match the
whole value; a header or a query parameter without a value to compare need only be there. Where
the page is silent, by what istiod makes of it (github.com/istio/istio,
pilot/pkg/networking/core/route/route.go) and Envoy of that (envoyproxy.io, API reference v3,
RouteMatch, HeaderMatcher, QueryParameterMatcher). Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from fixtures.manifests import SUPPORT
from fixtures.manifests.expressions import compiled
from fixtures.manifests.labels import labels, selects
from fixtures.manifests.reading import Node

CLIENT, HOME = "plumbline-frontend", "default"
PORT = 80
PORTS = (PORT, 8080)
"""Of the host and of both services; a service of one version has the first alone."""
SIDECARS = "mesh"
"""Istio's reserved name, among those of gateways, for the sidecars of the service mesh."""

OWN_FIELDS = ("uri", "scheme", "method", "authority", "host")
PROXYS = (
    "x-envoy-", "x-b3-", "b3", "x-request-id", "x-forwarded-", "traceparent", "tracestate",
    "baggage", "via",
)  # fmt: skip
FRAMING = (
    "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te",
    "transfer-encoding", "upgrade",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request as the sidecar gets it; names of headers are in lower case."""

    host: str
    authority: str
    method: str
    path: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    port: int = PORT


Condition = Callable[[Request], bool]
Text = Callable[[str], bool]


def is_applied(match: Node) -> bool:
    """Whether a match holds for the client's sidecar at all.

    `gateways`, `sourceLabels` and `sourceNamespace` choose proxies, not requests; `port`, which
    chooses the ports of a proxy, is read by `port_of`.
    """
    gateways = match.at("gateways").texts()
    chosen = selects(match.at("sourceLabels"), labels(SUPPORT / "clients.yaml", CLIENT))
    namespace = match.at("sourceNamespace").text()
    if gateways and (match.at("sourceLabels").is_there or namespace):
        match.unread("gateways without labels or a namespace of the source beside them")
    return SIDECARS in gateways if gateways else chosen and namespace in {"", HOME}


def port_of(match: Node) -> int:
    """The one port that a match is of; 0 for all."""
    return match.at("port").number()


def conditions(match: Node) -> list[Condition]:
    """What a request must be like for a match to hold.

    `name` and `statPrefix` go into logs and statistics; a match that has but these holds for every
    request (istiod's route.go, TranslateRouteMatch). One that says nothing at all is none, by the
    reference's own words, so what it means is not known.
    """
    match.check(
        {
            "uri", "ignoreUriCase", "scheme", "method", "authority", "headers", "withoutHeaders",
            "queryParams", "port", "gateways", "sourceLabels", "sourceNamespace",
        },
        inert={"name", "statPrefix"},
    )  # fmt: skip
    whole = [*_of_the_request(match), *_of_headers(match), *_of_parameters(match)]
    others = ("port", "gateways", "sourceLabels", "sourceNamespace", "name", "statPrefix")
    if not whole and not any(match.at(name).is_there for name in others):
        match.unread("a match that says something")
    return whole


def _of_the_request(match: Node) -> Iterator[Condition]:
    """Conditions of what is no header. A path ends before its query; every request's scheme is
    http, as the client speaks plain text to its sidecar."""
    ignore_case = match.at("ignoreUriCase").flag()
    if path := _text(match.at("uri"), may_be_empty=True, ignore_case=ignore_case):
        yield lambda request: path(request.path)
    if method := _text(match.at("method")):
        yield lambda request: method(request.method)
    if authority := _text(match.at("authority")):
        yield lambda request: authority(request.authority)
    if scheme := _text(match.at("scheme")):
        yield lambda _request: scheme("http")


def _of_headers(match: Node) -> Iterator[Condition]:
    """Conditions of headers that a client sends.

    In `withoutHeaders` a missing header counts as an empty one, unless its presence is asked for.
    """
    for name, node in _headers(match.at("headers")):
        yield _header(name, _text(node))
    for name, node in _headers(match.at("withoutHeaders")):
        text = _text(node)
        yield _no_header(name, text) if text else _no_such_header(name)


def _header(name: str, text: Text | None) -> Condition:
    def holds(request: Request) -> bool:
        value = request.headers.get(name)
        return value is not None and (text is None or text(value))

    return holds


def _no_header(name: str, text: Text) -> Condition:
    return lambda request: not text(request.headers.get(name, ""))


def _no_such_header(name: str) -> Condition:
    return lambda request: name not in request.headers


def _headers(node: Node) -> Iterator[tuple[str, Node]]:
    """Conditions by the header's name, which knows no case in HTTP (RFC 9110, section 5.1).

    Names that the reference ignores, and headers that proxies or the framing of a message add,
    are not read: what they hold the space of requests does not say.
    """
    for name, condition in node.entries().items():
        lower = name.lower()
        if lower in {*OWN_FIELDS, *FRAMING} or lower.startswith((*PROXYS, ":", "@")):
            condition.unread("a header that only a client sends")
        yield lower, condition


def _of_parameters(match: Node) -> Iterator[Condition]:
    """Conditions of query parameters, as they stand in the query; the first of one name counts."""
    for name, node in match.at("queryParams").entries().items():
        if name == "nonce":
            node.unread("a parameter that is not the harness's own")
        yield _parameter(name, _text(node))


def _parameter(name: str, text: Text | None) -> Condition:
    def holds(request: Request) -> bool:
        value = request.parameters.get(name)
        return value is not None and (text is None or text(value))

    return holds


def _text(node: Node, *, may_be_empty: bool = False, ignore_case: bool = False) -> Text | None:
    """A StringMatch; none if it compares nothing.

    The case is ignored for `exact` and `prefix` only, as the page says of `ignoreUriCase`. An
    empty prefix of anything but a path is refused, and an empty expression of anything.
    """
    node.check({"exact", "prefix", "regex"})
    said = node.entries()
    if len(said) > 1:
        node.unread("one of exact, prefix and regex")
    for kind, value in said.items():
        text = value.text()
        if kind == "regex":
            return _matching(text, value.path)
        if kind == "prefix" and not text and not may_be_empty:
            value.unread("a prefix")
        return _compared(kind, text, ignore_case=ignore_case)
    return None


def _compared(kind: str, text: str, *, ignore_case: bool) -> Text:
    """`exact` or `prefix`; in a path without its case, which is that of ASCII."""
    wanted = text.lower() if ignore_case else text

    def holds(value: str) -> bool:
        compared = value.lower() if ignore_case else value
        return compared == wanted if kind == "exact" else compared.startswith(wanted)

    return holds


def _matching(expression: str, path: str) -> Text:
    pattern = compiled(expression, path)
    return cache(lambda value: bool(pattern.fullmatch(value)))
