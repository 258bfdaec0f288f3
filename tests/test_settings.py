"""Settings: declared once, read nowhere else, and their page as the parsers have them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters.errors import SettingsError
from clusters.settings import CLUSTERMESH, INNER, OTHERS, OURS, ROOT, Settings
from suites import settings_page
from tests.test_imports import CALLERS

PACKAGES = ("clusters", "fixtures", "reports", "suites")
FIELDS = Settings.model_fields
NAMES = (*Settings.names(OURS), *Settings.names(INNER), *Settings.names(OTHERS))


def is_environ(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "environ"


def reads(source: str) -> Iterator[int]:
    """The lines where one variable is read. To hand all of them on to a child reads none."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            if is_environ(node.value):
                yield node.lineno
        elif isinstance(node, ast.Attribute) and node.attr in ("get", "setdefault", "getenv"):
            if is_environ(node.value) or node.attr == "getenv":
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (node.lineno for a in node.names if a.name in ("environ", "getenv"))


def sources() -> dict[str, str]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


def test_nobody_else_reads_a_variable() -> None:
    """But for the programs in a pod, where nothing of the project is."""
    ours = {p: text for p, text in sources().items() if Path(p).name not in CALLERS}
    assert {path: lines for path, text in ours.items() if (lines := list(reads(text)))} == {}


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("os.environ['A']", 1),
        ("os.environ.get('A')", 1),
        ("os.getenv('A')", 1),
        ("from os import environ", 1),
        ("os.environ['A'] = '1'", 0),
        ("{**os.environ, 'A': '1'}", 0),
        ("environment().get_template('a')", 0),
    ],
)
def test_a_reader_is_seen(source: str, seen: int) -> None:
    assert len(list(reads(source))) == seen


def test_every_setting_is_declared_in_full_and_read_by_somebody() -> None:
    assert len(NAMES) == len(set(NAMES)) == len(FIELDS)
    text = "\n".join(t for path, t in sources().items() if path != "clusters/settings.py")
    for name, field in FIELDS.items():
        assert field.description
        assert f".{name}" in text or f'"{field.validation_alias}"' in text, name


def test_one_place_of_clusters_and_reports_knows_of_the_fixtures() -> None:
    """tests/test_imports.py sees imports alone, and this would be one by another way."""
    lower = {p: t for p, t in sources().items() if p.startswith(("clusters/", "reports/"))}
    trees = {path: ast.walk(ast.parse(text)) for path, text in lower.items()}
    naming = {
        path
        for path, nodes in trees.items()
        for node in nodes
        if isinstance(node, ast.Constant) and str(node.value).startswith(("fixtures/", "suites/"))
    }
    assert naming == {"clusters/settings.py"}
    assert CLUSTERMESH.is_file()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any of these variables."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_an_empty_variable_is_one_that_is_not_set(bare: pytest.MonkeyPatch) -> None:
    unset = Settings.of_user()
    for name in NAMES:
        bare.setenv(name, "")
    assert Settings.of_user() == unset
    assert (unset.images, unset.engine, unset.keep, unset.home) == ("auto", "auto", False, None)


@pytest.mark.parametrize(("said", "keep"), [("1", True), ("yes", True), ("0", False)])
def test_a_yes_or_no_is_read_as_one(bare: pytest.MonkeyPatch, said: str, keep: bool) -> None:
    bare.setenv("KEEP", said)
    assert Settings.of_user().keep is keep


def test_the_clusters_are_named_by_the_users_own_document_if_there_is_one(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert Settings.of_user().clustermesh_file == CLUSTERMESH
    bare.setenv("MANIFESTS", str(tmp_path))
    assert Settings.of_user().clustermesh_file == CLUSTERMESH
    own = tmp_path / CLUSTERMESH.name
    own.touch()
    assert Settings.of_user().clustermesh_file == own
    bare.setenv("PLUMBLINE_CLUSTERMESH", "another.yaml")
    assert Settings.of_user().clustermesh_file == Path("another.yaml")


def test_a_value_that_cannot_be_is_refused_by_its_variable(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("KEEP", "perhaps")
    with pytest.raises(SettingsError, match=r"KEEP: .*boolean") as caught:
        Settings.of_user()
    assert caught.value.seen == "KEEP=perhaps"


def test_a_lower_case_name_is_somebody_elses(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("images", "pull")
    assert Settings.of_user().images == "auto"


def test_the_committed_page_is_up_to_date() -> None:
    written = Path(settings_page.PAGE).read_text(encoding="utf-8")
    assert written == settings_page.page(), f"look: {settings_page.COMMAND}"


def test_every_option_says_what_it_means() -> None:
    rows = [line for line in settings_page.page().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert [row for row in rows if row.rstrip().endswith("|  |")] == []
