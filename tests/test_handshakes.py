"""The programs that shake hands by TLS: what a server shows is told, once or again and again."""

from __future__ import annotations

import io
import json
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from fixtures.history.certificates import Chain, Handshake, Shown
from fixtures.traffic.handshake import HTTP, Peer, Rounds
from fixtures.traffic.pod import handshake, sealed
from fixtures.traffic.sealed import Own, Served, own_certificate
from suites.service_mesh.own_certificates import FOR_ITS_VERSION, OLD, refuses_the_old
from tests.histories import FAIL, PASS
from tests.peer import free_port

NAME = "letter.example.com"
REQUEST = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n"


@pytest.fixture(scope="module")
def own() -> Own:
    return own_certificate(NAME)


@contextmanager
def serving(folder: Path, own: Own) -> Iterator[tuple[int, list[Served]]]:
    """A server on this machine, and what came to it once the block has ended."""
    port, until, out = free_port(), folder / "ended", io.StringIO()
    plan = {
        "name": "letter", "port": port, "certificate": own.certificate, "key": own.key,
        "seconds": 30, "until": str(until),
    }  # fmt: skip
    thread = threading.Thread(target=sealed.serve, args=(plan, out))
    thread.start()
    came: list[Served] = []
    try:
        while not out.getvalue():
            time.sleep(0.01)
        yield port, came
    finally:
        until.touch()
        thread.join()
        came.append(Served.model_validate_json(out.getvalue().splitlines()[-1]))


def peer(port: int, **fields: Any) -> dict[str, Any]:
    return Peer("127.0.0.1", port, alpn=HTTP, **fields).plan


def shaken(plan: dict[str, Any]) -> Handshake:
    return Handshake.model_validate(handshake.shake(plan))


@pytest.mark.parametrize(("version", "spoken"), [("TLSv1_2", "TLSv1.2"), ("TLSv1_3", "TLSv1.3")])
def test_a_server_shows_its_own_and_is_asked_by_its_name(
    tmp_path: Path, own: Own, version: str, spoken: str
) -> None:
    with serving(tmp_path, own) as (port, came):
        shown = shaken(peer(port, server_name=NAME, version=version, request=REQUEST))
    assert shown.version == spoken
    assert Chain.parse(shown.chain).digest == own.digest
    answer = json.loads(shown.answer.rpartition("\r\n\r\n")[2])
    assert answer == {"service": "letter", "server_name": NAME}
    assert came == [Served(names=(NAME,), requests=1)]


def test_whoever_names_nobody_is_known_by_it(tmp_path: Path, own: Own) -> None:
    with serving(tmp_path, own) as (port, came):
        assert not shaken(peer(port)).error
    assert came == [Served(names=("",))]


def speak_plainly(port: int) -> None:
    """Ask without TLS, and wait until the server has hung up."""
    with socket.create_connection(("127.0.0.1", port), 3) as plain, suppress(ConnectionError):
        plain.sendall(REQUEST.encode())
        plain.recv(100)


def test_what_is_no_tls_is_counted(tmp_path: Path, own: Own) -> None:
    with serving(tmp_path, own) as (port, came):
        speak_plainly(port)
    assert came == [Served(others=1)]


def test_a_server_that_takes_no_old_version_says_why(tmp_path: Path, own: Own) -> None:
    with serving(tmp_path, own) as (port, _):
        shown = shaken(peer(port, version=OLD))
    assert FOR_ITS_VERSION in shown.error
    assert refuses_the_old({NAME: shown}).outcome is PASS


def test_the_old_version_is_truly_offered(
    tmp_path: Path, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = sealed._context

    def lax(plan: dict[str, Any], names: list[str]) -> ssl.SSLContext:
        weak = context(plan, names)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            weak.minimum_version = ssl.TLSVersion.TLSv1
        weak.set_ciphers("DEFAULT:@SECLEVEL=0")
        return weak

    monkeypatch.setattr(sealed, "_context", lax)
    with serving(tmp_path, own) as (port, _):
        shown = shaken(peer(port, version=OLD))
    assert shown.version == "TLSv1.1"
    assert refuses_the_old({NAME: shown}).outcome is FAIL


def test_a_peer_that_is_not_there_is_an_error() -> None:
    assert "refused" in shaken(peer(free_port())).error


def going_on(plan: dict[str, Any]) -> list[Shown]:
    out = io.StringIO()
    handshake.go_on(plan, out)
    first, *lines = out.getvalue().splitlines()
    assert first == "{}"
    return [Shown.model_validate_json(line) for line in lines]


def plan_of(rounds: Rounds, until: Path, *peers: dict[str, Any]) -> dict[str, Any]:
    return {**rounds._asdict(), "peers": list(peers), "until": str(until)}


def test_it_goes_on_until_what_is_sought_was_shown_so_often(tmp_path: Path, own: Own) -> None:
    rounds = Rounds(0.01, 20, own.digest, more=2)
    with serving(tmp_path, own) as (port, _):
        shown = going_on(plan_of(rounds, tmp_path / "no", peer(free_port()), peer(port)))
    assert [each.peer for each in shown] == [0, 1] * 3
    assert [each.own for each in shown] == ["", own.digest] * 3
    assert [bool(each.chain) for each in shown] == [False, True, False, False, False, False]
    assert [each.at for each in shown] == sorted(each.at for each in shown)
    assert all(each.error for each in shown if each.peer == 0)


def test_it_ends_in_time_and_when_it_is_told(tmp_path: Path) -> None:
    port = free_port()
    assert 1 <= len(going_on(plan_of(Rounds(0.05, 0.12), tmp_path / "no", peer(port)))) <= 3
    (tmp_path / "yes").touch()
    assert going_on(plan_of(Rounds(0.05, 20), tmp_path / "yes", peer(port))) == []


def test_a_key_is_not_in_what_is_printed(own: Own) -> None:
    assert "PRIVATE" in own.key
    assert own.key not in repr(own)
