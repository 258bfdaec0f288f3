"""A peer that speaks HTTP/2 in clear text: it notes each request's headers and answers by path.

For the prober's tests. It plays no part of the lab.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

from tests.peer import ECHO

Request = list[tuple[str, str]]
"""The headers of a request in their order, `:path` and the like among them."""

GARBAGE = bytes(9)
"""A frame of data that is of no stream (RFC 9113, section 6.1)."""


class Http2Peer(ThreadingTCPServer):
    """What was seen so far: each request with the connection that it came by."""

    request_queue_size = 64  # of five, the default, a busy machine fills all and resets the next

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.seen: list[tuple[Request, object]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def requests(self, mark: str) -> list[Request]:
        """Those whose path contains `mark`."""
        return [request for request, _ in self.seen if mark in dict(request)[":path"]]

    def connections_of(self, mark: str) -> list[object]:
        return [where for request, where in self.seen if mark in dict(request)[":path"]]


class Connection(BaseRequestHandler):
    """One connection, from its preface to its end."""

    server: Http2Peer

    def handle(self) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()
        with suppress(ConnectionError, ProtocolError):
            while data := self.request.recv(65_536):
                for event in self.h2.receive_data(data):
                    self.take(event)
                self.flush()

    def take(self, event: object) -> None:
        if isinstance(event, RequestReceived):
            headers: Any = event.headers
            self.server.seen.append(([(name, value) for name, value in headers], self))
        if isinstance(event, StreamEnded):
            request = next(r for r, where in reversed(self.server.seen) if where is self)
            self.answer(dict(request)[":path"], event.stream_id)

    def answer(self, path: str, stream: int) -> None:
        """An echo's answer, or what the path asks for; /half has no body but garbage."""
        if path == "/reset":
            return self.h2.reset_stream(stream)
        if path == "/away":
            return self.h2.close_connection(last_stream_id=stream)
        if path != "/garbage":
            self.h2.send_headers(stream, [(":status", "200"), ("server", "peer")])
        if path in {"/garbage", "/half"}:
            self.flush()
            time.sleep(0.1)  # what was sent before is read by itself
            self.request.sendall(GARBAGE)
            return None
        return self.h2.send_data(stream, json.dumps(ECHO).encode(), end_stream=True)

    def flush(self) -> None:
        self.request.sendall(self.h2.data_to_send())


@contextmanager
def running() -> Iterator[Http2Peer]:
    """A peer in threads of its own, until the block ends."""
    with Http2Peer() as peer:
        thread = threading.Thread(target=peer.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield peer
        finally:
            peer.shutdown()
            thread.join()
