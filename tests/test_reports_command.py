"""Publishing a run and the command line: files, the link to the latest, exit statuses, errors."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clusters.errors import PlaceError
from reports import __main__ as command
from reports import publish as publishing
from reports.publish import LATEST, STEP_SUMMARY, publish
from reports.reading import FILE, read
from reports.schema import Results
from tests import samples

FORMS = {FILE, "junit.xml", "summary.md", "report.html"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the step summary of whoever runs the tests."""
    monkeypatch.delenv(STEP_SUMMARY, raising=False)


def small(status: str | None = None) -> Results:
    """A run that is rendered fast: nothing of it is drawn."""
    changed = {"stages": (), "status": status or "passed"}
    return samples.results((samples.requirement(),)).model_copy(update=changed)


def test_publishing_writes_all_forms_and_points_latest_there(tmp_path: Path) -> None:
    publish(small(), tmp_path / "out" / "one")
    publish(small("failed"), tmp_path / "out" / "two")
    assert {path.name for path in (tmp_path / "out" / "two").iterdir()} == FORMS
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"one", "two", LATEST}
    link = tmp_path / "out" / LATEST
    assert str(link.readlink()) == "two"
    assert read(link) == small("failed")


def test_latest_is_this_run_even_when_a_form_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(results: Results) -> str:
        raise RuntimeError("no page today")

    publish(small(), tmp_path / "one")
    monkeypatch.setattr(publishing, "html", broken)
    with pytest.raises(RuntimeError):
        publish(small("interrupted"), tmp_path / "two")
    assert read(tmp_path / LATEST).status == "interrupted"


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_not_our_link_is_left_alone(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latest = tmp_path / LATEST
    if kind == "folder":
        latest.mkdir()
        (latest / "summary.md").write_text("old", encoding="utf-8")
    else:
        latest.write_text("old", encoding="utf-8")
    publish(small(), tmp_path / "one")
    assert {path.name for path in tmp_path.iterdir()} == {LATEST, "one"}
    assert {path.name for path in (tmp_path / "one").iterdir()} == FORMS
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"{latest} is no link and was left alone: this run is one; look: rm -r {latest}"
    assert not latest.is_symlink()


def test_a_disk_without_links_costs_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    publish(small(), tmp_path / "one")
    assert {path.name for path in (tmp_path / "one").iterdir()} == FORMS
    assert "which is this run: Operation not permitted" in capsys.readouterr().err


def test_a_step_summary_that_cannot_be_written_costs_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STEP_SUMMARY, "/nowhere/summary.md")
    small("failed").save(tmp_path / FILE)
    assert command.main(["render", str(tmp_path)]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "no step summary: GITHUB_STEP_SUMMARY=/nowhere/summary.md: No such file or directory"
    )


def test_a_full_disk_is_told_with_the_file_that_was_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PlaceError, match="No space left") as caught:
        publish(small(), tmp_path / "one")
    assert caught.value.expected == f"to write {tmp_path / 'one' / FILE}"


def test_a_terminal_without_the_signs_is_told_all_the_same(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    publish(small().model_copy(update={"manifests": "/m/prüfung-é"}), tmp_path / "one")
    words = [sys.executable, "-m", "reports", "show", str(tmp_path / "one")]
    done = subprocess.run(words, capture_output=True, env=environ, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"pr?fung-?" in done.stdout


def test_render_makes_the_forms_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "step.md"
    summary.write_text("before\n")
    monkeypatch.setenv(STEP_SUMMARY, str(summary))
    small("failed").save(tmp_path / FILE)
    assert command.main(["render", str(tmp_path)]) == 0
    assert {Path(line).name for line in capsys.readouterr().out.split()} == {
        *FORMS - {FILE},
        "step.md",
    }
    assert summary.read_text() == "before\n" + (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize(("status", "ends"), [("passed", 0), ("failed", 1), ("interrupted", 1)])
def test_show_ends_with_the_status_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: str, ends: int
) -> None:
    small(status).save(tmp_path / FILE)
    assert command.main(["show", str(tmp_path)]) == ends
    assert capsys.readouterr().out.lower().startswith(status)


def test_show_takes_the_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(small(), tmp_path / "one")
    monkeypatch.setattr(command, "OUT", tmp_path)
    assert command.main(["show"]) == 0


@pytest.mark.parametrize("asked", ["show", "render"])
def test_bad_input_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    assert command.main([asked, str(tmp_path / "nothing")]) == command.BAD_INPUT
    said = capsys.readouterr().err
    assert said.startswith(f"python -m reports {asked}: ")
    assert ", saw No such file" in said


def test_schema_prints_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["properties"]) == set(Results.model_fields)


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    assert "python -m reports render reports/out/RUN" in capsys.readouterr().out


def test_no_command_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([])
    assert ended.value.code == command.BAD_INPUT
    assert "COMMAND" in capsys.readouterr().err
