"""The catalogue of requirements: complete, as it is committed, verdicts only where asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.mutants import Mutant
from reports import practices
from suites import catalogue
from suites.catalogue import Listed
from tests import samples


@pytest.fixture(scope="module")
def listed() -> list[Listed]:
    return catalogue.requirements()


CS1 = Listed("CS1", "canary_split", "It holds.", "Kind/name", "core", mutants=(), not_run=())
CS2 = replace(CS1, id="CS2")


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| CS")]


def test_the_committed_page_is_up_to_date(listed: list[Listed]) -> None:
    written = catalogue.PAGE.read_text(encoding="utf-8")
    assert written == catalogue.page(listed), f"look: {catalogue.COMMAND}"


def test_requirements_stand_once_and_in_order(listed: list[Listed]) -> None:
    names = [each.id for each in listed]
    assert len(names) == len(set(names))
    assert names.index("RB2") < names.index("RB10")
    assert all(each.sentence and each.source for each in listed)


def test_a_practice_is_one_of_the_references(listed: list[Listed]) -> None:
    of_practices = [each for each in listed if each.source.startswith(practices.SOURCE)]
    assert of_practices
    assert [e.id for e in of_practices if not practices.order(practices.title(e.source))] == []


def test_each_practice_has_a_requirement_that_core_asks(listed: list[Listed]) -> None:
    in_core = {each.source for each in listed if each.profile == "core"}
    assert {
        f"{practices.SOURCE}/{heading}/{practice}"
        for heading, group in practices.HEADINGS.items()
        for practice in group
    } <= in_core


def test_a_requirement_is_listed_with_the_mutants_that_can_be_run() -> None:
    runnable = Mutant(name="m", suite="s", what="w", kills=("CS1",), file="f", absent=True)
    listed = Mutant(name="l", suite="s", what="it draws in turn", not_applicable="No field asks.")
    text = catalogue.page([replace(CS1, mutants=(runnable,), not_run=(listed,)), CS2])
    assert rows(text) == [
        "| CS1 | It holds. | `Kind/name` | core | `m` |",
        "| CS2 | It holds. | `Kind/name` | core | none |",
    ]
    assert "Not run: `l`, it draws in turn. No field asks." in text


def test_a_bar_in_a_sentence_does_not_end_its_cell() -> None:
    assert rows(catalogue.page([replace(CS1, sentence="a|b")])) == [
        "| CS1 | a\\|b | `Kind/name` | core | none |"
    ]


def test_verdicts_are_those_of_the_results_that_are_given() -> None:
    results = samples.results(
        (
            samples.requirement("pass", id="CS1", variant="a"),
            samples.requirement("pass", id="CS1", variant="b"),
            samples.requirement("pass", id="CS2", variant="a"),
            samples.requirement("fail", id="CS2", variant="b"),
        )
    )
    text = catalogue.page([CS1, CS2, replace(CS1, id="CS3")], results)
    assert [row.rsplit(" | ", 1)[1] for row in rows(text)] == [
        "pass |",
        "a: pass, b: fail |",
        "not run |",
    ]


def test_a_written_page_keeps_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        catalogue.main(["--write", "--results", "reports/out/latest"])
    assert "leave out --results" in capsys.readouterr().err


def test_results_that_cannot_be_used_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert catalogue.main(["--results", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
