"""The page in a real browser: what a reader clicks, types and presses does what it says.

Skipped where there is no Chromium (apt-get install chromium). It opens files and asks nothing
of any network.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.publish import publish
from tests import browser as browsers
from tests import nights, samples, upgrade_samples
from tests.browser import Browser

pytestmark = pytest.mark.skipif(
    not browsers.installed(), reason=f"no {browsers.NAMES[0]} here: apt-get install chromium"
)

XP7 = "cross_cluster_policy/XP7"
SHOWN = "[...document.querySelectorAll('.row')].filter(e => e.checkVisibility()).length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.browser() as one:
        yield one


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    publish(samples.results().model_copy(update={"stages": ()}), folder)
    return folder / "report.html"


@pytest.fixture
def opened(browser: Browser, page: Path) -> Browser:
    browser.look()
    browser.open(page)
    return browser


def test_it_opens_from_a_file_and_asks_for_nothing_else(opened: Browser, page: Path) -> None:
    assert opened.errors == []
    assert opened.requests == [page.as_uri()]
    assert opened.ask("document.querySelector('h1').textContent") == "Failed"
    assert opened.ask("document.querySelector('main section').className") == "causes"


def test_a_search_and_the_filters_leave_what_fits(opened: Browser) -> None:
    rows = opened.ask(SHOWN)
    opened.press("/")
    assert opened.ask("document.activeElement.id") == "search"
    opened.write("canary weight")
    assert 0 < opened.ask(SHOWN) < rows
    assert opened.ask("document.getElementById('shown').textContent").endswith(f" of {rows}")
    opened.press("Escape")
    assert opened.ask(SHOWN) == rows
    opened.click("[data-filter=fail]")
    assert opened.ask(SHOWN) == 1
    opened.click("[data-filter='']")
    choose = "const s = document.getElementById('suite'); s.value = 'rbac_denial';"
    opened.ask(f"{choose} s.dispatchEvent(new Event('change'))")
    assert opened.ask("[...document.querySelectorAll('.grid:not([hidden]) h2')].length") == 1


def test_a_link_opens_the_entry_that_it_leads_to(opened: Browser, page: Path) -> None:
    open_ = "document.querySelector('#r-XP7').closest('details').open"
    assert opened.ask(open_) is False
    opened.click(".causes a[href='#r-XP7']")
    opened.until(open_)
    opened.open(page, "#r-CS7-aws-cluster")
    assert opened.ask("document.querySelector('#r-CS7-aws-cluster').closest('details').open")
    links = opened.ask("[...document.querySelectorAll('#r-XP7 a')].map(e => e.href)")
    assert links == [
        (page.parent / part).as_uri()
        for part in (
            "histories/cross_cluster_policy/XP7.jsonl",
            "evidence/cross_cluster_policy/XP7",
        )
    ]


def test_the_keys_walk_open_and_filter(opened: Browser) -> None:
    opened.press("j")
    first = opened.ask("document.activeElement.textContent")
    opened.press("j")
    assert opened.ask("document.activeElement.textContent") != first
    opened.press("k")
    assert opened.ask("document.activeElement.textContent") == first
    opened.press("f")
    assert opened.ask(SHOWN) == 2
    opened.press("?")
    assert opened.ask("document.getElementById('keys').open")
    opened.press("?")
    assert not opened.ask("document.getElementById('keys').open")


def test_the_theme_follows_the_system_until_it_is_turned(opened: Browser) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = opened.ask(paper)
    opened.look(dark=True)
    dark = opened.ask(paper)
    assert light != dark
    opened.click("#theme")
    assert opened.ask(paper) == light
    opened.press("t")
    assert opened.ask(paper) == dark
    opened.ask("localStorage.clear()")


def test_no_page_is_wider_than_a_phone(browser: Browser, page: Path, tmp_path: Path) -> None:
    publish(upgrade_samples.upgrade(), tmp_path / "up")
    nights.report(nights.red(tmp_path), tmp_path / "matrix")
    browser.look(390, 800)
    for each in (page, tmp_path / "up" / "upgrade.html", tmp_path / "matrix" / "index.html"):
        browser.open(each)
        assert browser.errors == []
        assert browser.ask("document.documentElement.scrollWidth") <= 390, each.name


def test_a_text_that_is_a_script_is_only_text(browser: Browser, tmp_path: Path) -> None:
    text = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"
    one = samples.requirement("fail", reason=text, sentence=text, numbers={})
    publish(samples.results((one,)).model_copy(update={"stages": ()}), tmp_path)
    browser.open(tmp_path / "report.html")
    assert browser.ask("document.title").startswith("Failed")
    assert browser.errors == []
