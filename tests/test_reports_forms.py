"""The forms of a report: each tells the same run, and none lets a text of it act as markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, TestCase
from rich.console import Console

from reports.charts import share_chart, stage_chart
from reports.measures import latencies, shares
from reports.of_run import report
from reports.render import html as pages
from reports.render import junit as xml
from reports.render import markdown as summaries
from reports.render.terminal import show
from reports.schema import Requirement, Results, Stage, Status
from reports.wording import duration, not_green, number, one_line, printable
from tests import samples

HOSTILE = "<script>alert(1)</script>\n\n| a | `b` <img src=x onerror=y> \"'>{{ 7 * 7 }}\x1b[2J\x00"
FOREIGN = {"link", "iframe", "img", "object"}
"""What a page has none of; the one script in it is its own."""
VERDICTS: tuple[Status, ...] = ("pass", "fail", "inconclusive", "skip")


class Page(HTMLParser):
    """What a browser would make of a page: its tags, attributes and texts in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def html(results: Results) -> str:
    return pages.html(report(results))


def markdown(results: Results) -> str:
    return summaries.markdown(report(results))


def junit(results: Results) -> bytes:
    return xml.junit(report(results))


def headline(results: Results) -> str:
    return report(results).headline


@pytest.fixture(scope="module")
def results() -> Results:
    return samples.results()


@pytest.fixture(scope="module")
def page(results: Results) -> str:
    return html(results)


def bare(*requirements: Requirement, **changed: object) -> Results:
    """A run without what makes charts, which take long to draw."""
    plain = tuple(r.model_copy(update={"numbers": {}}) for r in requirements)
    return samples.results(plain).model_copy(update={"stages": (), **changed})


def parsed(results: Results) -> JUnitXml:
    document = JUnitXml.fromstring(junit(results))
    assert isinstance(document, JUnitXml)
    return document


def cases(results: Results) -> list[TestCase]:
    return [case for suite in parsed(results) for case in suite]


def terminal(results: Results) -> str:
    out = StringIO()
    show(report(results), Path("run"), Console(file=out, width=120, color_system=None))
    return out.getvalue()


# --- JUnit -----------------------------------------------------------------------------------


def test_junit_counts_what_the_results_count(results: Results) -> None:
    document = parsed(results)
    assert document.tests == len(results.requirements)
    assert document.failures == results.count("fail")
    assert document.errors == results.count("inconclusive")
    assert [suite.name for suite in document] == [
        "mobile_routing",
        "canary_split",
        "cross_cluster_policy",
        "rbac_denial",
    ]


@given(verdicts=st.lists(st.sampled_from(VERDICTS), max_size=6), interrupted=st.booleans())
def test_junit_is_red_exactly_when_the_run_is(verdicts: list[Status], interrupted: bool) -> None:
    requirements = tuple(samples.requirement(v, id=f"CS{i}") for i, v in enumerate(verdicts))
    run = samples.results(requirements, "interrupted" if interrupted else None)
    document = parsed(run)
    assert bool(document.failures + document.errors) == bool(run.exit_status)
    assert document.skipped == verdicts.count("skip")
    assert document.failures == verdicts.count("fail")


def test_junit_tells_why_and_what(results: Results) -> None:
    red = {case.name.split()[0]: case for case in cases(results) if case.result}
    failure, error = red["CS7[aws-cluster]"].result[0], red["XP7"].result[0]
    assert isinstance(failure, Failure)
    assert (failure.type, "1608 of 10000" in failure.message) == ("fail", True)
    assert isinstance(error, Error)
    assert (error.type, "starved generator" in error.text) == ("inconclusive", True)
    assert red["XP7"].time == pytest.approx(62.4)


def test_junit_carries_numbers_source_and_versions(results: Results) -> None:
    text = junit(results).decode()
    assert '<property name="number.api-service-canary.hits" value="1608" />' in text
    assert '<property name="source" value="HTTPRoute/advanced-routing" />' in text
    assert text.count('<property name="version.istio" value="1.31.0" />') == 4


@given(reason=st.text())
def test_junit_can_be_parsed_whatever_the_texts(reason: str) -> None:
    (case,) = cases(bare(samples.requirement("fail", reason=reason, suite=reason)))
    # XML itself makes one newline of any.
    lines = printable(reason).replace("\r\n", "\n").replace("\r", "\n")
    assert (case.result[0].text or "").replace("\r\n", "\n").replace("\r", "\n") == lines


# --- Markdown --------------------------------------------------------------------------------


def test_markdown_begins_with_the_verdict_and_what_is_red(results: Results) -> None:
    lines = markdown(results).splitlines()
    assert lines[0] == "## ❌ Plumbline Failed: 1 failed, 1 inconclusive, 16 passed"
    first_suite = next(i for i, line in enumerate(lines) if line.startswith("### "))
    above = "\n".join(lines[:first_suite]).replace("\\", "")
    for requirement in not_green(results.requirements):
        assert requirement.key in above
        assert requirement.reason in above


