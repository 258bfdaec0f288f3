"""Running programs: their output, their end, and errors that can be pasted."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.errors import CommandError
from clusters.process import TAIL, answers, command_line, environment, pipe, run

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
    assert shlex.split(command_line(given_, {"KEY": "a b"})) == ["KEY=a b", *given_]


def test_output_is_read_while_a_program_runs() -> None:
    """It ends only when the reader has answered, so nothing waits for its end before."""
    script = "echo first; for _ in $(seq 5000000); do [ -e $ANSWER ] && exit; done; exit 1"
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        with pipe(["sh", "-c", script], env={"ANSWER": str(answer)}) as output:
            assert output.readline() == b"first\n"
            answer.touch()


def test_what_a_reader_leaves_is_no_failure() -> None:
    with pipe(["sh", "-c", "head -c 3000000 /dev/zero"]) as output:
        assert output.read(2) == bytes(2)


def test_a_program_that_fails_tells_why_also_to_a_reader_whom_it_left_without_an_end() -> None:
    with (
        pytest.raises(CommandError, match=r"exit status 7\nno such image\n") as caught,
        pipe(["sh", "-c", "echo no such image >&2; exit 7"]) as output,
    ):
        raise EOFError(output.read())
    assert caught.value.expected.startswith("exit status 0 of sh -c ")
    with pytest.raises(CommandError, match="exit status 7"), pipe(["sh", "-c", "exit 7"]):
        pass


def test_a_readers_own_failure_stays_its_own_and_ends_the_program() -> None:
    with pytest.raises(OSError, match="disk full"), pipe(["cat", "/dev/zero"]):
        raise OSError("disk full")


def test_a_program_that_is_read_for_too_long_is_stopped() -> None:
    began = time.monotonic()
    with (
        pytest.raises(CommandError, match=r"within 0 s\nseen: +exit status -9"),
        pipe(["sleep", "60"], timeout=0.3),
    ):
        pass
    assert time.monotonic() - began < 30


def test_a_program_that_is_not_there_cannot_be_read() -> None:
    with (
        pytest.raises(CommandError, match="the program no-such-program"),
        pipe(["no-such-program"]),
    ):
        pass
