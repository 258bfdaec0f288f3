"""A peer that speaks gRPC over HTTP/2: it notes the calls and answers by the method's name.

For the tests of the program that makes calls. It plays no part of the lab.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

HEADERS = [(":status", "200"), ("content-type", "application/grpc")]


@dataclass
class Taken:
    """One call as it was taken: its headers and the bytes of its messages, with their prefixes."""

    headers: dict[str, str]
    where: object
    data: bytes = b""
    ended: bool = False


class GrpcPeer(ThreadingTCPServer):
    """What was seen so far: each call with the connection that it came by."""

    request_queue_size = 64
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[Taken] = []
        self.context = context

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Handler(BaseRequestHandler):
    """One connection, from its preface to its end."""

    server: GrpcPeer

    def handle(self) -> None:
        peer = self.request
        with suppress(OSError, ProtocolError):
            if self.server.context:
                peer = self.server.context.wrap_socket(peer, server_side=True)
            with peer:
                self.speak(peer)

    def speak(self, peer: socket.socket) -> None:
        self.peer, self.of = peer, dict[int, Taken]()
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()
        while data := peer.recv(65_536):
            for event in self.h2.receive_data(data):
                self.take(event)
            self.flush()

    def take(self, event: object) -> None:
        if isinstance(event, RequestReceived):
            headers: Any = event.headers
            call = Taken({str(name): str(value) for name, value in headers}, self)
            self.of[event.stream_id] = call
            self.server.seen.append(call)
        if isinstance(event, DataReceived):
            self.of[event.stream_id].data += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if self.of[event.stream_id].headers[":path"] == "/s/Watch":
                self.answer("/s/Watch", event.stream_id)
        if isinstance(event, StreamEnded):
            self.of[event.stream_id].ended = True
            self.answer(self.of[event.stream_id].headers[":path"], event.stream_id)

    def answer(self, path: str, stream: int) -> None:
        """What the method asks for; `/s/Echo` and all others give the first message back."""
        if path == "/s/Reset":
            return self.h2.reset_stream(stream, 2)
        if path == "/s/Away":
            return self.h2.close_connection(error_code=11)
        if path == "/s/Hang":
            return None
        if path == "/s/Refuse":
            status = [("grpc-status", "12"), ("grpc-message", "unknown%20method")]
            return self.h2.send_headers(stream, [*HEADERS, *status], end_stream=True)
        data = self.of[stream].data
        if path == "/s/Compress":
            data = b"\1" + data[1:]
        self.h2.send_headers(stream, HEADERS)
        if path == "/s/Large":
            data = struct.pack(">BI", 0, 200_000) + bytes(200_000)
        for begin in range(0, len(data), 16_000):
            self.send(stream, data[begin : begin + 16_000])
        if path == "/s/Watch":
            return None
        return self.h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    def send(self, stream: int, data: bytes) -> None:
        """Send as the window allows, reading what opens it."""
        while self.h2.local_flow_control_window(stream) < len(data):
            self.flush()
            for event in self.h2.receive_data(self.peer.recv(65_536)):
                self.take(event)
        self.h2.send_data(stream, data)

    def flush(self) -> None:
        self.peer.sendall(self.h2.data_to_send())


@contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[GrpcPeer]:
    """A peer in threads of its own, until the block ends."""
    with GrpcPeer(context) as peer:
        thread = threading.Thread(target=peer.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield peer
        finally:
            peer.shutdown()
            thread.join()