@given(verdicts=st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=8))
def test_markdown_lists_all_that_is_not_green_worst_first(verdicts: list[Status]) -> None:
    requirements = tuple(samples.requirement(v, id=f"CS{i}") for i, v in enumerate(verdicts))
    names = re.findall(r"^- \S+ \*\*(CS\d)", markdown(samples.results(requirements)), re.MULTILINE)
    red: tuple[Status, ...] = ("fail", "inconclusive", "skip")
    assert names == [r.id for verdict in red for r in requirements if r.verdict == verdict]


@given(text=st.text() | st.just(HOSTILE))
def test_markdown_keeps_its_shape_whatever_the_texts(text: str) -> None:
    def shape(text: str) -> list[tuple[int, int]]:
        requirement = samples.requirement("fail", reason=text, sentence=text, suite=text)
        lines = markdown(bare(requirement, notes=(text,), versions={text: text})).split("\n")
        return [(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)), line.count("<")) for line in lines]

    assert shape(text) == shape("harmless")


# --- the page --------------------------------------------------------------------------------


def test_what_was_not_asked_has_a_table_of_its_own() -> None:
    lacking = samples.requirement(
        "skip", needs="encryption", reason="not offered: no kernel has it"
    )
    for shown in (markdown, html):
        assert "Not asked here, and so not proven" in shown(bare(lacking))
        assert "Not asked here" not in shown(bare(samples.requirement("skip")))


def test_what_is_known_to_fail_has_a_table_of_its_own() -> None:
    known = samples.requirement("skip", deviation="It takes both (RFC 9112).", reason="1 of 1")
    for shown in (markdown, html):
        assert "Known deviations" in shown(bare(known))
        assert "Known deviations" not in shown(bare(samples.requirement("skip")))


def test_the_page_loads_nothing(page: str) -> None:
    attributes = Page(page).attributes
    links = [v for n, v in attributes if n in {"src", "href", "srcset", "action", "xlink:href"}]
    assert links
    assert [link for link in links if not link.startswith(("#", "./"))] == []
    assert not re.search(r"@import|url\(", page)
    assert not FOREIGN & set(Page(page).tags)
    assert Page(page).tags.count("script") == 1


def test_the_page_tells_the_run(page: str, results: Results) -> None:
    text = " ".join("".join(Page(page).texts).split())
    assert "Failed 1 failed, 1 inconclusive, 16 passed" in text
    for r in results.requirements:
        assert one_line(r.sentence) in text
        assert one_line(r.reason) in text
    for image in results.images:
        assert image.digest in text
    for known in (*results.versions.values(), *results.notes, results.machine.cpu):
        assert known in text


def test_the_links_of_the_page_lead_somewhere(page: str) -> None:
    attributes = Page(page).attributes
    anchors = {value for name, value in attributes if name == "id"}
    inner = {value[1:] for name, value in attributes if name == "href" and value[0] == "#"}
    assert inner
    assert inner <= anchors
    assert "./evidence/cross_cluster_policy/XP7" in dict.fromkeys(v for _, v in attributes)


def test_charts_are_drawn_with_the_colours_of_the_page(page: str) -> None:
    assert page.count("<svg") == 2
    style = page.partition("<style>")[2].partition("</style>")[0]
    used = set(re.findall(r"var\((--[\w-]+)\)", page))
    assert used <= set(re.findall(r"(--[\w-]+):", style))
    assert {"--cluster-0", "--cluster-1", "--fail"} <= used


@settings(max_examples=30)
@given(text=st.text() | st.just(HOSTILE) | st.just("//host/x") | st.just("javascript:alert(1)"))
def test_the_page_keeps_its_shape_whatever_the_texts(text: str) -> None:
    def drawn(text: str) -> Page:
        fields = dict.fromkeys(("reason", "sentence", "suite", "source", "history", "test"), text)
        run = bare(samples.requirement("fail", **fields), notes=(text,), versions={text: text})
        return Page(html(run))

    page, plain = drawn("x" + text), drawn("harmless")
    assert page.tags == plain.tags
    assert [name for name, _ in page.attributes] == [name for name, _ in plain.attributes]
    assert all(v.startswith(("#", "./")) for n, v in page.attributes if n == "href")


def test_the_page_holds_no_character_that_html_forbids() -> None:
    text = html(bare(samples.requirement("fail", reason=HOSTILE, id=HOSTILE)))
    assert text == printable(text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{ 7 * 7 }}" in text


