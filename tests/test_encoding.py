"""Text is read and written as UTF-8 by its word, and never as the locale has it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("clusters", "fixtures", "suites", "reports")
FILES = {"read_text", "write_text", "open", "fdopen"}
OTHERS = {"os.open", "tarfile.open", "archive.open", "self.wire.open"}
"""What is called `open` and opens no text."""


def silent(source: str) -> Iterator[int]:
    """The line of each call that reads or writes text and names no encoding."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _of_text(node) and "encoding" not in _told(node):
            yield node.lineno


def _of_text(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    keywords = _told(call)
    if name.startswith("subprocess."):
        return "text" in keywords
    if name in OTHERS or name.rpartition(".")[2] not in FILES:
        return False
    words = [*call.args, *([keywords["mode"]] if "mode" in keywords else [])]
    return not any(isinstance(w, ast.Constant) and "b" in str(w.value) for w in words)


def _told(call: ast.Call) -> dict[str | None, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords}


@pytest.mark.parametrize("folder", OURS)
def test_every_file_of_text_names_its_encoding(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    unnamed = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files
        for line in silent(path.read_text(encoding="utf-8"))
    ]
    assert unnamed == []


@pytest.mark.parametrize(
    ("source", "is_silent"),
    [
        ("path.read_text()", True),
        ("path.read_text(errors='replace')", True),
        ("path.write_text(text)", True),
        ("path.open()", True),
        ("path.open('a')", True),
        ("open(path, mode='w')", True),
        ("os.fdopen(number, 'w')", True),
        ("subprocess.run(words, text=True)", True),
        ("path.read_text(encoding='utf-8')", False),
        ("path.open('rb')", False),
        ("os.fdopen(number, 'wb')", False),
        ("path.read_bytes()", False),
        ("tarfile.open(path)", False),
        ("subprocess.run(words)", False),
    ],
)
def test_what_leaves_it_to_the_locale_is_seen(source: str, is_silent: bool) -> None:
    assert list(silent(source)) == ([1] if is_silent else [])
