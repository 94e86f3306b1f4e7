"""The growing JSON array, cut anywhere."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.gemini.array import END, Decoder

ODD = [{"text": 'a "{[ \\'}, {"]": ["}", {"x": '\\"'}]}, {}, {"é": "ü\\u007b"}]


def decode(chunks):
    decoder = Decoder()
    events = [event for piece in chunks for event in decoder.feed(piece)]
    return events + decoder.flush()


@pytest.mark.parametrize(
    "text", [json.dumps(ODD), json.dumps(ODD, indent=2), json.dumps(ODD).replace(", ", ",\r\n")]
)
def test_it_gives_the_same_objects_cut_at_any_byte(text):
    stream = text.encode() + b"\n"
    whole = decode([stream])
    assert [json.loads(event.data) for event in whole if event.data not in (END, b"")] == ODD
    for cut in range(len(stream)):
        events = decode([stream[:cut], stream[cut:]])
        assert [event.data for event in events] == [event.data for event in whole]
        assert b"".join(event.raw for event in events) == stream
    assert [event.data for event in decode([bytes([byte]) for byte in stream])] == [
        event.data for event in whole
    ]


def test_the_end_of_the_array_is_an_event():
    assert [event.data for event in decode([b'[{"a":1}', b"]"])] == [b'{"a":1}', END]


def test_an_error_needs_no_array():
    assert [event.data for event in decode([b'{"error": {"code": 500}}'])] == [b'{"error": {"code": 500}}']


def test_a_cut_object_comes_out_as_it_is():
    events = decode([b'[{"a":1},\n{"b'])
    assert [event.data for event in events] == [b'{"a":1}', b'{"b']
    assert b"".join(event.raw for event in events) == b'[{"a":1},\n{"b'


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_no_byte_is_ever_lost(chunks):
    assert b"".join(event.raw for event in decode(chunks)) == b"".join(chunks)
