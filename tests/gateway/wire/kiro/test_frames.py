"""The frames of an AWS event stream, cut and damaged wherever that can happen."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.kiro.frames import EXCEPTION, MAX_FRAME, Decoder
from omniroute.errors import UpstreamBroken
from tests.vendors.frames import encode

PAYLOADS = st.lists(st.tuples(st.binary(max_size=80), st.sampled_from(["codeEvent", "x", "é"])), max_size=6)


def decode(*chunks: bytes) -> list[tuple[bytes, bytes]]:
    decoder = Decoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [(event.name, event.data) for event in [*events, *decoder.flush()]]


def frame(headers: bytes, payload: bytes = b"{}") -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return body + struct.pack(">I", zlib.crc32(body))


def test_a_frame_is_one_event_with_its_name() -> None:
    assert decode(encode(b'{"content":"Hi"}', "codeEvent")) == [(b"codeEvent", b'{"content":"Hi"}')]


@pytest.mark.parametrize("kind", ["exception", "error"])
def test_an_exception_is_marked_with_its_type(kind: str) -> None:
    assert decode(encode(b"{}", "ThrottlingException", kind)) == [(EXCEPTION + b"ThrottlingException", b"{}")]


@given(PAYLOADS, st.lists(st.integers(0, 700), max_size=8))
def test_it_does_not_matter_where_the_stream_is_cut(frames: list[tuple[bytes, str]], cuts: list[int]) -> None:
    stream = b"".join(encode(payload, name) for payload, name in frames)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[start:end] for start, end in pairwise(places)]
    assert decode(*chunks) == [(name.encode(), payload) for payload, name in frames]


def test_bytes_may_come_one_by_one() -> None:
    stream = encode(b'{"content":"Hi"}', "codeEvent") + encode(b"{}", "messageStopEvent")
    assert len(decode(*(stream[i : i + 1] for i in range(len(stream))))) == 2


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_byte_is_noticed_and_the_frames_before_it_are_not_lost(place: int, mask: int) -> None:
    whole, other = encode(b'{"content":"Hello"}', "codeEvent"), encode(b'{"content":"You"}', "codeEvent")
    damaged = bytearray(other)
    damaged[place % len(other)] ^= mask
    decoder = Decoder()
    events = decoder.feed(whole + bytes(damaged))
    assert [event.raw for event in events] == [whole]
    with pytest.raises(UpstreamBroken):
        decoder.flush()


@given(st.binary(min_size=12, max_size=200))
def test_noise_is_an_error_of_the_provider_and_nothing_else(noise: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        decode(noise)


def test_a_stream_cut_inside_of_a_frame_is_broken() -> None:
    decoder = Decoder()
    decoder.feed(encode(b"{}", "codeEvent")[:-1])
    with pytest.raises(UpstreamBroken, match="cut off"):
        decoder.flush()


@pytest.mark.parametrize("total", [15, MAX_FRAME + 1, 0xFFFFFFFF])
def test_an_impossible_length_is_not_waited_for(total: int) -> None:
    prelude = struct.pack(">II", total, 0)
    with pytest.raises(UpstreamBroken, match=f"a frame of {total} bytes"):
        Decoder().feed(prelude + struct.pack(">I", zlib.crc32(prelude)))


def test_headers_of_every_type_are_stepped_over() -> None:
    values = {
        0: b"",
        1: b"",
        2: b"1",
        3: b"22",
        4: b"4444",
        5: b"8" * 8,
        6: b"\0\3abc",
        8: b"8" * 8,
        9: b"u" * 16,
    }
    headers = b"".join(b"\1" + bytes([97 + kind, kind]) + value for kind, value in values.items())
    assert decode(frame(headers + b"\x0b:event-type\x07\0\x04name")) == [(b"name", b"{}")]


@pytest.mark.parametrize("headers", [b"\x05ab", b"\1a\x07\0\xffshort", b"\1a\x63", b"\1a\x07\0"])
def test_headers_that_cannot_be_read_are_an_error(headers: bytes) -> None:
    with pytest.raises(UpstreamBroken, match="headers"):
        decode(frame(headers))
