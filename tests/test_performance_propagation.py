"""Changes of a route: when they are in force everywhere, and how clients tell of them."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.errors import CommandError
from clusters.remote import SUCCESS, Container, Ended
from fixtures.history import History
from fixtures.history.verdict import Outcome
from fixtures.traffic import changes as traffic
from fixtures.traffic.changes import Heard, Peer, listening
from fixtures.traffic.client import ClientPod
from fixtures.traffic.pod import changes as program
from suites.performance.changed import HOST, route
from suites.performance.propagation import (
    BUDGET,
    CHANGES,
    Change,
    in_force_everywhere,
    in_order,
)
from tests.histories import FAIL, INCONCLUSIVE, PASS, window

CALM = History((), [window(ended=10, stalled=1)])
PRESSED = History((), [window(ended=10, stalled=9)])
SOON, LATE = 0.3, BUDGET + 1


def changes(*seconds: float, since: float = 0.02) -> list[Change]:
    """Changes that took so long at one client, and a tenth of a second at the other."""
    return [
        Change(f"m-{n}", 10.0 * n, {"one": Heard(f"m-{n}", 10.0 * n + took, since), "other": heard})
        for n, took in enumerate(seconds)
        for heard in [Heard(f"m-{n}", 10.0 * n + 0.1, 0.02)]
    ]


def judged(some: Sequence[Change], machines: History = CALM) -> Outcome:
    return in_force_everywhere(some, ["one", "other"], machines).outcome


@pytest.mark.parametrize(
    ("seconds", "outcome"),
    [
        ([SOON] * CHANGES, PASS),
        ([SOON] * (CHANGES - 1) + [LATE], PASS),
        ([SOON] * (CHANGES - 2) + [LATE] * 2, FAIL),
        ([LATE] * 2, FAIL),
        ([SOON] * (CHANGES - 1), INCONCLUSIVE),
        ([], INCONCLUSIVE),
    ],
)
def test_all_but_one_are_in_force_within_the_budget(seconds: list[float], outcome: Outcome) -> None:
    assert judged(changes(*seconds)) is outcome


def test_the_slowest_client_decides_and_the_numbers_tell_it() -> None:
    times = [SOON + n / 100 for n in range(CHANGES)]
    verdict = in_force_everywhere(changes(*times), ["one", "other"], CALM)
    assert (verdict.numbers["p95_s"], verdict.numbers["slowest_s"]) == (0.48, 0.49)


def test_what_never_came_is_a_failure_and_names_the_client() -> None:
    only_one = Change("m-0", 0.0, {"one": Heard("m-0", 0.1, 0.02)})
    verdict = in_force_everywhere([only_one], ["one", "other"], PRESSED)
    assert (verdict.outcome, verdict.reason) == (FAIL, "change 1 never came to other")


def test_nobody_knows_when_it_came_if_nobody_asked() -> None:
    assert judged(changes(*[LATE] * 2, since=LATE)) is INCONCLUSIVE


def test_that_a_pressed_machine_is_late_says_nothing() -> None:
    assert judged(changes(*[LATE] * 2), PRESSED) is INCONCLUSIVE


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["404", "m-0", "m-1", "m-2"], PASS),
        (["m-0", "m-1"], PASS),
        (["404"], PASS),
        (["m-0", "m-2"], FAIL),
        (["m-0", "m-1", "m-0"], FAIL),
        (["m-1", "m-2"], FAIL),
        (["m-0", "503", "m-1", "m-2"], FAIL),
        (["m-0", "m-1", "m-2", "404"], FAIL),
    ],
)
def test_changes_come_in_their_order(answers: list[str], outcome: Outcome) -> None:
    heard = {"one": [Heard(each, 0.0, 0.0) for each in answers], "other": []}
    assert in_order(changes(*[SOON] * 3), heard).outcome is outcome


@given(st.integers(0, 5), st.integers(1, 5))
def test_no_going_back_is_passed_over(first: int, back: int) -> None:
    order = changes(*[SOON] * 12)
    answers = [each.answer for each in order[: first + back + 1]]
    heard = [Heard(each, 0.0, 0.0) for each in [*answers, answers[first]]]
    assert in_order(order, {"one": heard}).outcome is FAIL


def test_a_route_is_answered_by_the_sidecar() -> None:
    spec = route("m-1")["spec"]
    assert spec["hosts"] == [HOST]
    assert spec["http"] == [{"directResponse": {"status": 200, "body": {"string": "m-1"}}}]


@contextmanager
def answering(answers: list[tuple[int, str]]) -> Iterator[int]:
    """A server that gives these answers one after another, and then the last of them; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def test_each_change_of_an_answer_is_told_once(tmp_path: Path) -> None:
    answers = [(404, "none"), (404, "none"), (200, "m-0"), (200, "m-0"), (200, "m-1"), (503, "no")]
    out = io.StringIO()
    with answering(answers) as port:
        plan = {
            "address": "127.0.0.1", "port": port, "host": HOST, "interval": 0.01,
            "seconds": 0.4, "until": str(tmp_path / "ended"),
        }  # fmt: skip
        program.tell_changes(plan, {"cluster": "here"}, out)
    *lines, last = map(json.loads, out.getvalue().splitlines())
    assert [line["answer"] for line in lines] == ["404", "m-0", "m-1", "503"]
    assert all(0 <= line["since"] < 0.4 for line in lines)
    assert (last["window"]["cluster"], last["window"]["lines"]) == ("here", 4)


