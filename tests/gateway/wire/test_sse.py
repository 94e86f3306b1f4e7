from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.sse import BOM, Decoder, ServerEvent, comment, encode


def decode(*chunks: bytes) -> list[ServerEvent]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.flush()


def said(*chunks: bytes) -> list[tuple[bytes, bytes]]:
    return [(event.name, event.data) for event in decode(*chunks)]


def told(*chunks: bytes) -> list[tuple[bytes, bytes]]:
    """Without comments: what has neither name nor data."""
    return [event for event in said(*chunks) if any(event)]


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        (b"data: a\n\n", [(b"", b"a")]),
        (b"data:a\n\n", [(b"", b"a")]),
        (b"data:  a\n\n", [(b"", b" a")]),
        (b"data: a\r\n\r\n", [(b"", b"a")]),
        (b"data: a\r\rdata: b\r\r", [(b"", b"a"), (b"", b"b")]),
        (b"data: a\n\r\ndata: b\r\n\n", [(b"", b"a"), (b"", b"b")]),
        (b"event: e\ndata: a\n\n", [(b"e", b"a")]),
        (b"data: a\nevent: e\nid: 1\nretry: 5\n\n", [(b"e", b"a")]),
        (b"data: a\ndata: b\n\n", [(b"", b"a\nb")]),
        (b"data\ndata: b\n\n", [(b"", b"\nb")]),
        (b": comment\n\ndata: a\n\n", [(b"", b""), (b"", b"a")]),
        (b"data: a\n", [(b"", b"a")]),
        (b"data: a", [(b"", b"a")]),
        (BOM + b"data: a\n\n", [(b"", b"a")]),
        (BOM + b"event: e\r\ndata: a\r\n\r\n", [(b"e", b"a")]),
        (b"data: a\n\n\ndata: b\n\n", [(b"", b"a"), (b"", b"b")]),
        (b"\n\ndata: a\n\n", [(b"", b""), (b"", b"a")]),
        (b"data:[DONE]\n\n", [(b"", b"[DONE]")]),
        ("data: \N{SMILE}\u2028\n\n".encode(), [(b"", "\N{SMILE}\u2028".encode())]),
        (b'error: {"code":500}\n\ndata: a\n\n', [(b"", b'{"error":{"code":500}}'), (b"", b"a")]),
        (b"error: in words\n\n", [(b"", b"")]),
        (b"", []),
    ],
)
def test_blocks_become_events(raw, events):
    assert said(raw) == events
    for position in range(len(raw) + 1):
        assert said(raw[:position], raw[position:]) == events
    assert said(*(raw[i : i + 1] for i in range(len(raw)))) == events


LINES = st.sampled_from(
    [b"data: a", b"data:b", b"data", b"event: e", b": c", b"id: 1", b"", b"", BOM, b"x: y"]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=12).map(lambda lines: b"".join(a + b for a, b in lines))


@given(STREAMS | st.binary(max_size=40), st.lists(st.integers(0, 60), max_size=6))
def test_where_it_is_cut_makes_no_difference_and_nothing_is_lost(raw, cuts):
    borders = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    events = decode(*(raw[a:b] for a, b in itertools.pairwise(borders)))
    assert b"".join(event.raw for event in events) == raw
    assert told(*(raw[a:b] for a, b in itertools.pairwise(borders))) == told(raw)


def reference(raw: bytes) -> list[tuple[bytes, bytes]]:
    """The standard's algorithm, line by line (WHATWG HTML §9.2.6), but with the last block even if it is cut."""
    events: list[tuple[bytes, bytes]] = []
    data: list[bytes] = []
    name = b""
    text = raw.removeprefix(BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for line in [*text.split(b"\n"), b""]:
        field, _, value = line.partition(b":")
        if not line:
            if b"\n".join(data) or name:
                events.append((name, b"\n".join(data)))
            name, data = b"", []
        elif field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return events


@given(STREAMS)
def test_it_agrees_with_the_standard(raw):
    assert told(raw) == reference(raw)


@given(st.text(alphabet=st.characters(blacklist_characters="\r\n"), max_size=20))
def test_what_is_encoded_is_decoded(text):
    data = text.encode("utf-8", "surrogatepass")
    assert said(encode(data, "name")) == [(b"name", data)]
    assert said(encode(data)) == [(b"", data)]


def test_a_comment_is_one():
    assert said(comment("keep-alive")) == [(b"", b"")]


def test_a_long_line_in_many_pieces_takes_linear_time():
    decoder = Decoder()
    for _ in range(20_000):
        assert decoder.feed(b"x" * 50) == []
    assert len(decoder.feed(b"\n\n")) == 1
