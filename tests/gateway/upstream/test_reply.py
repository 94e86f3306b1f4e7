from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.reply import MAX_OVERHEAD, BadReply, Reply

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'3;name="a;b"\r\nhel\r\n2 \r\nlo\r\n0\r\nX-Trailer: yes\r\n\r\n'
)
WHOLE = {
    "length": PLAIN,
    "chunks, extensions, a trailer": CHUNKED,
    "informational answers first": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    + PLAIN,
    "bare line feeds": PLAIN.replace(b"\r\n", b"\n"),
    "a length beside chunks": CHUNKED.replace(b"\r\n\r\n3", b"\r\nContent-Length: 900\r\n\r\n3"),
    "no reason phrase": PLAIN.replace(b" OK", b""),
    "1.0 that stays": PLAIN.replace(b"1.1", b"1.0").replace(
        b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"
    ),
}


def read(*pieces: bytes) -> tuple[Reply, bytes]:
    reply, body = Reply(), b""
    for piece in filter(None, pieces):
        reply.feed(piece)
        body += reply.take()
    return reply, body


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
def test_an_answer_is_the_same_wherever_it_is_split(raw: bytes):
    for split in range(len(raw) + 1):
        reply, body = read(raw[:split], raw[split:])
        assert (reply.status, body, reply.is_complete, reply.keeps_alive) == (200, b"hello", True, True), (
            split
        )
    reply, body = read(*(raw[at : at + 1] for at in range(len(raw))))
    assert (reply.status, body, reply.is_complete, reply.keeps_alive) == (200, b"hello", True, True)


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
def test_an_answer_that_is_cut_anywhere_is_no_answer(raw: bytes):
    for split in range(len(raw)):
        reply, _ = read(raw[:split])
        assert not reply.is_complete
        with pytest.raises(BadReply, match="closed"):
            reply.end()


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body_whatever_their_length_says(status: int):
    reply, body = read(b"HTTP/1.1 %d X\r\nContent-Length: 7\r\n\r\n" % status)
    assert (reply.status, body, reply.is_complete, reply.keeps_alive) == (status, b"", True, True)


def test_without_a_length_the_body_ends_with_the_connection():
    reply, body = read(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo")
    assert (body, reply.is_complete) == (b"hello", False)
    reply.end()
    assert (reply.is_complete, reply.keeps_alive) == (True, False)


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN + b"\r\nx",
        PLAIN + PLAIN,
        PLAIN + b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
    ],
)
def test_what_ends_or_muddles_a_connection_keeps_it_from_being_used_again(raw: bytes):
    for split in range(len(raw) + 1):
        reply, body = read(raw[:split], raw[split:])
        assert (body, reply.status, reply.is_complete, reply.keeps_alive) == (b"hello", 200, True, False)


def test_headers_are_lower_case_and_repeated_ones_are_joined():
    reply, _ = read(
        b"HTTP/1.1 200 OK\r\nX-A: one \r\nx-a:two\r\nX-Name: J\xfcrgen\r\nContent-Length: 0\r\n\r\n"
    )
    assert reply.headers == {"x-a": "one, two", "x-name": "J\xfcrgen", "content-length": "0"}


def test_a_trailer_is_no_header():
    reply, _ = read(CHUNKED)
    assert reply.headers == {"transfer-encoding": "chunked"}


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
    ],
)
def test_what_is_no_answer_says_so(raw: bytes):
    for split in range(len(raw)):
        with pytest.raises(BadReply):
            read(raw[:split], raw[split:])


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"x" * 1000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=", b"x" * 1000),
    ],
    ids=["headers", "a header", "informational answers", "a trailer", "a chunk extension"],
)
def test_everything_but_a_body_has_an_end(begin: bytes, more: bytes):
    reply = Reply()
    reply.feed(begin)
    for _ in range((MAX_OVERHEAD - 100) // len(more)):
        reply.feed(more)
    with pytest.raises(BadReply, match="longer"):
        _feed(reply, more, 10)


def _feed(reply: Reply, data: bytes, times: int) -> None:
    for _ in range(times):
        reply.feed(data)


def test_a_body_may_be_of_any_size():
    reply = Reply()
    reply.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n")
    for _ in range(3000):
        reply.feed(b"x" * 1000)
        assert len(reply.take()) == 1000
    assert reply.is_complete


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [*WHOLE.values(), b"\r\n", b"HTTP/1.1 ", b"200 OK\r\n", b"content-length: 3\r\n", b"0\r\n\r\n"]
        ),
    ),
    max_size=8,
)


@given(PIECES)
def test_whatever_bytes_come_they_are_an_answer_or_a_bad_one(pieces: list[bytes]):
    reply = Reply()
    try:
        for piece in pieces:
            reply.feed(piece)
        reply.end()
    except BadReply:
        return
    assert reply.is_complete
    assert reply.status >= 200


@given(st.sampled_from(sorted(WHOLE.values())), st.data())
def test_splits_in_many_places_change_nothing(raw: bytes, data: st.DataObject):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    _, body = read(*(raw[begin:end] for begin, end in pairwise([0, *cuts, len(raw)])))
    assert body == b"hello"
