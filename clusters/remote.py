"""Runs a program in a pod, through the API server's websocket, and tells how it ended.

Kube's hands for `exec`: it knows no cluster and no program, and judges nothing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from kubernetes import client
from kubernetes.stream.ws_client import (
    ERROR_CHANNEL,
    STDERR_CHANNEL,
    STDIN_CHANNEL,
    STDOUT_CHANNEL,
    PortForward,
    WSClient,
    create_websocket,
    get_websocket_url,
)
from websocket import WebSocketException, setdefaulttimeout

SUCCESS = "Success"
ANSWER = 60  # seconds for the handshake, and for the rest of what has begun to come


class Container(NamedTuple):
    """A container of a pod: where a program runs."""

    namespace: str
    pod: str
    name: str


class Ended(NamedTuple):
    """What a program wrote, and how it ended: `Success`, or why not."""

    out: str
    err: str
    how: str


def attach(
    api: client.ApiClient, container: Container, command: Sequence[str], *, stdin: bool
) -> Any:
    """Start a program in a pod. By the socket alone: the typed API behind the client's own
    way takes seconds to load.

    Raises:
        WebSocketException, OSError: it could not be started.
    """
    options = {"container": container.name, "stdin": stdin, "stdout": True, "stderr": True}
    query = [(name, str(value).lower()) for name, value in options.items() if value]
    query += (("command", word) for word in command)
    address, headers = _websocket(api, f"{path(container.namespace, container.pod)}/exec", query)
    setdefaulttimeout(ANSWER)  # the client has no other way; else one that hangs is waited for
    return WSClient(  # type: ignore[no-untyped-call]
        api.configuration, address, headers, capture_all=False, binary=True
    )


def dial(api: client.ApiClient, namespace: str, pod: str, port: int) -> Any:
    """A connection to a port of a pod: an end of a socket pair that has a socket's methods.

    Raises:
        WebSocketException, OSError: it could not be made.
    """
    place = f"{path(namespace, pod)}/portforward"
    address, headers = _websocket(api, place, [("ports", str(port))])
    socket = create_websocket(api.configuration, address, headers)  # type: ignore[no-untyped-call]
    return PortForward(socket, [port]).socket(port)  # type: ignore[no-untyped-call]


def _websocket(
    api: client.ApiClient, place: str, query: Sequence[tuple[str, str]]
) -> tuple[str, dict[str, str]]:
    """The address and the headers of a websocket to a place of the API."""
    _, url, headers, *_ = api.param_serialize(
        "GET", place, query_params=list(query), auth_settings=["BearerToken"]
    )
    return str(get_websocket_url(url)), headers  # type: ignore[no-untyped-call]


def path(namespace: str, pod: str) -> str:
    """A pod's path in the API."""
    return f"/api/v1/namespaces/{namespace}/pods/{pod}"


def talk(
    socket: Any,
    stdin: str,
    deadline: float,
    speaking: threading.Event | None = None,
    heard: Callable[[str], None] | None = None,
) -> Ended:
    """Feed a started program and read it to its end: stdout, stderr, and how it ended.

    `speaking` is set as soon as it has written anything to stdout; `heard` is given each whole line
    of it as soon as it is there.
    """
    out, err, passed_on = bytearray(), bytearray(), 0
    ends = time.monotonic() + deadline
    try:
        if stdin:
            socket.write_channel(STDIN_CHANNEL, stdin.encode())
            socket.close_channel(STDIN_CHANNEL)
        while socket.is_open():
            if time.monotonic() > ends:
                return _ended(out, err, f"no end after {deadline:g} s")
            socket.update(timeout=1)
            out += socket.read_channel(STDOUT_CHANNEL)
            err += socket.read_channel(STDERR_CHANNEL)
            if speaking and out:
                speaking.set()
            if heard:
                passed_on = _pass_on(out, passed_on, heard)
        out += socket.read_channel(STDOUT_CHANNEL)
        err += socket.read_channel(STDERR_CHANNEL)
        ending = json.loads(socket.read_channel(ERROR_CHANNEL) or b"{}")
    except (WebSocketException, OSError) as error:  # whoever was between is gone
        return _ended(out, err, f"the connection was cut: {error}")
    finally:
        with suppress(WebSocketException, OSError):
            socket.close()
        # After the other side's goodbye close() leaves the connection open.
        socket.sock.shutdown()
    return _ended(out, err, SUCCESS if ending.get("status") == SUCCESS else _cause(ending))


def _pass_on(out: bytearray, start: int, heard: Callable[[str], None]) -> int:
    """Give the whole lines from a place on to whoever hears them; the place behind them."""
    end = out.rfind(b"\n") + 1
    for line in out[start:end].splitlines():
        heard(line.decode(errors="replace"))
    return max(start, end)


def _ended(out: bytearray, err: bytearray, how: str) -> Ended:
    return Ended(out.decode(), err.decode(errors="replace"), how)


def _cause(ending: Mapping[str, Any]) -> str:
    return str(ending.get("message") or ending.get("status") or "the connection was cut")
