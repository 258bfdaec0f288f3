"""How much a load sends: what a user asks for, and the bounds of it. Pure."""

from __future__ import annotations

from clusters.errors import InputError
from fixtures.traffic.distributed import Size

PROFILES = {
    "small": Size(users=8, workers=1, seconds=15),
    "medium": Size(users=32, workers=2, seconds=30),
    "large": Size(users=128, workers=4, seconds=60),
    "open": Size(users=64, workers=2, seconds=30, rate=200),
}
MOST = Size(users=5_000, workers=64, seconds=900, rate=20_000)
"""The bounds, in each cluster of a lab."""
MOST_ADOPTED = Size(users=100, workers=8, seconds=120, rate=500)
"""The bounds in each cluster that carries somebody's work."""
WORKERS = (1, 2, 4)
"""Of the loads that are measured beside each other."""


def parse(words: str, most: Size) -> Size:
    """A profile's name, or `users,workers,seconds`, with requests a second behind it for an open
    loop.

    Raises:
        InputError: it is neither, or more than `most`.
    """
    look = f"make load LOAD={'|'.join(PROFILES)}, or LOAD=32,2,30"
    size = PROFILES.get(words)
    if size is None:
        try:
            users, workers, seconds, *rate = (float(word) for word in words.split(","))
            size = Size(int(users), int(workers), seconds, *rate)
        except (ValueError, TypeError, OverflowError):
            expected = f"LOAD=users,workers,seconds or one of {', '.join(PROFILES)}"
            raise InputError(expected, seen=words, look=look) from None
    limits = ", ".join(f"{limit:g} {name}" for name, limit in most._asdict().items())
    fits = all(value <= limit for value, limit in zip(size, most, strict=True))
    if not (fits and 1 <= size.workers <= size.users and size.seconds >= 1 and size.rate >= 0):
        expected = f"at most {limits}, and a user for each worker, for a second at least"
        raise InputError(expected, seen=words, look=look)
    return size


def to_compare(size: Size) -> list[Size]:
    """The same load by each number of workers.

    Raises:
        InputError: it has too few users.
    """
    if size.users < WORKERS[-1]:
        raise InputError(f"{WORKERS[-1]} users at the least to compare", seen=f"{size.users}")
    return [size._replace(workers=workers) for workers in WORKERS]
