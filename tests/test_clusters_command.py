"""python -m clusters: its help, and bad input with a clear error and nothing half done."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clusters import __main__ as command
from clusters import bringup, doctor, engine, lock, teardown, versions
from clusters.errors import InterruptedRunError
from clusters.finding import Finding
from clusters.home import Home
from tests.test_lock import HOLDER

COMMANDS = ("doctor", "up", "fetch", "images", "mirror", "status", "run", "logs", "down")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of the test's own, and no way to an engine or a bring-up."""

    def never(*_: object, **__: object) -> None:
        pytest.fail("it went on in spite of bad input")

    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    monkeypatch.delenv("PLUMBLINE_TOPOLOGY", raising=False)
    monkeypatch.delenv(lock.HELD, raising=False)
    for module, name in ((bringup, "up"), (teardown, "down"), (engine, "find"), (engine, "ensure")):
        monkeypatch.setattr(module, name, never)
    return Home(tmp_path)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What went to standard error; nothing went to standard output."""
    out, error = capsys.readouterr()
    assert out == ""
    return error


def test_help_names_every_command() -> None:
    """As a person starts it."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "clusters", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(f"\n    {name} " in done.stdout for name in COMMANDS)
    assert "examples:" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("argv", [[], ["flatten"], ["up", "--colour"], ["images"], ["mirror"]])
