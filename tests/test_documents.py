"""Documents read as kubectl reads them: what PyYAML takes for something else, and keys twice."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.errors import DocumentError
from fixtures.manifests.documents import read

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("22:30", "22:30"),
        ("1:30:00", "1:30:00"),
        ("2026-11-26", "2026-11-26"),
        ("2026-03-02T08:15:00Z", "2026-03-02T08:15:00Z"),
        ("190:20:30.15", "190:20:30.15"),
        ("012", 10),
        ("0o12", 10),
        ("-0x1F", -31),
        ("0b101", 5),
        ("1_000", 1000),
        ("0", 0),
        ("089", 89.0),
        ("1e3", 1000.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("1.31.0", "1.31.0"),
        ("v1", "v1"),
        ("y", True),
        ("Off", False),
        ("oFF", "oFF"),
        ("yEs", "yEs"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("'22'", "22"),
        ("!!str 22", "22"),
        ("=", "="),
        ("+", "+"),
        ("-", [None]),
    ],
)
def test_a_plain_value_is_what_kubectl_makes_of_it(plain: str, value: object) -> None:
    (found,) = read(f"a: {plain}\n".encode() if value != [None] else b"a:\n-\n")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("spec:\n  weight: 50\n  weight: 90\n", "`weight` in line 2 and again in line 3"),
        ("- a: 1\n  'a': 2\n", "`a` in line 1 and again in line 2"),
        ('{"a": {"b": 1, "b": 2}}', "`b` twice in one object"),
    ],
)
def test_a_key_twice_is_refused_where_it_stands(text: str, seen: str) -> None:
    with pytest.raises(DocumentError) as raised:
        list(read(text.encode()))
    assert raised.value.seen == seen


@pytest.mark.parametrize("text", [b"a: [", b"\xff\xfe\xfa", b'{"a": }', b"a: !!int x", b"!!bool x"])
def test_what_is_no_yaml_is_an_error(text: bytes) -> None:
    with pytest.raises(DocumentError):
        list(read(text))


def test_a_merged_key_may_be_said_again() -> None:
    (found,) = read(b"base: &b {a: 1, c: 3}\nown:\n  <<: *b\n  a: 2\n")
    assert found["own"] == {"a": 2, "c": 3}


def test_keys_are_text() -> None:
    (found,) = read(b"8080: a\non: b\n")
    assert found == {"8080": "a", "true": "b"}


def test_comments_and_empty_documents_are_nothing() -> None:
    assert list(read(b"---\n# Source: a\na: 1\n---\n# Source: b\n---\n")) == [{"a": 1}]


@given(VALUES)
def test_json_is_yaml_of_the_same_meaning(value: Any) -> None:
    text = json.dumps({"value": value})
    assert list(read(text.encode())) == [{"value": value}]
    plain = json.dumps({"value": value}, ensure_ascii=False)
    assert list(read(f"---\n{plain}".encode())) == [{"value": value}]
