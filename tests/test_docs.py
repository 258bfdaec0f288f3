"""The documents: every link leads somewhere, every file that they name is there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
OURS = re.compile(r"`((?:clusters|fixtures|suites|reports|tests|docs)/[\w./-]*\w/?)`")
MADE = ("reports/out",)  # there only after a run


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def without_code(text: str) -> str:
    """Markdown without its fenced blocks, comments and code spans."""
    text = re.sub(r"(?ms)^```.*?^```$", "", text)
    text = re.sub(r"(?s)<!--.*?-->", "", text)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"(?ms)^```.*?^```$", "", text)
    return {anchor(title) for title in re.findall(r"(?m)^#+ (.+)$", text)}


def anchor(title: str) -> str:
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower()
    letters = (c for c in plain if c in "-_ " or unicodedata.category(c)[0] in "LN")
    return "".join(letters).strip().replace(" ", "-")


def links(page: Path) -> Iterator[str]:
    text = without_code(page.read_text(encoding="utf-8"))
    yield from re.findall(r"\]\(([^)\s]+)\)", text)


def wrong(page: Path) -> Iterator[str]:
    """Each link of a page that leads nowhere within the repository."""
    for link in links(page):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            yield f"{link}: no such file"
        elif fragment and fragment not in anchors(target.read_text(encoding="utf-8")):
            yield f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(wrong(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = set(OURS.findall(page.read_text(encoding="utf-8")))
    absent = [path for path in sorted(named) if not (ROOT / path).exists()]
    assert [path for path in absent if not path.startswith(MADE)] == []


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    decisions = index.parent / "adr" / "README.md"
    reached = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in (index, decisions)
        for link in links(page)
    }
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md")} - {index.resolve()}
    assert sorted(map(name, pages - reached)) == []


def test_decisions_are_numbered_and_have_the_same_parts() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("0*.md"))
    for number, page in enumerate(pages, start=1):
        text = page.read_text(encoding="utf-8")
        assert page.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        titles = re.findall(r"(?m)^## (.+)$", text)
        assert titles == ["Context", "Decision", "Consequences"], page.name


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_issue_templates_are_forms(template: Path) -> None:
    form = yaml.safe_load(template.read_text(encoding="utf-8"))
    if template.name == "config.yml":
        return
    assert {"name", "description", "body"} <= form.keys()
    ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert len(ids) == len(set(ids))
    assert all(part["attributes"].get("label") for part in form["body"] if "id" in part)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Tried on", "tried-on"),
        ("Cilium 1.20.2 back to 1.19.4: an outage", "cilium-1202-back-to-1194-an-outage"),
        ("results.json", "resultsjson"),
        ("No `x_y` in [here](a.md)", "no-x_y-in-here"),
    ],
)
def test_anchors_are_those_of_github(title: str, expected: str) -> None:
    assert anchor(title) == expected


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n[x](#a) [x](#b) [x](gone.md) `[x](code.md)` [x](https://a.example)\n")
    assert list(wrong(page)) == ["#b: no such heading", "gone.md: no such file"]
