"""The reader of the wire: what it makes of frames, however they are cut and in whatever order."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import struct
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.traffic.pod import wire
from fixtures.traffic.pod.wire import Flow, Segment, Wire

HERE, THERE = "198.18.64.7", "198.18.80.9"
MARK = r"plumbline-[0-9a-f]{8}-\d+_"
SECRET = b"plumbline-0badcafe-17_"
REQUEST = b"GET /?nonce=" + SECRET + b" HTTP/1.1\r\nhost: across\r\n\r\n"


def tcp(payload: bytes, number: int = 1, flags: int = 0x18) -> bytes:
    header = struct.pack("!HHIIBBHHH", 40_000, 3000, number, 0, 5 << 4, flags, 512, 0, 0)
    return ipv4(header + payload, protocol=6, source=HERE, target=THERE)


def ipv4(payload: bytes, protocol: int, source: str, target: str, fragment: int = 0) -> bytes:
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, fragment, 64, protocol, 0)
    return head + addresses + payload


def ethernet(packet: bytes, kind: int = 0x0800) -> bytes:
    return bytes(12) + struct.pack("!H", kind) + packet


def vxlan(packet: bytes, port: int = wire.PORT, fragment: int = 0) -> bytes:
    inner = struct.pack("!II", 0x08000000, 4 << 8) + ethernet(packet)
    datagram = struct.pack("!HHHH", 50_000, port, 8 + len(inner), 0) + inner
    return ethernet(ipv4(datagram, 17, "198.18.0.2", "198.18.0.3", fragment))


def record(content: bytes, kind: int = 23) -> bytes:
    return struct.pack("!BHH", kind, 0x0303, len(content)) + content


def seen(*frames: bytes) -> list[dict[str, object]]:
    one = Wire(MARK)
    for frame in frames:
        one.see(frame)
    return one.lines()


def test_a_call_in_plain_text_is_read() -> None:
    syn = vxlan(tcp(b"", 99, flags=wire.SYN))
    (line,) = seen(syn, vxlan(tcp(REQUEST, 100)))
    assert line == {
        "source": HERE, "target": THERE, "source_port": 40_000, "target_port": 3000,
        "frames": 1, "bytes": len(REQUEST), "begun": True, "tls": False, "marks": [SECRET.decode()],
    }  # fmt: skip


def test_a_call_between_pods_of_one_node_is_read_as_it_is() -> None:
    one = Wire(MARK, port=0)
    for frame in (ethernet(tcp(REQUEST)), vxlan(tcp(REQUEST)), ethernet(b"\x60" + bytes(39))):
        one.see(frame)
    assert [line["marks"] for line in one.lines()] == [[SECRET.decode()]]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        bytes(40),
        ethernet(b"\x60" + bytes(39), kind=0x86DD),
        vxlan(tcp(REQUEST), port=4789),
        vxlan(tcp(REQUEST), fragment=0x2000),
        vxlan(ipv4(REQUEST, 17, HERE, THERE)),
        vxlan(ipv4(REQUEST, 6, HERE, THERE, fragment=1)),
        vxlan(tcp(b"")),
        ethernet(tcp(REQUEST)),
    ],
)
def test_what_is_no_call_between_pods_is_left_alone(frame: bytes) -> None:
    assert seen(frame) == []


def test_a_connection_whose_begin_was_not_seen_is_searched_all_the_same() -> None:
    (line,) = seen(vxlan(tcp(REQUEST, 100)))
    assert (line["begun"], line["bytes"], line["marks"]) == (False, 0, [SECRET.decode()])


def test_numbers_begin_again_at_their_end() -> None:
    last = (1 << 32) - 1
    (line,) = seen(
        vxlan(tcp(b"", last - 2, flags=wire.SYN)),
        vxlan(tcp(REQUEST[:2], last - 1)),
        vxlan(tcp(REQUEST[2:], 0)),
    )
    assert (line["bytes"], line["marks"]) == (len(REQUEST), [SECRET.decode()])


@st.composite
def cut(draw: st.DrawFn, stream: bytes) -> list[Segment]:
    """A stream's segments in any order, some twice, behind the one that begins it."""
    places = sorted(draw(st.sets(st.integers(1, len(stream) - 1), max_size=12)))
    ends = zip([0, *places], [*places, len(stream)], strict=True)
    pieces = [(start, stream[start:end]) for start, end in ends]
    pieces += draw(st.lists(st.sampled_from(pieces), max_size=3))
    first = draw(st.integers(0, (1 << 32) - 1))
    ordered = draw(st.permutations(pieces))
    return [
        Segment(HERE, THERE, (1, 2), first, wire.SYN, b""),
        *(Segment(HERE, THERE, (1, 2), (first + 1 + at) % wire.WRAP, 16, p) for at, p in ordered),
    ]


