"""Bytes as they are given, and WebSockets, to peers that are there and to some that are not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    RejectConnection,
    Request,
    TextMessage,
)

from fixtures.traffic.pod import raw, ws

Answering = Callable[[socket.socket], None]


@contextmanager
def serving(answer: Answering) -> Iterator[int]:
    """A server for one connection; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        thread.join(10)


def plan(port: int, send: str = "", *, greeting: bool = False) -> dict[str, Any]:
    return {
        "address": "127.0.0.1", "port": port, "send": send, "greeting": greeting, "timeout": 1.0,
    }  # fmt: skip


def test_bytes_are_sent_as_they_are_and_all_is_read() -> None:
    received = []

    def answer(peer: socket.socket) -> None:
        received.append(peer.recv(100))
        peer.sendall(b"one ")
        peer.sendall(b"two \xff")

    with serving(answer) as port:
        said = raw.exchange(plan(port, "GET \0 \xfe\n"))
    assert received == [b"GET \0 \xfe\n"]
    assert said["answer"] == "one two \xff"
    assert 0 < said["first"] < 1
    assert "error" not in said


def test_a_greeting_is_enough_where_it_is_wanted() -> None:
    waiting = threading.Event()

    def answer(peer: socket.socket) -> None:
        peer.sendall(b"welcome")
        waiting.wait(5)

    with serving(answer) as port:
        said = raw.exchange(plan(port, greeting=True))
        waiting.set()
    assert (said["answer"], "error" in said) == ("welcome", False)


def test_who_says_nothing_is_told_by_an_error() -> None:
    waiting = threading.Event()

    def answer(_: socket.socket) -> None:
        waiting.wait(5)

    with serving(answer) as port:
        said = raw.exchange({**plan(port), "timeout": 0.1})
        waiting.set()
    assert said["answer"] == ""
    assert "first" not in said
    assert said["error"].startswith("TimeoutError")
    assert raw.exchange(plan(port))["error"].startswith("ConnectionRefusedError")


def echoing(peer: socket.socket, *, rejecting: int = 0, garbling: bool = False) -> None:
    """The other side of a WebSocket, until it is closed."""
    connection = WSConnection(ConnectionType.SERVER)
    while data := peer.recv(4096):
        connection.receive_data(data)
        for event in connection.events():
            if isinstance(event, Request) and rejecting:
                peer.sendall(connection.send(RejectConnection(status_code=rejecting)))
                return
            if isinstance(event, Request):
                peer.sendall(connection.send(AcceptConnection()))
            if isinstance(event, TextMessage):
                text = "garbled" if garbling else event.data
                peer.sendall(connection.send(TextMessage(data=text)))
            if isinstance(event, CloseConnection):
                peer.sendall(connection.send(event.response()))
                return


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (echoing, {"status": 101, "frames": 20}),
        (lambda peer: echoing(peer, garbling=True), {"status": 101, "frames": 0}),
        (lambda peer: echoing(peer, rejecting=403), {"status": 403, "frames": 0}),
    ],
)
def test_a_websocket_says_what_came_of_it(answer: Answering, expected: dict[str, int]) -> None:
    with serving(answer) as port:
        said = ws.converse({"url": f"ws://127.0.0.1:{port}/ws", "frames": 20, "timeout": 5})
    assert said == expected


def test_nobody_there_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    said = ws.converse({"url": f"ws://127.0.0.1:{port}/ws", "frames": 1, "timeout": 1})
    assert said["status"] == 0
    assert "refused" in said["error"].lower()
