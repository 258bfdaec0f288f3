"""A peer on 127.0.0.1 for the clients' tests: it notes each request's head and answers by path.

It plays no part of the lab: it shows what the clients put on the wire, and fails them in
the ways that a network can.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ECHO = {"path": "/", "host": "peer", "service": "web-service", "pod": "web-service-v1-abc"}


@dataclass
class Peer:
    """What was seen so far. `slow` counts the requests to /slow under way, `most` at once."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    opened: int = 0
    slow: int = 0
    most: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def requests(self, mark: str) -> list[str]:
        """The heads whose request line contains `mark`."""
        return [head for head in self.heads if mark in head.partition("\r\n")[0]]

    def headers(self, mark: str) -> list[list[str]]:
        """The header lines of these, sorted."""
        return [sorted(head.split("\r\n")[1:-2]) for head in self.requests(mark)]

    def connections_of(self, mark: str) -> list[int]:
        """For each of these, the number of the connection that it came by."""
        lines = (head.partition("\r\n")[0] for head in self.heads)
        return [n for line, n in zip(lines, self.connections, strict=True) if mark in line]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        number = self.opened
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._one(number, reader, writer):
                    pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        self.connections.append(number)
        line = head.partition("\r\n")[0]
        if "/slow" in line:
            await self._linger()
        return await answer(line, writer)

    async def _linger(self) -> None:
        self.slow += 1
        self.most = max(self.most, self.slow)
        await asyncio.sleep(0.1)
        self.slow -= 1


async def answer(line: str, writer: asyncio.StreamWriter) -> bool:
    """Answer by the path in the request line; whether the connection stays open."""
    if "/silent" in line:
        await asyncio.sleep(20)
        return False
    if "/reset" in line:
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    if "/eof" in line:
        return False
    if "/garbage" in line:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        return False
    if "/denied" in line:
        writer.write(response("403 Forbidden", b"RBAC: access denied"))
    elif "/moved" in line:
        writer.write(response("302 Found", b"", "location: /elsewhere\r\nset-cookie: a=b\r\n"))
    elif "/cut" in line:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\nhalf")
    else:
        writer.write(response("200 OK", json.dumps(ECHO).encode()))
    await writer.drain()
    # /last is answered in full, and only then does the connection end, unannounced.
    return "/cut" not in line and "/last" not in line


def response(status: str, body: bytes, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nserver: peer\r\n{headers}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextmanager
def running() -> Iterator[Peer]:
    """A peer in a thread of its own, until the block ends."""
    peer, loop, ready = Peer(), asyncio.new_event_loop(), threading.Event()
    done = asyncio.Event()

    async def main() -> None:
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
        peer.port = server.sockets[0].getsockname()[1]
        ready.set()
        await done.wait()
        server.close()
        for _ in range(3):  # whoever was taken last begins, so that it closes what it was given
            await asyncio.sleep(0)
        waiting = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    ready.wait()
    try:
        yield peer
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


def free_port() -> int:
    """A port that no one listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
