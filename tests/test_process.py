"""Running programs: their output, their end, and errors that can be pasted."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.errors import CommandError
from clusters.process import TAIL, answers, environment, pasted, run

PYTHON = sys.executable


def test_output_is_returned_and_standard_error_is_not() -> None:
    said = run(["sh", "-c", "echo out; echo err >&2"])
    assert said == "out\n"


def test_a_program_gets_its_folder_environment_and_input(tmp_path: Path) -> None:
    said = run(["sh", "-c", "pwd; echo $WORD; cat"], cwd=tmp_path, env={"WORD": "w"}, stdin="in")
    assert said == f"{tmp_path}\nw\nin"


def test_without_input_a_program_reads_nothing() -> None:
    assert run(["cat"], timeout=5) == ""


def test_the_users_kubeconfig_is_never_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/user/.kube/config")
    assert run(["sh", "-c", "echo ${KUBECONFIG-none}"]) == "none\n"
    assert environment({"A": "b"})["A"] == "b"
    assert os.environ["KUBECONFIG"], "only the program's environment is without it"


def test_a_failure_repeats_the_end_of_what_was_said_and_the_command() -> None:
    script = "for n in $(seq 99); do echo line $n >&2; done; exit 7"
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", script], env={"A": "b c"})
    assert caught.value.expected == f"exit status 0 of A='b c' sh -c {shlex.quote(script)}"
    status, *tail = caught.value.seen.splitlines()
    assert status == "exit status 7"
    assert tail == [f"line {n}" for n in range(100 - TAIL, 100)]


def test_a_log_gets_all_output_and_the_error_names_it(tmp_path: Path) -> None:
    log = tmp_path / "below" / "it.log"
    assert run(["sh", "-c", "echo out; echo err >&2"], log=log) == ""
    assert sorted(log.read_text().split()) == ["err", "out"]
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", "echo said; exit 1"], log=log)
    assert "said" in caught.value.seen
    assert caught.value.look == f"less {log}"


def test_what_is_no_text_does_no_harm() -> None:
    assert run([PYTHON, "-c", r"import os; os.write(1, b'a\xff')"]) == "a�"


def test_a_program_that_takes_too_long_is_stopped() -> None:
    began = time.monotonic()
    with pytest.raises(CommandError, match="sleep 60 to end within 0 s"):
        run(["sleep", "60"], timeout=0.1)
    assert time.monotonic() - began < 30


def test_a_program_that_is_not_there_or_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="the program plumbline-no-such-program"):
        run(["plumbline-no-such-program"])
    plain = tmp_path / "plain"
    plain.touch(mode=0o644)
    with pytest.raises(CommandError, match=f"the program {plain}"):
        run([plain])


def test_a_folder_that_is_not_there_is_not_blamed_on_the_program(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        run(["true"], cwd=tmp_path / "nowhere")
    assert "nowhere" in caught.value.seen


def test_answers_says_whether_a_program_ends_well_in_time() -> None:
    assert answers(["true"])
    assert not answers(["false"])
    assert not answers(["sleep", "60"], timeout=0.1)
    assert not answers(["plumbline-no-such-program"])


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.lists(WORDS, max_size=4))
def test_a_pasted_command_is_read_by_a_shell_as_it_was_given(words: list[str]) -> None:
    given_ = ["program", *words]
    assert shlex.split(pasted(given_, {"KEY": "a b"})) == ["KEY=a b", *given_]
