"""The tree of errors: whole, in one place, and each branch and leaf of use."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters import errors
from clusters.errors import PlumblineError

ROOT = Path(__file__).parent.parent
PACKAGES = ("clusters", "fixtures", "reports", "suites")
HOME = "clusters/errors.py"
CLASSES = [getattr(errors, name) for name in errors.__all__]


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def named(node: ast.expr | None) -> str:
    """`Name` of `Name`, `module.Name` and `Name(...)`."""
    if isinstance(node, ast.Call):
        return named(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def is_exception(name: str) -> bool:
    builtin = getattr(builtins, name, None)
    known = isinstance(builtin, type) and issubclass(builtin, BaseException)
    return known or name.endswith(("Error", "Exception"))


def test_every_error_of_ours_stands_in_the_tree() -> None:
    elsewhere = [
        f"{path}: {node.name}"
        for path, tree in sources()
        if path != HOME
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(map(is_exception, map(named, node.bases)))
    ]
    assert elsewhere == []
    defined = {name for name, each in vars(errors).items() if inspect.isclass(each)}
    assert set(errors.__all__) == defined
    assert all(issubclass(each, PlumblineError) for each in CLASSES)


def tree(root: type[PlumblineError], depth: int = 0) -> Iterator[str]:
    """The tree as the module's docstring has it: a class and its depth."""
    yield "  " * depth + root.__name__
    for each in root.__subclasses__():
        yield from tree(each, depth + 1)


def test_the_docstring_shows_the_tree_as_it_is() -> None:
    lines = (errors.__doc__ or "").splitlines()
    shown = [line for line in lines if line.startswith("    ")]
    names = [" " * (len(line) - len(line.lstrip()) - 4) + line.split()[0] for line in shown]
    assert names == list(tree(PlumblineError))


def test_every_leaf_is_raised_somewhere() -> None:
    called = {
        named(node.func) for _, source in sources() for node in ast.walk(source)
        if isinstance(node, ast.Call)
    }  # fmt: skip
    leaves = {each.__name__ for each in CLASSES if not each.__subclasses__()}
    assert leaves - called == set()


@pytest.mark.parametrize(
    ("look", "told"), [("", "expected a, saw b"), ("make c", "expected a, saw b; look: make c")]
)
def test_an_error_is_told_in_three_lines_or_in_one(look: str, told: str) -> None:
    error = PlumblineError("a", seen="b", look=look)
    assert str(error).splitlines()[:2] == ["expected: a", "seen:     b"]
    assert (f"look:     {look}" in str(error)) is bool(look)
    assert error.line == told
