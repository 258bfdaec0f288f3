"""What a backend logs of a sample is waited for only where it can be in the log."""

from __future__ import annotations

from fixtures.history import Arrived, Exchange, History
from fixtures.lab.sampling import expected


def exchange(nonce: str, service: str = "web", arrived: str | None = None) -> Exchange:
    return Exchange(
        stream=nonce, seq=0, caller="c", cluster="k", identity="i", sent=0, received=1,
        url=f"http://x/?nonce={nonce}", status=200, service=service,
        arrived=None if arrived is None else Arrived(path=arrived),
    )  # fmt: skip


def test_what_arrived_with_its_nonce_is_waited_for() -> None:
    assert expected(History([exchange("a", arrived="/?nonce=a"), exchange("b")])) == {"a", "b"}


def test_what_was_rewritten_or_answered_by_no_backend_is_not() -> None:
    rewritten = exchange("a", arrived="/elsewhere")
    assert expected(History([rewritten, exchange("b", service="")])) == frozenset()
