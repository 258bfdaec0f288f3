"""Expressions: those that RE2 and Python match alike are matched, and no others."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusters.errors import UnreadError
from fixtures.manifests.expressions import compiled


@pytest.mark.parametrize(
    ("expression", "yes", "no"),
    [
        (".*Mobile.*", "xMobilex", "mobile"),
        ("(?i).*mobile.*", "A Mobile", "mobil e"),
        ("^Mobile$", "Mobile", "Mobiles"),
        ("GET|HEAD", "HEAD", "GETHEAD"),
        ("a(?:b|c)?d", "acd", "abcd"),
        (r"v\d{1,2}\.[0-9a-f]+", "v12.0af", "v123.0"),
        (r"[^a-c/]\w", "d_", "aé"),
        (r"\d", "7", "\u0667"),
        (r"\w", "e", "é"),
        ("a.b", "aモb", "ab"),
        ("a{2}", "aa", "aaa"),
        ("/a-b", "/a-b", "/ab"),
    ],
)
def test_the_whole_value_matches(expression: str, yes: str, no: str) -> None:
    pattern = compiled(expression, "/spec")
    assert pattern.fullmatch(yes)
    assert not pattern.fullmatch(no)


@pytest.mark.parametrize(
    "expression",
    [
        "", "*", "a**", ".*Mobile.**", "a*+", "(a", "a)", "[", "[]", "a{1001}", "a{2,1}",
        "(?=a)", "(?!a)", "(?<=a)b", "(?P<a>b)", "(?s).", "a(?i)b", r"(a)\1", r"\s", r"\bx",
        r"\pL", r"\Qa\E", r"\x41", "[[:alpha:]]", "[a&&b]", "(a*)*", "(a|b)+", ".*.*.*", "é",
    ],
)  # fmt: skip
def test_any_other_is_not_read(expression: str) -> None:
    with pytest.raises(UnreadError, match="/spec/regex"):
        compiled(expression, "/spec/regex")


@settings(max_examples=200)
@given(st.text("aAbM.*+?|()[]{}^$\\-1,/é", max_size=12))
def test_what_is_read_is_an_expression(expression: str) -> None:
    """And no error of Python's comes through."""
    with contextlib.suppress(UnreadError):
        compiled(expression, "/spec").fullmatch("aMb" * 40)
