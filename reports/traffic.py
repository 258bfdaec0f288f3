"""What the histories of a run hold, for its pictures: who called whom, when, and how it went.

Read once per page and tolerantly: a history that is missing or cut costs its picture, never
the report. It judges nothing; a request is `as asked` or not only by its entry's verdict.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

LOAD = 1_000
"""A stream of so many requests is a load: it has a curve of its own."""
MOST_BYTES = 64_000_000
"""Of one history: more is not read for a picture."""


class Request(NamedTuple):
    """One line of a history. `outcome` is a status, or the class of an error."""

    sent: float
    seconds: float
    outcome: str
    service: str


class Call(NamedTuple):
    """Who asked whom, and who answered; `backend` is empty if nobody did. `suite`: for which."""

    cluster: str
    client: str
    target: str
    backend: str
    suite: str = ""


@dataclass
class Stream:
    """The requests of one stream of one history, in the order of sending."""

    key: str
    name: str
    requests: list[Request] = field(default_factory=list)

    @property
    def label(self) -> str:
        return f"{self.key} {self.name}".strip()

    @cached_property
    def latencies_ms(self) -> list[float]:
        """Latencies of the answers in milliseconds, sorted."""
        return sorted(r.seconds * 1000 for r in self.requests if r.outcome.isdigit())

    @property
    def is_load(self) -> bool:
        return len(self.requests) >= LOAD


@dataclass
class Traffic:
    """All of it: the streams, and per call how often which outcome came, by the entry's key."""

    streams: list[Stream] = field(default_factory=list)
    calls: dict[Call, Counter[str]] = field(default_factory=dict)

    def of(self, suites: Collection[str]) -> Traffic:
        """The calls for some suites alone."""
        return Traffic(calls={c: n for c, n in self.calls.items() if c.suite in suites})

    @property
    def loads(self) -> list[Stream]:
        return [stream for stream in self.streams if stream.is_load]


def read(histories: Iterable[tuple[str, str, str]], folder: Path) -> Traffic:
    """What the histories hold, given by suite and key of their entry and path within `folder`."""
    traffic = Traffic()
    for suite, key, path in histories:
        streams: dict[str, Stream] = {}
        for line in _lines(folder, path):
            _add(traffic, streams, suite, key, line)
        for stream in streams.values():
            stream.requests.sort()
        traffic.streams += streams.values()
    return traffic


def _lines(folder: Path, path: str) -> Iterator[dict[str, Any]]:
    place = folder / path
    # A path of the results must not lead out of their folder.
    if not path or not place.resolve().is_relative_to(folder.resolve()):
        return
    try:
        if place.stat().st_size > MOST_BYTES:
            return
        with place.open(encoding="utf-8") as lines:
            for line in lines:
                value = json.loads(line)
                if isinstance(value, dict) and "sent" in value:
                    yield value
    except (OSError, ValueError):
        return


def _add(
    traffic: Traffic, streams: dict[str, Stream], suite: str, key: str, line: dict[str, Any]
) -> None:
    try:
        name, backend = str(line["stream"]), str(line.get("service", ""))
        outcome = str(line.get("status") or line.get("error") or "none")
        sent, received = float(line["sent"]), float(line["received"])
        target = urlsplit(str(line["url"])).hostname or ""
        call = Call(str(line["cluster"]), str(line["identity"]), target, backend, suite)
    except (KeyError, TypeError, ValueError):
        return
    request = Request(sent, received - sent, outcome, backend)
    streams.setdefault(name, Stream(key, name)).requests.append(request)
    traffic.calls.setdefault(call, Counter())[outcome] += 1
