"""What a reason says, taken apart: stream by stream what was expected and seen, and the first.

Reasons are sentences of the checks, and free in form. This is tolerant: what it does not
recognise stays a sentence, and the whole reason is always told too. It judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

_CONTROL = re.compile(r"the allowed \S+ was not served, so a denial proves nothing: ")
_COMPLETE = re.compile(r"\d+ requests are complete|and \d+ more like these")
_NOT = re.compile(r"(?P<k>\d+) of (?P<n>\d+) were not (?P<what>.+)")
_SOME = re.compile(r"(?P<k>\d+) of (?P<n>\d+) (?P<what>.+)")
_ALL = re.compile(r"all (?P<n>\d+) were (?P<what>.+)")
_SHARE = re.compile(
    r"(?P<who>.+) answered (?P<k>\d+) of (?P<n>\d+) "
    r"\((?P<seen>[\d.]+%), declared (?P<declared>[\d.]+%)\)(?:: (?P<decision>.+))?"
)
_FIRST = "the first: "
_TRIPLE = re.compile(
    r"expected: (?P<expected>.*?)\nseen: +(?P<seen>.*?)(?:\nlook: +(?P<look>.*))?", re.DOTALL
)
_REQUEST = re.compile(r"(?P<asked>.+ as .+), (?P<stream>.+) (?P<seq>\d+): (?P<got>[^:]+)")


class Part(NamedTuple):
    """What one stream was to do and did. `first` is the first request that did otherwise."""

    stream: str
    expected: str
    seen: str
    n: str = ""
    first: str = ""


class Triple(NamedTuple):
    """An error of the harness in its own words."""

    expected: str
    seen: str
    look: str


def triple(reason: str) -> Triple | None:
    """What was expected, seen and is to be looked at, if that is what the reason is."""
    match = _TRIPLE.fullmatch(reason.strip())
    return Triple(*(match[name] or "" for name in Triple._fields)) if match else None


def parts(reason: str, streams: Collection[str]) -> list[Part]:
    """The reason stream by stream; `streams` are the names that may stand before a colon."""
    taken: list[Part] = []
    stream = ""
    for piece in reason.split("; "):
        name, clause = _split_stream(_CONTROL.sub("", piece, count=1), streams)
        stream = name or stream
        if clause.startswith(_FIRST) and taken:
            taken[-1] = taken[-1]._replace(first=clause.removeprefix(_FIRST))
        elif not _COMPLETE.fullmatch(clause):
            taken.append(_part(stream, clause))
    return taken


def request(first: str) -> tuple[str, str]:
    """`GET http://… as frontend` and what it got; the text as it is if it is something else."""
    match = _REQUEST.fullmatch(first)
    return (match["asked"], match["got"]) if match else (first, "")


def pattern_of(reason: str, variants: Iterable[str]) -> str:
    """The reason without what differs between clusters and runs: their names, URLs, figures."""
    reason = re.sub(rf"{_FIRST}\S+ \S+", _FIRST, reason)
    for variant in filter(None, variants):
        reason = reason.replace(variant, "*")
    return re.sub(r"\d+(?:[.:/]\d+)*%?", "#", reason)


def _split_stream(clause: str, streams: Collection[str]) -> tuple[str, str]:
    heads = (name for name in streams if name and clause.startswith(f"{name}: "))
    name = max(heads, key=len, default="")
    return name, clause[len(name) + 2 :] if name else clause


def _part(stream: str, clause: str) -> Part:
    if match := _SHARE.fullmatch(clause):
        decision = f", {match['decision'].replace('_', ' ')}" if match["decision"] else ""
        who = f"{stream} {match['who']}".strip()
        result = f"{match['k']}: {match['seen']}{decision}"
        return Part(who, f"{match['declared']} of answers", result, match["n"])
    if match := _ALL.fullmatch(clause):
        return Part(stream, match["what"], "all were", match["n"])
    if match := _NOT.fullmatch(clause):
        return Part(stream, match["what"], f"{match['k']} were not", match["n"])
    if match := _SOME.fullmatch(clause):
        return Part(stream, "", f"{match['k']} {match['what']}", match["n"])
    return Part(stream, "", clause)


def clients(listed: Iterable[Part]) -> Iterator[str]:
    """Who sent the first requests that went wrong."""
    for part in listed:
        text, _ = request(part.first)
        _, separator, who = text.partition(" as ")
        if separator:
            yield who
