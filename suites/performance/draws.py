"""What is drawn of requests that proxies have to tell from each other: methods and paths. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
WORDS = ("items", "a", "v2", "search.json", "closed", "open-too", "~user")
OPEN, CLOSED = "/open/", "/closed/"
"""What anybody may ask for, and what is denied, each with all that is below it."""
KINDS, EACH = 4, 5
"""Kinds of requests that are drawn at a time, and how many of each are sent."""


def kinds(draw: random.Random, begin: str) -> Iterator[tuple[str, str]]:
    """A method and a path of each kind; the request's number ends the path."""
    for _ in range(KINDS):
        first, second = draw.sample(WORDS, 2)
        yield draw.choice(METHODS), f"{begin}{first}/{second}/{{seq}}"
