from __future__ import annotations

import contextlib
import gzip
import sys
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.encodings import decode
from omniroute.errors import ClientError, InvalidRequest, RequestTooLarge

TEXT = b'{"model": "m"}' * 100
LIMIT = len(TEXT)


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


ENCODED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZip ": gzip.compress(TEXT[:700]) + gzip.compress(TEXT[700:]),
    "deflate": zlib.compress(TEXT),
    "zstd": zstandard.compress(TEXT),
    "gzip, zstd": zstandard.compress(gzip.compress(TEXT)),
    "deflate, identity": raw_deflate(TEXT),
    "identity": TEXT,
    "": TEXT,
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_it_decodes(encoding):
    assert decode(ENCODED[encoding], encoding, LIMIT) == TEXT


@pytest.mark.parametrize("encoding", [name for name in ENCODED if name not in ("", "identity")])
def test_the_limit_is_for_what_the_body_holds(encoding):
    with pytest.raises(RequestTooLarge):
        decode(ENCODED[encoding], encoding, LIMIT - 1)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.compress)],
)
def test_a_bomb_is_not_unpacked(encoding, compress):
    bomb = compress(bytes(200_000_000))
    tracemalloc.start()
    with pytest.raises(RequestTooLarge):
        decode(bomb, encoding, 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_broken_body_is_the_clients_mistake(encoding):
    with pytest.raises(InvalidRequest, match=encoding):
        decode(b"no such thing", encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_so_is_one_that_is_cut_off(encoding):
    with pytest.raises(InvalidRequest, match=encoding):
        decode(ENCODED[encoding][:-9], encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip,gzip,gzip,gzip", "x" * 500])
def test_an_unknown_encoding_is_refused(encoding):
    with pytest.raises(ClientError, match="send gzip, deflate or zstd") as caught:
        decode(TEXT, encoding, LIMIT)
    assert caught.value.status == 415


def test_without_the_library_zstd_is_refused_with_its_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ClientError, match=r"omniroute\[zstd\]") as caught:
        decode(ENCODED["zstd"], "zstd", LIMIT)
    assert caught.value.status == 415


def test_a_body_of_countless_empty_parts_is_refused_at_once():
    parts = gzip.compress(b"") * 500
    with pytest.raises(InvalidRequest, match="more than 64 members"):
        decode(parts, "gzip", LIMIT)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "zstd", "br", "gzip, zstd"]))
def test_any_bytes_are_decoded_or_refused(body, encoding):
    with contextlib.suppress(ClientError):
        assert len(decode(body, encoding, LIMIT)) <= LIMIT