def test_its_file_ends_it_and_nobody_there_is_an_answer_too(tmp_path: Path) -> None:
    with answering([(200, "x")]) as port:
        pass
    until, out = tmp_path / "ended", io.StringIO()
    plan = {
        "address": "127.0.0.1", "port": port, "host": HOST, "interval": 0.01,
        "seconds": 60, "until": str(until),
    }  # fmt: skip
    threading.Timer(0.1, until.touch).start()
    program.tell_changes(plan, {}, out)
    assert json.loads(out.getvalue().splitlines()[0])["answer"] == "ConnectionRefusedError"
    assert not until.exists()


@dataclass
class Kube:
    """A cluster whose clients tell these answers and go on until their file is touched."""

    answers: list[str]
    dies: str = ""
    touched: threading.Event = field(default_factory=threading.Event)
    cluster: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(name="aws-cluster"))

    def run(self, _container: Container, _command: list[str], **how: Any) -> Ended:
        for answer in self.answers:
            how["heard"](json.dumps({"answer": answer, "since": 0.01}))
        how["speaking"].set()
        if self.dies:
            return Ended("", "no such file", self.dies)
        assert self.touched.wait(10)
        last = window(ended=5, stalled=1).model_dump_json()
        return Ended(f'{{}}\n{{"window":{last}}}\n', "", SUCCESS)

    def exec(self, _container: Container, command: list[str]) -> str:
        assert command[0] == "touch"
        self.touched.set()
        return ""

    def kubectl(self, words: str) -> str:
        return words


def client(kube: Kube, pod: str) -> ClientPod:
    return ClientPod(kube, "n", pod, "i")  # type: ignore[arg-type]


def test_clients_are_heard_at_once_and_waited_for_together() -> None:
    kube, slow = Kube(["404", "m-0"]), Kube(["404"])
    with listening([client(kube, "one"), client(slow, "other")], Peer("1.2.3.4", 80, HOST)) as told:
        assert told.wait("m-0", 0.05).keys() == {"one"}
        news = json.dumps({"answer": "m-0", "since": 0.5})
        threading.Timer(0.1, told.hear, ("other", news)).start()
        known = told.wait("m-0", 10)
        assert known.keys() == {"one", "other"}
        assert known["other"].since == 0.5
        assert known["other"].at <= time.monotonic()
    assert len(told.windows.windows) == 2
    assert kube.touched.is_set()


def test_a_client_whose_program_died_is_an_error() -> None:
    kube = Kube([], dies="exit code 1")
    with (
        pytest.raises(CommandError, match=r"changes\.py in one"),
        listening([client(kube, "one")], Peer("1.2.3.4", 80, HOST)) as told,
    ):
        assert not told.wait("m-0", 0.01)


def test_it_lasts_longer_than_its_changes() -> None:
    assert traffic.LONGEST > CHANGES * BUDGET
