"""A program in a pod is read to its end, and who wants to hears each line of it at once."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import Any

from kubernetes.stream.ws_client import ERROR_CHANNEL, STDOUT_CHANNEL
from websocket import WebSocketConnectionClosedException

from clusters import remote


class Socket:
    """A websocket that has these pieces of standard output, one at each look."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.ready = list(pieces), b""
        self.sock = SimpleNamespace(shutdown=lambda: None)

    def is_open(self) -> bool:
        return bool(self.pieces)

    def update(self, *, timeout: int) -> None:
        assert timeout
        self.ready = self.pieces.pop(0)

    def read_channel(self, channel: int) -> bytes:
        if channel == ERROR_CHANNEL:
            return json.dumps({"status": remote.SUCCESS}).encode()
        said, self.ready = (self.ready, b"") if channel == STDOUT_CHANNEL else (b"", self.ready)
        return said

    def close(self) -> None:
        """Nothing."""


def test_each_whole_line_is_heard_once_and_all_is_returned() -> None:
    heard: list[str] = []
    speaking = threading.Event()
    socket: Any = Socket(b"", b"one\ntw", b"o\nthree\n", b"fo")
    ended = remote.talk(socket, "", 10, speaking, heard.append)
    assert heard == ["one", "two", "three"]
    assert ended == remote.Ended("one\ntwo\nthree\nfo", "", remote.SUCCESS)
    assert speaking.is_set()


def test_nobody_need_hear() -> None:
    socket: Any = Socket(b"one\n")
    assert remote.talk(socket, "", 10).out == "one\n"


def test_a_connection_that_is_cut_is_an_end_with_what_came_before() -> None:
    class Cut(Socket):
        def update(self, *, timeout: int) -> None:
            if len(self.pieces) == 1:
                raise WebSocketConnectionClosedException("Connection to remote host was lost.")
            super().update(timeout=timeout)

        def close(self) -> None:
            raise BrokenPipeError

    socket: Any = Cut(b"one\n", b"two\n")
    how = "the connection was cut: Connection to remote host was lost."
    assert remote.talk(socket, "", 10) == remote.Ended("one\n", "", how)
