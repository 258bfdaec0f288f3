"""A workflow's annotations: one line for each thing that is red, and none for what is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import __main__ as command
from reports.publish import report_of
from reports.render.workflow import SHOWN, annotation, of_report
from reports.schema import Requirement, Results, Status
from reports.upgrade_schema import Upgrade
from reports.wording import printable
from tests import samples, upgrade_samples


@given(title=st.text(), message=st.text())
def test_an_annotation_is_one_command_whatever_the_texts(title: str, message: str) -> None:
    line = annotation(title, message)
    assert not {"\r", "\n"} & set(line)
    given, separator, told = line.removeprefix("::error title=").partition("::")
    assert separator
    assert not {":", ","} & set(given)
    for written, meant in ((given, title), (told, message)):
        plain = re.sub("%(0D|0A|3A|2C|25)", lambda m: chr(int(m[1], 16)), written)
        assert printable(plain) == printable(meant)


def lines_of(told: Results | Upgrade) -> list[str]:
    return of_report(report_of(told))


def asked(n: int, verdict: Status) -> Requirement:
    return samples.requirement(verdict, id=f"CS{n}", sentence="It is so.", reason="It is not.")


def test_each_requirement_that_is_red_is_told_failures_first() -> None:
    verdicts: tuple[Status, ...] = ("inconclusive", "pass", "fail", "skip")
    red = samples.results(tuple(asked(n, verdict) for n, verdict in enumerate(verdicts)))
    assert lines_of(red) == [
        "::error title=CS2 failed::It is so. It is not.",
        "::error title=CS0 inconclusive::It is so. It is not.",
        "::error title=CS3 skipped::It is so. It is not.",
    ]


def test_nothing_is_told_of_what_passed() -> None:
    green = samples.results((asked(1, "pass"),))
    allowed = samples.results((asked(1, "pass"), asked(2, "skip")), status="passed")
    assert (lines_of(green), lines_of(allowed)) == ([], [])
    assert lines_of(upgrade_samples.bare(upgrade_samples.stream())) == []


def test_a_run_that_asked_nothing_says_why() -> None:
    none = samples.results((), status="failed").model_copy(update={"notes": ("No clusters.",)})
    assert lines_of(none) == [
        "::error title=Failed%3A no requirement was asked::No clusters.",
    ]


def test_of_more_than_are_shown_the_last_says_how_many() -> None:
    red = samples.results(tuple(asked(n, "fail") for n in range(SHOWN + 5)))
    lines = lines_of(red)
    assert len(lines) == SHOWN
    assert lines[-2] == f"::error title=CS{SHOWN - 2} failed::It is so. It is not."
    assert lines[-1].endswith("::and 6 more: the report in the artifact has them all")
    just = samples.results(tuple(asked(n, "fail") for n in range(SHOWN)))
    assert lines_of(just)[-1].startswith(f"::error title=CS{SHOWN - 1} failed::")


def test_an_upgrades_findings_are_told() -> None:
    red = upgrade_samples.stream("fail", upgrade_samples.outage(), reason="shut for 4 s")
    (line,) = lines_of(upgrade_samples.bare(red))
    assert line == f"::error title=stream {red.key} failed::{red.sentence} shut for 4 s"


def test_an_upgrade_that_was_interrupted_is_told_as_such() -> None:
    broken = upgrade_samples.bare(upgrade_samples.stream(), status="interrupted")
    (line,) = lines_of(broken)
    assert line.startswith("::error title=Interrupted%3A ")


def test_the_command_tells_a_run_an_upgrade_and_that_there_is_neither(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["annotate", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("::error title=no results::")
    samples.results((asked(1, "fail"),)).save(tmp_path / "results.json")
    assert command.main(["annotate", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "::error title=CS1 failed::It is so. It is not.\n"
    upgrade_samples.bare(upgrade_samples.stream("fail")).save(tmp_path / "upgrade.json")
    assert command.main(["annotate", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("::error title=stream ")
