"""gRPC: what the program in the pods sends, what it tells, and what a test reads of that."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from clusters.components.authority import new_root
from fixtures import checks
from fixtures.traffic import grpc, protobuf
from fixtures.traffic.client import ClientPod
from fixtures.traffic.grpc import NONE, Call, Code, Connection, Pod, Replies, Reply
from fixtures.traffic.pod import grpc_calls
from suites.security.presented import Wanted, mint
from tests import grpc_peer

SECRET = "a-secret-token"
NAME = "istiod.example"


@pytest.fixture(scope="module")
def server() -> Iterator[grpc_peer.GrpcPeer]:
    with grpc_peer.running() as running:
        yield running


def asked_of(port: int, *calls: Call, timeout: float = 5.0, **more: Any) -> Replies:
    plan = Connection("127.0.0.1", port, "host.example", calls, **more).plan()
    said = grpc_calls.converse({**plan, "timeout": timeout})
    return Replies.model_validate_json(json.dumps(said))


# --- the program -----------------------------------------------------------------------------


def test_a_call_has_its_message_its_metadata_and_its_token(server: grpc_peer.GrpcPeer) -> None:
    call = Call("/s/Echo", (b"\0one",), {"x-more": "1"}, SecretStr(SECRET))
    (reply,) = asked_of(server.port, call).replies
    taken = server.seen[-1]
    assert taken.data == b"\0\0\0\0\4\0one"
    assert taken.ended
    assert taken.headers == {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/s/Echo",
        ":authority": "host.example",
        "te": "trailers",
        "content-type": "application/grpc",
        "x-more": "1",
        "authorization": f"Bearer {SECRET}",
    }
    assert (reply.code, reply.messages, reply.status) == (Code.OK, (b"\0one",), 200)
    assert reply.trailers == {"grpc-status": "0"}
    assert 0 < reply.received - reply.sent < 5
    assert reply.words == "OK"


def test_what_is_secret_is_in_no_text_of_a_call() -> None:
    call = Call("/s/Echo", bearer=SecretStr(SECRET))
    assert SECRET not in f"{call} {call!r} {Connection('a', 1, 'b', [call])!r}"
    assert SECRET in json.dumps(call.plan())


def test_calls_of_one_plan_share_a_connection(server: grpc_peer.GrpcPeer) -> None:
    before = len(server.seen)
    replies = asked_of(server.port, *[Call("/s/Echo", (bytes([n]),)) for n in range(20)])
    assert [reply.messages for reply in replies.replies] == [(bytes([n]),) for n in range(20)]
    assert len({id(taken.where) for taken in server.seen[before:]}) == 1
    assert replies.began < replies.ended
    assert replies.stalled >= 0


def test_a_status_without_a_message_stands_in_the_headers(server: grpc_peer.GrpcPeer) -> None:
    (reply,) = asked_of(server.port, Call("/s/Refuse")).replies
    assert (reply.code, reply.message) == (Code.UNIMPLEMENTED, "unknown method")
    assert not reply.trailers
    assert reply.words == "UNIMPLEMENTED (unknown method)"


def test_a_large_message_is_read_whole(server: grpc_peer.GrpcPeer) -> None:
    large = asked_of(server.port, Call("/s/Large"), Call("/s/Echo", (bytes(60_000),))).replies
    assert [len(reply.messages[0]) for reply in large] == [200_000, 60_000]


def test_a_stream_is_over_with_its_first_message(server: grpc_peer.GrpcPeer) -> None:
    watch = Call("/s/Watch", (b"x",), is_open=True)
    first, second = asked_of(server.port, watch, watch).replies
    assert first.messages == second.messages == (b"x",)
    assert first.code == NONE
    assert not server.seen[-1].ended
    (refused,) = asked_of(server.port, Call("/s/Hang", is_open=True), timeout=0.2).replies
    assert refused.error.startswith("TimeoutError")


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("/s/Hang", "TimeoutError"),
        ("/s/Reset", "ConnectionError: the stream was reset: 2"),
        ("/s/Away", "ConnectionError: the peer ended the connection"),
        ("/s/Compress", "ValueError: a compressed message"),
    ],
)
def test_what_comes_in_place_of_an_answer_is_told(
    server: grpc_peer.GrpcPeer, method: str, error: str
) -> None:
    (reply,) = asked_of(server.port, Call(method), timeout=0.5).replies
    assert reply.error.startswith(error)
    assert reply.words == reply.error
    assert reply.code == NONE


def test_who_is_not_there_answers_none_of_the_calls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    replies = asked_of(port, Call("/s/Echo"), Call("/s/Echo")).replies
    assert [reply.error[:22] for reply in replies] == ["ConnectionRefusedError"] * 2


@pytest.fixture(scope="module")
def root() -> Any:
    return new_root("a root")


@pytest.fixture(scope="module")
def secure(root: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc_peer.GrpcPeer]:
    own = mint(root, Wanted((x509.DNSName(NAME),), ends=timedelta(hours=1)), root.certificate)
    file = tmp_path_factory.mktemp("tls") / "own.pem"
    file.write_text(own.certificate + own.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.set_alpn_protocols(["h2"])
    with grpc_peer.running(context) as running:
        yield running


def test_by_tls_the_peer_is_who_it_should_be(secure: grpc_peer.GrpcPeer, root: Any) -> None:
    call = Call("/s/Echo", (b"x",))
    right = {"root": root.certificate, "server_name": NAME}
    (reply,) = asked_of(secure.port, call, **right).replies
    assert reply.messages == (b"x",)
    assert secure.seen[-1].headers[":scheme"] == "https"
    other = {"root": new_root("another").certificate, "server_name": NAME}
    for wrong in (other, {**right, "server_name": "other.example"}):
        (reply,) = asked_of(secure.port, call, **wrong).replies
        assert reply.error.startswith("SSLCertVerificationError")


# --- the test's side --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(), "status -1 over HTTP 0"),
        (Reply(status=404), "status -1 over HTTP 404"),
        (Reply(status=200, trailers={"grpc-status": "5"}), "status 5"),
        (Reply(status=200, trailers={"grpc-status": "x"}), "status -1"),
        (Reply(status=200, headers={"grpc-status": "0"}), "OK"),
        (Reply(status=200, headers={"grpc-status": "0"}, messages=[b""]), "status -1"),
        (Reply(status=200, headers={"grpc-status": "0"}, trailers={"x": "1"}), "status -1"),
    ],
)
def test_a_status_is_told_in_words(reply: Reply, words: str) -> None:
    assert reply.words == words


def test_a_client_pod_makes_the_calls() -> None:
    ran: dict[str, Any] = {}

    def execute(container: object, command: list[str], *, stdin: str, deadline: float) -> str:
        ran.update(command=command, plans=json.loads(stdin), deadline=deadline)
        one = {"status": 200, "messages": [base64.b64encode(b"m").decode()]}
        return json.dumps([{"replies": [one], "began": 1.0, "ended": 2.0, "stalled": 0.5}])

    kube = SimpleNamespace(exec=execute, cluster=SimpleNamespace(name="aws-cluster"))
    client = ClientPod(cast(Any, kube), "n", "p", "i")
    (replies,) = grpc.converse(client, [Connection("a", 1, "h", [Call("/s/Echo")])])
    assert replies.replies[0].messages == (b"m",)
    assert ran["command"][-1] == "/plumbline/grpc_calls.py"
    assert ran["plans"][0]["calls"][0]["messages"] == [""]
    assert ran["deadline"] > grpc.TIMEOUT


def test_calls_are_exchanges_of_a_stream() -> None:
    kube = SimpleNamespace(cluster=SimpleNamespace(name="aws-cluster"))
    client = ClientPod(cast(Any, kube), "n", "p", "i")
    some = [
        Reply(
            status=200, trailers={"grpc-status": "0"}, messages=[b"bQ=="], sent=1.0, received=1.5
        ),
        Reply(error="TimeoutError: timed out", status=200),
        Reply(error="ConnectionError: the peer hung up"),
        Reply(error="ProtocolError: no"),
    ]
    replies = Replies(replies=tuple(some), began=1.0, ended=3.0, stalled=1.0)
    connection = Connection("a", 1, "h:82", [Call("/s/Echo")] * 4)
    history = replies.history(client, "calls", connection, lambda _: Pod("s", "p-1"))
    first, late, cut, odd = history
    assert (first.status, first.body, first.service, first.pod) == (200, "OK", "s", "p-1")
    assert (first.url, first.http2, first.latency) == ("http://h:82/s/Echo", True, 0.5)
    assert (late.status, late.error, late.detail) == (0, "timeout", "TimeoutError: timed out")
    assert (cut.error, odd.error) == ("reset", "protocol")
    (window,) = history.windows
    assert (window.identity, window.pressure, window.lines) == ("i", 0.5, 4)
    assert checks.complete(history, 4).passed


# --- protocol buffers -------------------------------------------------------------------------

FIELDS = st.dictionaries(
    st.integers(1, 2**29 - 1),
    st.lists(st.integers(0, 2**64 - 1) | st.binary(max_size=300), min_size=1, max_size=4),
    max_size=6,
)


@given(FIELDS)
def test_what_is_written_is_read_again(fields: dict[int, list[int | bytes]]) -> None:
    assert protobuf.decode(protobuf.encode(fields)) == fields


@given(st.binary(max_size=40))
def test_no_bytes_are_read_as_what_they_are_not(message: bytes) -> None:
    try:
        fields = protobuf.decode(message)
    except ValueError:
        return
    assert all(isinstance(value, int | bytes) for some in fields.values() for value in some)


def test_the_examples_of_the_format_are_written_as_it_says() -> None:
    assert protobuf.encode({1: 150}) == bytes.fromhex("089601")
    assert protobuf.encode({2: "testing"}) == bytes.fromhex("120774657374696e67")
    assert protobuf.encode({3: protobuf.encode({1: 150})}) == bytes.fromhex("1a03089601")
    assert protobuf.texts(protobuf.encode({4: ["a", "b"], 1: 7}), 4) == ["a", "b"]
    assert protobuf.texts(protobuf.encode({1: 7}), 1) == []


def test_numbers_of_a_fixed_length_are_read_over() -> None:
    message = bytes.fromhex("0d01020304" + "110102030405060708" + "1801")
    assert protobuf.decode(message) == {3: [1]}


@pytest.mark.parametrize("message", [b"\x08", b"\x0a\x05ab", b"\x0b", b"\x08" + b"\xff" * 11])
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        protobuf.decode(message)


@pytest.mark.parametrize("number", [-1, 2**64])
def test_a_number_that_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="no unsigned number"):
        protobuf.encode({1: number})