def followed(segments: list[Segment]) -> Flow:
    flow = Flow()
    for each in segments:
        flow.take(each, re.compile(MARK.encode()))
    return flow


records = st.lists(
    st.builds(record, st.binary(min_size=1, max_size=40), st.sampled_from([20, 21, 22, 23])),
    min_size=1,
    max_size=5,
).map(b"".join)


@given(records.filter(lambda r: len(r) > 1).flatmap(lambda r: st.tuples(st.just(r), cut(r))))
def test_records_are_followed_however_they_are_cut(
    drawn: tuple[bytes, list[Segment]],
) -> None:
    whole, segments = drawn
    flow = followed(segments)
    assert (flow.is_tls, flow.size) == (True, len(whole))


@given(records.flatmap(lambda r: cut(r + REQUEST)))
def test_plain_text_behind_records_is_told_and_its_mark_found(segments: list[Segment]) -> None:
    flow = followed(segments)
    assert not flow.is_tls
    assert flow.marks == {SECRET}


@pytest.mark.parametrize(
    "head",
    [
        b"\x17\x03\x03\x00\x00",
        b"\x17\x03\x03\x41\x01",
        b"\x18\x03\x03\x00\x05",
        b"\x16\x02\x01\x00\x05",
    ],
)
def test_what_no_record_begins_with(head: bytes) -> None:
    segments = [
        Segment(HERE, THERE, (1, 2), 0, wire.SYN, b""),
        Segment(HERE, THERE, (1, 2), 1, 16, head + bytes(5)),
    ]
    assert not followed(segments).is_tls


@pytest.mark.skipif(os.geteuid() != 0, reason="to read frames takes CAP_NET_RAW")
def test_it_reads_frames_until_it_is_told_to_end(tmp_path: Path) -> None:
    class Out(io.StringIO):
        looking = threading.Event()

        def flush(self) -> None:
            self.looking.set()

    out, until = Out(), tmp_path / "until"
    plan = {
        "addresses": [HERE, THERE], "mark": MARK, "port": 38_472, "interface": "lo",
        "seconds": 20, "until": str(until),
    }  # fmt: skip
    thread = threading.Thread(target=wire.capture, args=(plan, out))
    thread.start()
    assert out.looking.wait(10)
    datagram = vxlan(tcp(REQUEST))[14 + 28 :]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(datagram.replace(socket.inet_aton(HERE), bytes(4)), ("127.0.0.1", 38_472))
        sender.sendto(datagram, ("127.0.0.1", 38_473))
        sender.sendto(datagram, ("127.0.0.1", 38_472))
    until.touch()
    thread.join(10)
    assert not thread.is_alive()
    first, *flows, last = map(json.loads, out.getvalue().splitlines())
    assert first == {}
    assert [flow["marks"] for flow in flows] == [[SECRET.decode()]]
    assert {flow["source"] for flow in flows} == {HERE}
    assert last == {"lost": 0}


@pytest.mark.skipif(os.geteuid() != 0, reason="to read frames takes CAP_NET_RAW")
def test_it_reads_what_passes_any_interface(tmp_path: Path) -> None:
    class Out(io.StringIO):
        looking = threading.Event()

        def flush(self) -> None:
            self.looking.set()

    out, until, here = Out(), tmp_path / "until", "127.0.0.1"
    plan = {
        "addresses": [here], "mark": MARK, "port": 0, "interface": "",
        "seconds": 20, "until": str(until),
    }  # fmt: skip
    thread = threading.Thread(target=wire.capture, args=(plan, out))
    thread.start()
    assert out.looking.wait(10)
    with (
        socket.create_server((here, 0)) as server,
        socket.create_connection(server.getsockname()) as sender,
    ):
        sender.sendall(REQUEST)
        port = server.getsockname()[1]
        with server.accept()[0] as taken:
            assert taken.recv(len(REQUEST)) == REQUEST
    until.touch()
    thread.join(10)
    _, *flows, _ = map(json.loads, out.getvalue().splitlines())
    (flow,) = (each for each in flows if each["target_port"] == port)
    assert (flow["begun"], flow["tls"], flow["marks"]) == (True, False, [SECRET.decode()])
