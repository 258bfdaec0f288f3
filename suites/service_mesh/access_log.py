"""What must be true of proxies' access logs: one line for each request, that says what happened.

Source: Istio, "Envoy Access Logs", default format; Envoy, "Access logging", response flags. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fixtures.checks import Check, nonces
from fixtures.checks.guard import guarded
from fixtures.history import Exchange, History
from fixtures.history.verdict import Verdict, failed, passed

_LINE = re.compile(
    r'^\[[^]]+\] "\S+ (?P<path>\S+) [^"]*" (?P<status>\d+) (?P<flags>\S+) .*?'
    r'"(?P<request>[0-9a-f]{8}-[0-9a-f-]{27})" "'
)


@dataclass(frozen=True)
class Line:
    """What one proxy wrote of one request.

    Attributes:
        flags: why it ended as it did, such as UT; "-" for nothing to tell.
        request: its x-request-id.
    """

    status: int
    flags: str
    request: str


Lines = Mapping[str, Sequence[Line]]
"""By nonce."""


@dataclass(frozen=True)
class Told:
    """What the proxies of a client and of the backends wrote."""

    by_client: Lines
    by_backend: Lines


@dataclass(frozen=True)
class Expected:
    """What a client's proxy says of each request of a stream, and whether a backend's does."""

    flags: str = "-"
    arrives: bool = True


def parse(log: str) -> dict[str, list[Line]]:
    """The lines of requests with a nonce, by it, out of a proxy's log."""
    lines: dict[str, list[Line]] = {}
    for nonce, line in _parsed(log.splitlines()):
        lines.setdefault(nonce, []).append(line)
    return lines


def _parsed(log: Iterable[str]) -> Iterator[tuple[str, Line]]:
    for text in log:
        if match := _LINE.match(text):
            for nonce in nonces(match["path"]):
                yield nonce, Line(int(match["status"]), match["flags"], match["request"])


def tells(told: Told, expected: Expected) -> Check:
    """Each request has one line in its client's proxy, with the status that the client saw and why;
    and one of the same request id in a backend's, or none where it never got there."""
    return tells_each(told, lambda _: expected)


def tells_each(told: Told, expected: Callable[[Exchange], Expected]) -> Check:
    """Likewise, where it depends on what the client saw what the proxies say of a request."""

    def judge(history: History) -> Verdict:
        problems = [problem for e in history for problem in _problems(e, told, expected(e))]
        if problems:
            return failed(f"{len(problems)} of {len(history)}: {problems[0]}")
        return passed(f"all {len(history)} are told as they were")

    return guarded(judge)


def _problems(exchange: Exchange, told: Told, expected: Expected) -> Iterator[str]:
    """The first of what is wrong with the lines of a request; nothing if they are right."""
    nonce = next(iter(nonces(exchange.url)), "")
    near, far = told.by_client.get(nonce, ()), told.by_backend.get(nonce, ())
    if len(near) != 1:
        yield f"{len(near)} lines at the client"
    elif len(far) != int(expected.arrives):
        yield f"{len(far)} lines at backends"
    elif near[0].status != exchange.status or near[0].flags != expected.flags:
        yield f"{near[0].status} {near[0].flags}, not {exchange.status} {expected.flags}"
    elif far and far[0].request != near[0].request:
        yield f"request {near[0].request} is {far[0].request} at the backend"
