"""The forms of an upgrade: each tells the same, none lets a text of it act as markup."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml
from rich.console import Console

from clusters.errors import ResultsError
from reports import __main__ as command
from reports import upgrade_sections
from reports.compare import Comparison, Row
from reports.of_upgrade import report
from reports.publish import LATEST, STEP_SUMMARY, append_step_summary, publish
from reports.reading import read_upgrade
from reports.render import html as pages
from reports.render import junit as xml
from reports.render import markdown as summaries
from reports.render.terminal import show
from reports.upgrade_charts import timeline
from reports.upgrade_schema import FILE, KINDS, Kind, Outcome, Share, Upgrade, status_of
from reports.upgrade_sections import MOST_OUTAGES
from reports.wording import one_line, printable
from tests import samples
from tests import upgrade_samples as made
from tests.test_reports_forms import FOREIGN, HOSTILE, Page

FORMS = {FILE, "junit-upgrade.xml", "upgrade.md", "upgrade.html"}
OUTCOMES: tuple[Outcome, ...] = ("pass", "fail", "inconclusive")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the step summary of whoever runs the tests."""
    monkeypatch.delenv(STEP_SUMMARY, raising=False)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the timeline, which takes long to draw."""
    monkeypatch.setattr(upgrade_sections, "timeline", lambda *_, **__: "")


def html(upgrade: Upgrade) -> str:
    return pages.html(report(upgrade))


def markdown(upgrade: Upgrade) -> str:
    return summaries.markdown(report(upgrade))


def junit(upgrade: Upgrade) -> bytes:
    return xml.junit(report(upgrade))


def headline(upgrade: Upgrade) -> str:
    return report(upgrade).headline


@pytest.fixture(scope="module")
def upgrade() -> Upgrade:
    return made.upgrade()


@pytest.fixture(scope="module")
def page(upgrade: Upgrade) -> str:
    return html(upgrade)


def parsed(upgrade: Upgrade) -> JUnitXml:
    document = JUnitXml.fromstring(junit(upgrade))
    assert isinstance(document, JUnitXml)
    return document


def terminal(upgrade: Upgrade) -> str:
    out = StringIO()
    show(report(upgrade), Path("run"), Console(file=out, width=120, color_system=None))
    return out.getvalue()


def text_of(page: str) -> str:
    return " ".join("".join(Page(page).texts).split())


def hostile(text: str) -> Upgrade:
    """An upgrade all of whose free texts are `text`."""
    row = Row(key=text, sentence=text, change="regression", base="pass", new="fail", reason=text)
    compared = Comparison(base=text, new=text, rows=(row,), warnings=(text,))
    share = Share(
        cluster=text, service=text, phase=text, declared=0.1, n=9, hits=1, low=0.1, high=0.2,
        verdict="fail", reason=text,
    )  # fmt: skip
    names = dict.fromkeys(("name", "suite", "cluster", "sentence", "reason", "history"), text)
    one = made.stream("fail", made.outage("leak", phase=text, seen=text), **names)
    fault = made.fault(
        "fail", **dict.fromkeys(("name", "sentence", "reason"), text), stream=one.key
    )
    phase = made.phase(name=text, component=text, cluster=text, note=text)
    return made.bare(
        one, shares=(share,), phases=(phase,), faults=(fault,), notes=(text,), base=text, to=text,
        run=text, only=text, versions={text: text}, comparison=compared, before=text, after=text,
    )  # fmt: skip


# --- the page --------------------------------------------------------------------------------


def test_the_page_loads_nothing(page: str) -> None:
    attributes = Page(page).attributes
    links = [v for n, v in attributes if n in {"src", "href", "srcset", "action", "xlink:href"}]
    assert [link for link in links if not link.startswith(("#", "./"))] == []
    assert {"./before/report.html", "./after/report.html", "./upgrade.json"} <= set(links)
    assert not re.search(r"@import|url\(", page)
    assert not FOREIGN & set(Page(page).tags)
    assert Page(page).tags.count("script") == 1


def test_an_upgrade_that_nothing_failed_in_has_not_failed() -> None:
    undecided = made.stream("inconclusive")
    open_ = made.bare(undecided, made.stream())
    assert open_.exit_status == 1
    assert headline(open_).startswith("Inconclusive: 2026-08 to 2026-11: ")
    assert "<h1>Inconclusive</h1>" in html(open_)
    stuck = made.phase(outcome="failed")
    assert headline(made.bare(undecided, phases=(stuck,))).startswith("Failed: ")
    assert headline(made.bare(undecided, made.stream("fail"))).startswith("Failed: ")


def test_the_page_tells_the_upgrade(page: str, upgrade: Upgrade) -> None:
    text = text_of(page)
    assert "Failed 2026-08 to 2026-11: 2 failed, 1 inconclusive, 19 passed of 22 streams" in text
    for stream in upgrade.streams:
        assert one_line(stream.reason) in text
        for outage in stream.episodes:
            assert one_line(outage.seen) in text
            assert f"{outage.started:.2f} s" in text
    assert "istio1.30.1 → 1.31.0" in text
    assert "kubernetes1.36.3 istio" in text
    assert "done: one agent was restarted twice" in text
    assert "Not watched92.0 to 97.5 s, as its client was replaced" in text
    assert "2.1 · 2.6 · 2.2" in text


def test_the_links_of_the_page_lead_somewhere(page: str) -> None:
    attributes = Page(page).attributes
    anchors = [value for name, value in attributes if name == "id"]
    assert len(anchors) == len(set(anchors))
    assert sum(anchor.startswith("r-") for anchor in anchors) == 22
    assert {value[1:] for name, value in attributes if name == "href" and value[0] == "#"} <= {
        *anchors
    }


def test_the_page_uses_only_colours_that_it_defines(page: str) -> None:
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert set(re.findall(r"var\((--[\w-]+)\)", page)) <= set(re.findall(r"(--[\w-]+):", style))
    dark = style.partition("prefers-color-scheme: dark")[2]
    assert all(f"--kind-{kind}:" in dark for kind in KINDS)


@pytest.mark.usefixtures("undrawn")
@settings(max_examples=30)
@given(text=st.text() | st.just(HOSTILE) | st.just("//host/x") | st.just("javascript:alert(1)"))
def test_the_page_keeps_its_shape_whatever_the_texts(text: str) -> None:
    drawn, plain = Page(html(hostile("x" + text))), Page(html(hostile("harmless")))
    assert drawn.tags == plain.tags
    assert [name for name, _ in drawn.attributes] == [name for name, _ in plain.attributes]
    assert all(v.startswith(("#", "./")) for n, v in drawn.attributes if n == "href")


def test_hostile_texts_are_only_text_in_the_timeline_too() -> None:
    text = html(hostile(HOSTILE))
    assert text == printable(text)
    assert not FOREIGN & set(Page(text).tags)
    assert Page(text).tags.count("script") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{ 7 * 7 }}" in text


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_in_every_form(kind: Kind) -> None:
    one = made.bare(made.stream("fail", made.outage(kind, seen="what it got")))
    for form in (text_of(html(one)), markdown(one), terminal(one), junit(one).decode()):
        assert kind in form
    assert f'<b class="kind-{kind}">{kind}</b>' in html(one)


def test_an_upgrade_of_nothing_is_red_in_every_form() -> None:
    nothing = made.bare()
    assert nothing.status == "failed"
    assert timeline(nothing) == ""
    assert "no stream was watched" in html(nothing)
    assert markdown(nothing).startswith("## ❌ Plumbline Failed: 2026-08 to 2026-11: no stream")
    assert "no stream was watched" in terminal(nothing)
    assert parsed(nothing).errors == 1


# --- JUnit, Markdown, the terminal -----------------------------------------------------------


@given(st.lists(st.sampled_from(OUTCOMES), max_size=4), st.booleans(), st.booleans())
def test_junit_is_red_exactly_when_the_upgrade_is(
    verdicts: list[Outcome], interrupted: bool, faults: bool
) -> None:
    streams = [made.stream(verdict, name=f"s{i}") for i, verdict in enumerate(verdicts)]
    given_ = (made.fault("fail"), made.fault()) if faults else ()
    one = made.bare(*streams, faults=given_)
    one = one.model_copy(update={"status": "interrupted"}) if interrupted else one
    document = parsed(one)
    assert bool(document.failures + document.errors) == bool(one.exit_status)


def test_a_stream_that_was_spoilt_on_purpose_is_skipped() -> None:
    spoilt = made.stream("fail", made.outage("leak"), name="policy-other-new")
    document = parsed(made.bare(spoilt, faults=(made.fault(),), status="passed"))
    assert (document.failures, document.errors, document.skipped) == (0, 0, 1)


@given(reason=st.text())
def test_junit_can_be_parsed_whatever_the_texts(reason: str) -> None:
    assert parsed(hostile(reason)).failures >= 3


@given(text=st.text() | st.just(HOSTILE))
def test_markdown_keeps_its_shape_whatever_the_texts(text: str) -> None:
    def shape(text: str) -> list[tuple[int, int]]:
        lines = markdown(hostile("x" + text)).split("\n")
        return [(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)), line.count("<")) for line in lines]

    assert shape(text) == shape("harmless")


def test_markdown_is_short_and_worst_first(upgrade: Upgrade) -> None:
    text = markdown(upgrade)
    assert text.index(" leak |") < text.index(" misrouted |") < text.index(" refused |")
    assert "1 regressed, 1 mended" in text
    many = made.stream("fail", *(made.outage(started=2.0 * i) for i in range(50)))
    summary = markdown(made.bare(many))
    assert summary.count(" | dropped |") == MOST_OUTAGES
    assert f"And {50 - MOST_OUTAGES} more, on the page." in summary


def test_the_terminal_ends_with_the_verdict_and_the_page(upgrade: Upgrade) -> None:
    lines = terminal(upgrade).splitlines()
    assert lines[-2:] == ["page: run/upgrade.html", headline(upgrade)]
    assert any(
        line.startswith("compared MR3 failed: ") and "regression: web v2" in line for line in lines
    )
    assert any(
        re.match(r"passed +aws-cluster/canary-new .*202 refused of 40,000 +shut 2.01 to 2.04 s", x)
        for x in lines
    )


def test_no_text_of_the_upgrade_can_steer_the_terminal() -> None:
    text = terminal(hostile("[red]x[/red]" + HOSTILE))
    assert "[red]x[/red]" in text
    assert "\x1b" not in text


def test_an_interrupted_upgrade_says_so_in_every_form() -> None:
    one = made.bare(made.stream(), status="interrupted")
    assert "It was stopped before its end" in html(one)
    assert markdown(one).startswith("## ⚠️ Plumbline Interrupted: 2026-08 to 2026-11: 1 passed")
    assert "Interrupted: 2026-08" in terminal(one)
    assert parsed(one).errors == 1


# --- publishing and the command --------------------------------------------------------------


@pytest.mark.usefixtures("undrawn")
def test_publishing_writes_all_forms_points_latest_there_and_adds_to_the_summary(
    tmp_path: Path,
) -> None:
    one = made.bare(made.stream())
    summary = tmp_path / "step.md"
    publish(one, tmp_path / "out" / "up")
    append_step_summary(one, {STEP_SUMMARY: str(summary)})
    assert {path.name for path in (tmp_path / "out" / "up").iterdir()} == FORMS
    assert read_upgrade(tmp_path / "out" / LATEST) == one
    assert summary.read_text() == markdown(one)
    append_step_summary(one, {})
    assert summary.read_text() == markdown(one)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("verdict", "ends"), [("pass", 0), ("fail", 1)])
def test_show_and_render_know_an_upgrade(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verdict: Outcome, ends: int
) -> None:
    made.bare(made.stream(verdict)).save(tmp_path / FILE)
    assert command.main(["show", str(tmp_path)]) == ends
    assert capsys.readouterr().out.splitlines()[-2].endswith("upgrade.html")
    assert command.main(["render", str(tmp_path)]) == 0
    assert {Path(line).name for line in capsys.readouterr().out.split()} == FORMS - {FILE}


def test_a_status_that_its_verdicts_contradict_is_refused(tmp_path: Path) -> None:
    made.bare(made.stream("fail"), status="passed").save(tmp_path / FILE)
    with pytest.raises(ResultsError, match="status passed where something is red"):
        read_upgrade(tmp_path)
    assert command.main(["show", str(tmp_path)]) == command.BAD_INPUT


def test_a_comparison_with_an_upgrade_says_what_to_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made.bare(made.stream()).save(tmp_path / "up" / FILE)
    samples.results().save(tmp_path / "run" / "results.json")
    arguments = ["compare", str(tmp_path / "run"), str(tmp_path / "up")]
    assert command.main(arguments) == command.BAD_INPUT
    assert "an upgrade's folder" in capsys.readouterr().err


def test_the_samples_come_to_their_status(upgrade: Upgrade) -> None:
    verdicts = [stream.verdict for stream in upgrade.streams]
    assert status_of(verdicts, upgrade.phases, upgrade.comparison) == upgrade.status
    assert upgrade.comparison
    assert [row.key for row in upgrade.comparison.of("fix")] == ["CS7[aws-cluster]"]
    assert Upgrade.model_validate_json(upgrade.model_dump_json()) == upgrade