def test_wrong_words_are_refused_with_the_usage(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(argv)
    assert "usage: python -m clusters" in said(capsys)


GOOD, WARNED = (
    Finding("disk", "good", "room"),
    Finding("inotify", "warning", "few", "sysctl -w a=b"),
)
BAD = Finding("engine", "bad", "rootless [bold]", "a root's; " + "then " * 30 + "again")


@pytest.mark.parametrize(
    ("findings", "status", "words"),
    [
        ((GOOD,), 0, ("disk", "room", "next: make e2e")),
        ((GOOD, WARNED), 0, ("few", "! inotify: sysctl -w a=b\n", "next: make e2e")),
        ((WARNED, BAD), 1, ("rootless [bold]", f"engine: {BAD.mend}\n", "then make doctor")),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_doctor_tells_what_is_next_in_any_locale(
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
    findings: tuple[Finding, ...],
    status: int,
    words: tuple[str, ...],
) -> None:
    """A command that mends is never broken over lines."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    monkeypatch.setattr(doctor, "examine", lambda *_: findings)
    assert command.main(["doctor"]) == status
    sys.stdout.flush()
    text = written.getvalue().decode(encoding)
    assert all(word in text for word in words)
    assert ("✓" in text) == (encoding == "utf-8" and GOOD in findings)


def test_doctor_takes_no_options_that_it_would_not_heed() -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(["doctor", "--versions", "2026-08"])


@pytest.mark.parametrize("name", ["up", "down"])
def test_an_unknown_train_is_refused_with_those_there_are(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([name, "--versions", "1999-01"]) == 1
    error = said(capsys)
    assert "VersionsError" in error
    assert f"'1999-01'; there are: {', '.join(versions.names())}" in error


def test_the_train_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VERSIONS", "1999-02")
    assert command.main(["up"]) == 1
    assert "'1999-02'" in said(capsys)


def test_a_malformed_train_is_refused_by_file_line_and_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (versions.FOLDER / "2026-08.toml").read_text(encoding="utf-8")
    monkeypatch.setattr(versions, "FOLDER", tmp_path)
    lines = text.splitlines()
    line = next(n for n, each in enumerate(lines, 1) if each.startswith("istio ="))
    lines[line - 1] = 'istio = "latest"'
    file = tmp_path / "bad.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert command.main(["up", "--versions", "bad"]) == 1
    error = said(capsys)
    assert f"{file}, line {line}: versions.istio: a version such as 1.31.0" in error
    assert "seen:     'latest'" in error
    assert f"look:     $EDITOR +{line} {file}" in error


@pytest.mark.parametrize("argv", [["up"], ["down"], ["images", "echo"], ["mirror", "m:5000"]])
def test_a_second_run_is_told_who_holds_the_lock(
    argv: list[str], home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.root)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert command.main(argv) == 1
        error = said(capsys)
        assert "LockedError" in error
        assert f"seen:     up, process {holder.pid}, since" in error
        assert "make down" in error
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize("registry", ["https://m:5000", "mirror"])
def test_what_is_no_registrys_address_is_refused(
    registry: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["mirror", registry]) == 1
    error = said(capsys)
    assert "a registry as host:port or host:port/prefix" in error
    assert f"seen:     {registry}" in error


def test_a_clustermesh_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bringup, "up", lambda *words, **_: words[-1].plan())
    assert command.main(["up", "--mesh", str(tmp_path / "nowhere.yaml")]) == 1
    assert "nowhere.yaml" in said(capsys)


def test_status_without_a_topology_says_how_to_make_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["status"]) == 1
    error = said(capsys)
    assert "no such file" in error
    assert "make up" in error


@pytest.mark.parametrize(
    ("flags", "engine_too", "images_too"),
    [([], False, False), (["--images"], False, True), (["--engine"], True, False)],
)
def test_down_takes_images_only_if_it_is_said(
    monkeypatch: pytest.MonkeyPatch, flags: list[str], engine_too: bool, images_too: bool
) -> None:
    """Also with the IMAGES=1 of `make down` in the environment, which says nothing here."""
    calls: list[dict[str, object]] = []
    monkeypatch.setattr(teardown, "down", lambda *_, **given: calls.append(given))
    monkeypatch.setenv("IMAGES", "1")
    assert command.main(["down", *flags]) == 0
    assert calls == [{"with_engine": engine_too, "with_images": images_too}]


def test_an_interruption_has_its_own_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise InterruptedRunError("the end", seen="SIGTERM", look="make down")

    monkeypatch.setattr(bringup, "up", interrupted)
    assert command.main(["up"]) == 130
    assert "interrupted" in said(capsys)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--", "a", "-b"], ["a", "-b"]),
        (["a", "--", "b"], ["a", "--", "b"]),
        (["--", "a", "--", "b"], ["a", "--", "b"]),
        (["--"], []),
        ([], []),
    ],
)
def test_a_programs_own_words_are_left_as_they_are(given: list[str], words: list[str]) -> None:
    options = command.parser().parse_args(["run", *given])
    assert command._words(options.program) == words


def test_run_becomes_the_program_with_the_engines_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    became: list[object] = []
    host = "unix:///nowhere.sock"
    monkeypatch.setattr(engine, "ensure", lambda _: engine.Engine("e", host, None))
    monkeypatch.setattr(os, "execve", lambda *words: became.extend(words))
    monkeypatch.setenv("DOCKER_HOST", "before")
    monkeypatch.setenv("KUBECONFIG", "of/the/user")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("KIND_EXPERIMENTAL_DOCKER_NETWORK", "before")
    monkeypatch.setenv("DOCKER_CLI_HINTS", "before")
    assert command.main(["run", "--", "sh", "-c", "true"]) == 0
    assert str(became[0]).endswith("/sh")
    assert became[1] == ["sh", "-c", "true"]
    environ = became[2]
    assert isinstance(environ, dict)
    assert environ["DOCKER_HOST"] == host
    assert environ["KUBECONFIG"] == "of/the/user", "the program is the user's"
    assert "HTTPS_PROXY" not in environ
    assert environ["NO_PROXY"] == "*"


@pytest.mark.parametrize("words", [[], ["--"], ["--", "plumbline-no-such-program"]])
def test_run_without_a_program_is_refused(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "ensure", lambda _: engine.Engine("e", None, None))
    monkeypatch.setenv("DOCKER_CLI_HINTS", "before")
    monkeypatch.setenv("KIND_EXPERIMENTAL_DOCKER_NETWORK", "before")
    assert command.main(["run", *words]) == 1
    assert "a program after --" in said(capsys)
