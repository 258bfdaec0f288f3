"""The window of a watch, as a command takes it."""

from __future__ import annotations

import argparse

import pytest

from reports.upgrade_schema import WINDOW
from suites.__main__ import LONGEST_WINDOW, parser, window


def test_a_window_is_told_in_milliseconds() -> None:
    assert window("50") == pytest.approx(0.050)
    assert window(f"{WINDOW * 1000:g}") == pytest.approx(WINDOW)


@pytest.mark.parametrize("text", ["9", f"{LONGEST_WINDOW * 1000 + 1:g}", "-50", "soon", "nan", ""])
def test_a_window_that_promises_too_much_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="10 to 1000 milliseconds"):
        window(text)


@pytest.mark.parametrize(
    "words", [["watch"], ["upgrade", "--from=a", "--to=b"], ["upgrade-monitored", "--to=b"]]
)
def test_whatever_watches_takes_a_window(words: list[str]) -> None:
    assert parser().parse_args(words).window == WINDOW
    assert parser().parse_args([*words, "--window=50"]).window == pytest.approx(0.050)
