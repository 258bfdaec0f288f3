"""Forwarding: a port of this host's loopback that leads to a port of a pod, by the API server.

As `kubectl port-forward` does it, with a websocket of its own for each connection. It knows no
program and reads nothing of what passes.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from clusters.errors import PlumblineError
from clusters.kube import Kube

CHUNK = 65536


def listen() -> socket.socket:
    """A free port of loopback. It stays in the network namespace that it was made in, whichever
    this process enters after that."""
    return socket.create_server(("127.0.0.1", 0))


@contextmanager
def forwarded(
    listener: socket.socket, kube: Kube, namespace: str, pod: str, port: int
) -> Iterator[str]:
    """What connects to a listening socket is led to a port of a pod until the block ends; gives the
    address. A connection that the API server refuses is closed."""
    accepting = threading.Thread(
        target=_accept, args=(listener, kube, namespace, pod, port), daemon=True
    )
    accepting.start()
    host, local = listener.getsockname()
    try:
        yield f"http://{host}:{local}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # closing alone would not end an accept
        accepting.join()


def _accept(listener: socket.socket, kube: Kube, namespace: str, pod: str, port: int) -> None:
    with suppress(OSError):  # it is closed
        while True:
            near, _ = listener.accept()
            try:
                far = kube.dial(namespace, pod, port)
            except PlumblineError:
                near.close()
                continue
            threading.Thread(target=_join, args=(near, far), daemon=True).start()


def _join(near: Any, far: Any) -> None:
    """Lead each to the other until both have ended."""
    outward = threading.Thread(target=_pass_on, args=(near, far), daemon=True)
    outward.start()
    _pass_on(far, near)
    outward.join()
    near.close()
    far.close()


def _pass_on(source: Any, target: Any) -> None:
    """Bytes from one to the other, until either has ended; then there is no use for both."""
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
