"""Progress: what is timed and said, also when a step fails; times become estimates."""

from __future__ import annotations

import io
import json
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from clusters.progress import Progress


def progress(file: Path) -> tuple[Progress, io.StringIO]:
    out = io.StringIO()
    return Progress(file, Console(file=out, width=200)), out


def test_a_step_is_timed_and_said(tmp_path: Path) -> None:
    timed, out = progress(tmp_path / "estimates.json")
    with timed.step("node", "aws-cluster"):
        pass
    (stage,) = timed.stages
    assert (stage.name, stage.cluster) == ("node", "aws-cluster")
    assert 0 <= stage.started <= stage.started + stage.seconds < 60
    assert "… aws-cluster: node" in out.getvalue()
    assert "✓ aws-cluster: node" in out.getvalue()


def test_a_failed_step_is_recorded_and_is_no_estimate(tmp_path: Path) -> None:
    file = tmp_path / "estimates.json"
    timed, out = progress(file)
    with pytest.raises(ZeroDivisionError), timed.step("images"):
        raise ZeroDivisionError
    assert [stage.name for stage in timed.stages] == ["images"]
    assert "✗ images" in out.getvalue()
    assert "✓" not in out.getvalue()
    assert not file.exists()


def test_the_last_time_is_the_next_estimate(tmp_path: Path) -> None:
    file = tmp_path / "below" / "estimates.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"images": 223.4, "quick": 0.2}))
    timed, out = progress(file)
    timed.expect({"images": 900, "root": 50})
    for name in ("images", "root", "quick", "new"):
        with timed.step(name):
            pass
    said = out.getvalue()
    assert "images (about 223 s)" in said, "a time of this machine outweighs a guess"
    assert "root (about 50 s)" in said
    assert said.count("about") == 2
    assert set(json.loads(file.read_text())) == {"images", "root", "quick", "new"}


@pytest.mark.parametrize("text", ["", "half {", "[1]", '{"images": "x"}', "null"])
def test_a_broken_file_of_estimates_is_passed_over(tmp_path: Path, text: str) -> None:
    file = tmp_path / "estimates.json"
    file.write_text(text)
    timed = Progress(file, Console(file=io.StringIO()), clock=lambda: 0.0)
    with timed.step("images"):
        pass
    assert json.loads(file.read_text()) == {"images": 0.0}


def test_stages_are_in_the_order_they_began_whoever_ended_first(tmp_path: Path) -> None:
    timed, _ = progress(tmp_path / "estimates.json")
    with timed.step("outer"):
        time.sleep(0.02)  # stages are kept to a hundredth of a second
        with timed.step("inner"):
            pass
    assert [stage.name for stage in timed.stages] == ["outer", "inner"]


def test_what_looks_like_markup_is_said_as_it_is(tmp_path: Path) -> None:
    timed, out = progress(tmp_path / "estimates.json")
    timed.say("[red]plain[/]")
    assert "[red]plain[/]" in out.getvalue()


def test_a_step_that_takes_long_tells_how_far_it_is(tmp_path: Path) -> None:
    now, out = [0.0], io.StringIO()
    console = Console(file=out, width=200)
    timed = Progress(tmp_path / "estimates.json", console, lambda: now[0], every=30)
    timed.expect({"images": 223})
    said = []

    def at(second: float) -> None:
        now[0] = second
        before = len(out.getvalue())
        timed.tell()
        said.append(out.getvalue()[before:].strip())

    with timed.step("images"), timed.step("programs of go", detail=lambda: "412 [packages]"):
        at(29.9)
        at(30.0)
        at(59.0)
        at(61.0)
    at(200.0)
    assert said[0] == said[2] == said[4] == ""
    images, programs = said[1].splitlines()
    assert images == "30.0 … images 30 s so far, of about 223"
    assert programs.strip() == "30.0 … programs of go 30 s so far, 412 [packages]"
    assert "61 s so far" in said[3]


def test_what_tells_of_a_step_ends_with_it(tmp_path: Path) -> None:
    told, before = threading.Event(), threading.active_count()

    def far() -> str:
        told.set()
        return "far"

    out = io.StringIO()
    timed = Progress(tmp_path / "estimates.json", Console(file=out, width=200), every=0.01)
    with timed.step("images", detail=far):
        assert told.wait(10)
    assert threading.active_count() == before
    assert "s so far, far" in out.getvalue()


def test_a_terminal_without_the_signs_is_told_in_words(tmp_path: Path) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    timed = Progress(tmp_path / "estimates.json", Console(file=out, width=200))
    with pytest.raises(ZeroDivisionError), timed.step("images"):
        raise ZeroDivisionError
    with timed.step("root"):
        pass
    out.flush()
    said = raw.getvalue().decode("ascii")
    assert ".. images" in said
    assert "failed images" in said
    assert "ok root" in said


def test_a_long_line_stays_in_one_piece(tmp_path: Path) -> None:
    """A log's reader searches for an address, and a person copies a command."""
    out = io.StringIO()
    words = "look: " + "https://registry.example/" + "x" * 120 + " once more"
    Progress(tmp_path / "e.json", Console(file=out, width=80)).say(words)
    assert out.getvalue().rstrip("\n").endswith(words)