def test_hostile_stages_and_groups_are_only_text() -> None:
    stage = Stage(phase=HOSTILE, name=HOSTILE, cluster=HOSTILE, started=0, seconds=1)
    numbers = {f"{HOSTILE}.{name}": 0.5 for name in ("low", "high", "declared")}
    requirement = samples.requirement(numbers=numbers)
    drawn = Page(stage_chart([stage]) + share_chart(shares([requirement])))
    assert not {"script", "img"} & set(drawn.tags)


def test_an_interrupted_run_says_so_in_every_form() -> None:
    run = bare(samples.requirement(), status="interrupted")
    assert "The run was stopped before its end" in html(run)
    assert markdown(run).startswith("## ⚠️ Plumbline Interrupted: 1 passed")
    assert terminal(run).startswith("Interrupted: 1 passed")
    assert cases(run)[-1].result[0].type == "interrupted"


def test_a_run_that_nothing_failed_in_has_not_failed() -> None:
    undecided = [samples.requirement(), samples.requirement("inconclusive", id="X2")]
    run = bare(*undecided)
    assert run.exit_status == 1
    assert headline(run) == "Inconclusive: 1 inconclusive, 1 passed"
    assert "<h1>Inconclusive</h1>" in html(run)
    assert headline(bare(*undecided, samples.requirement("fail", id="X3"))).startswith("Failed: ")
    stopped = bare(*undecided, status="interrupted")
    assert headline(stopped).startswith("Interrupted: ")


def test_a_run_without_requirements_is_told_in_every_form() -> None:
    run = bare()
    assert headline(run) == "Failed: no requirement was asked"
    assert "no requirement was asked" in html(run)
    assert markdown(run).startswith("## ❌ Plumbline Failed: no requirement was asked")
    assert parsed(run).errors == 1
    assert "no requirement was asked" in terminal(run)


# --- the terminal ----------------------------------------------------------------------------


def test_the_terminal_shows_the_verdict_first_and_red_on_top(results: Results) -> None:
    text = terminal(results)
    assert text.splitlines()[0] == headline(results)
    assert text.index("CS7[aws-cluster]") < text.index("CS1[aws-cluster]")
    assert "(16.1%, declared 10.0%): too many" in " ".join(text.split())


def test_no_text_of_the_run_can_steer_the_terminal() -> None:
    text = terminal(bare(samples.requirement("fail", reason="[red]x[/red]" + HOSTILE)))
    assert "[red]x[/red]" in text
    assert "\x1b" not in text


# --- numbers ---------------------------------------------------------------------------------


def test_shares_are_those_that_were_decided(results: Results) -> None:
    by_key = {(s.requirement.key, s.of): s for s in shares(results.requirements)}
    assert len(by_key) == 5
    canary = by_key["CS7[aws-cluster]", "api-service-canary"]
    assert (canary.low, canary.measured, canary.high) == (0.1515, 0.1608, 0.1705)
    assert canary.declared == 0.1


def test_a_share_needs_no_declared_weight() -> None:
    numbers = {"low": 0.1, "high": 0.2, "alpha": 1e-6}
    (share,) = shares([samples.requirement(numbers=numbers)])
    assert (share.of, share.measured, share.declared) == ("", None, None)
    assert share_chart([share]).startswith("<svg")


def test_latencies_are_read_in_their_unit() -> None:
    numbers = {"p50_ms": 3, "denied.p99": 0.25, "denied.p50": True, "x.p99_ms": float("inf")}
    rows = latencies([samples.requirement(numbers=numbers)])
    assert [(one.of, one.p50, one.p99) for one in rows] == [
        ("", 0.003, None),
        ("denied", None, 0.25),
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [(True, "yes"), (1270, "1,270"), (0.123456, "0.1235"), (12345.678, "12,346"), (1e-6, "1e-06")],
)
def test_numbers_for_people(value: float | bool, told: str) -> None:
    assert number(value) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0.0 s"),
        (0.0029, "2.9 ms"),
        (0.0996, "0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (3599.7, "1 h 00 min"),
    ],
)
def test_durations_for_people(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("verdicts", "closing"),
    [
        (["pass", "pass"], "2 passed, 0 failed"),
        (["pass", "fail", "inconclusive"], "1 passed, 2 failed"),
        (["pass", "skip"], "1 passed, 0 failed, 1 skipped"),
        ([], "0 passed, 0 failed"),
    ],
)
def test_the_terminal_ends_with_the_counts(verdicts: list[Status], closing: str) -> None:
    requirements = tuple(samples.requirement(v, id=f"A{n}") for n, v in enumerate(verdicts))
    out = StringIO()
    show(
        report(samples.results(requirements)),
        Path("run"),
        Console(file=out, width=120, color_system=None),
    )
    assert out.getvalue().rstrip().splitlines()[-1] == closing
