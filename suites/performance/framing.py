"""Requests that can be framed in two ways, and what a Gateway must make of them.

Sources: RFC 9112, sections 2.2, 5, 6 and 11.2 (request smuggling). Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from fixtures.history.verdict import Verdict, failed, inconclusive, passed
from fixtures.traffic.raw import Reply

CLEAN = "clean"
POST, GET = "POST {path} HTTP/1.1\r\nHost: {host}\r\n", "GET {path} HTTP/1.1\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
HIDDEN = "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"
"""A request in the body of another, for who takes that one to end early."""
AMBIGUOUS: Mapping[str, str] = {
    "length and chunks": f"{POST}Content-Length: 4\r\n{CHUNKED}\r\n0\r\n\r\n{HIDDEN}",
    "two lengths": f"{POST}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "unknown encoding": f"{POST}Transfer-Encoding: bundled\r\n\r\n0\r\n\r\n",
    "space before a colon": f"{POST}Content-Length : 4\r\n\r\nabcd",
    "zero byte": f"{POST}X-Zero: a\0b\r\nContent-Length: 0\r\n\r\n",
    "negative chunk": f"{POST}{CHUNKED}\r\n-1\r\n\r\n",
    "chunks of HTTP/1.0": f"POST {{path}} HTTP/1.0\r\nHost: {{host}}\r\n{CHUNKED}\r\n0\r\n\r\n",
}
"""Requests by what is wrong with them; with places for a path and a host."""
CLOSE = "Host: {host}\r\nConnection: close\r\n"
TWO_HOSTS = "two Host fields"
UNROUTABLE: Mapping[str, str] = {
    TWO_HOSTS: f"{GET}{CLOSE}Host: other.example\r\n\r\n",
}
"""Requests that may be for two hosts."""
TOLERATED: Mapping[str, str] = {
    CLEAN: f"{GET}{CLOSE}\r\n",
    "bare line feeds": f"{GET}{CLOSE}\r\n".replace("\r\n", "\n"),
    "folded field": f"{GET}X-Folded: one\r\n two\r\n{CLOSE}\r\n",
    "absolute form": f"GET http://{{host}}{{path}} HTTP/1.1\r\n{CLOSE}\r\n",
}
BAD_REQUEST = 400
REFUSALS = (BAD_REQUEST, 426, 501)
"""Not understood, not in this version of the protocol, and not in this encoding."""
SERVED = 200


def framed_once(replies: Mapping[str, Reply], arrivals: Mapping[str, int]) -> Verdict:
    """What is ambiguous is refused and never arrives; what is tolerated arrives as one request.

    Args:
        replies: by the names of requests above.
        arrivals: how often each came to the backend, with what is hidden in its body.
    """
    if not _is_clean_served(replies, arrivals):
        return failed(f"a clean request was not served: {_told(replies[CLEAN])}")
    through = [name for name in AMBIGUOUS if arrivals[name] or replies[name].status == SERVED]
    if through:
        return failed(f"let through: {', '.join(through)}: {_told(replies[through[0]])}")
    odd = [name for name in AMBIGUOUS if replies[name].status not in REFUSALS]
    if odd:
        return inconclusive(f"neither refused nor let through: {odd[0]}: {_told(replies[odd[0]])}")
    wrong = [name for name in TOLERATED if not _is_one(replies[name].status, arrivals[name])]
    if wrong:
        first = wrong[0]
        return failed(f"{first} came {arrivals[first]} times: {_told(replies[first])}")
    statuses = ", ".join(f"{name} {reply.status}" for name, reply in replies.items())
    return passed(f"each was framed in one way: {statuses}")


def refused(name: str, replies: Mapping[str, Reply], arrivals: Mapping[str, int]) -> Verdict:
    """A request is refused with 400 and never arrives, while a clean one is served.

    Source: RFC 9112, section 3.2, of a request with several Host fields.
    """
    if not _is_clean_served(replies, arrivals):
        return failed(f"a clean request was not served: {_told(replies[CLEAN])}")
    reply = replies[name]
    if arrivals[name] or reply.status == SERVED:
        return failed(f"{name}: let through, {arrivals[name]} arrived: {_told(reply)}")
    if reply.status != BAD_REQUEST:
        return inconclusive(f"{name}: neither refused nor let through: {_told(reply)}")
    return passed(f"{name}: refused with {reply.status}")


def _is_clean_served(replies: Mapping[str, Reply], arrivals: Mapping[str, int]) -> bool:
    """The control: a clean request was served and arrived once."""
    return replies[CLEAN].status == SERVED and arrivals[CLEAN] == 1


def _is_one(status: int, arrivals: int) -> bool:
    """Whether a request was served and arrived once, or refused and did not arrive."""
    return (status == SERVED and arrivals == 1) or (status in REFUSALS and not arrivals)


def by_request(numbers: Mapping[str, str], arrived: Iterable[str]) -> dict[str, int]:
    """How often each request arrived, by its nonce."""
    times = Counter(arrived)
    return {name: times[nonce] for name, nonce in numbers.items()}


def _told(reply: Reply) -> str:
    return reply.error or repr(reply.answer[:60]) or "no answer"
