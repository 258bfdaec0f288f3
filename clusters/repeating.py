"""Repeating: something that is done again and again while something else goes on.

It knows nothing of what it repeats; what that raises ends the repeating and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(act: Callable[[], object], seconds: float) -> Iterator[None]:
    """Have a thread of its own act each time so many seconds have passed, until the block ends."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            act()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
