from __future__ import annotations

import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.coding import MAX_PIECE, decoder_of
from omniroute.errors import UpstreamBroken

TEXT = b"The capital of France is Paris. " * 20
_raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
CODED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZIP ": gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]),
    "deflate": zlib.compress(TEXT),
    "Deflate": _raw.compress(TEXT) + _raw.flush(),
}


def decoded(coding: str, *pieces: bytes) -> bytes:
    decoder, out = decoder_of({"content-encoding": coding}), b""
    assert decoder is not None
    for piece in filter(None, pieces):
        decoder.feed(piece)
        while part := decoder.take():
            out += part
    decoder.end()
    return out


@pytest.mark.parametrize(("coding", "data"), CODED.items(), ids=CODED)
def test_a_coding_is_undone_wherever_it_is_split(coding: str, data: bytes):
    for split in range(len(data) + 1):
        assert decoded(coding, data[:split], data[split:]) == TEXT


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "identity"}, {"content-encoding": ""}])
def test_a_body_that_is_as_it_is_needs_no_decoder(headers: dict[str, str]):
    assert decoder_of(headers) is None


def test_a_coding_that_was_not_asked_for_is_an_error():
    with pytest.raises(UpstreamBroken, match="'br'"):
        decoder_of({"content-encoding": "br"})


@pytest.mark.parametrize(("coding", "data"), CODED.items(), ids=CODED)
def test_a_cut_or_wrong_body_is_an_error(coding: str, data: bytes):
    with pytest.raises(UpstreamBroken):
        decoded(coding, data[:-1])
    with pytest.raises(UpstreamBroken):
        decoded(coding, b"\xff\xfeno such thing")


def test_an_empty_body_is_empty_whatever_its_coding():
    assert decoded("gzip") == b""


def test_a_bomb_comes_in_pieces():
    decoder = decoder_of({"content-encoding": "gzip"})
    assert decoder is not None
    decoder.feed(gzip.compress(bytes(50_000_000)))
    size = 0
    while piece := decoder.take():
        assert len(piece) <= MAX_PIECE
        size += len(piece)
    assert size == 50_000_000


@given(st.sampled_from(sorted(CODED)), st.lists(st.binary(max_size=50), max_size=5))
def test_any_bytes_are_decoded_or_refused(coding: str, pieces: list[bytes]):
    with suppress(UpstreamBroken):
        decoded(coding, *pieces)
