"""Request bodies that a client sends compressed (`content-encoding`), within the limit for what they hold."""

from __future__ import annotations

import zlib
from typing import Any

from omniroute.errors import ClientError, InvalidRequest, RequestTooLarge

_GZIP = 16 + zlib.MAX_WBITS
MAX_LAYERS = 3
"""How many encodings may lie upon one another."""
MAX_MEMBERS = 64
"""Of a gzip body. Each costs a copy of all that is behind it, and an empty one has 20 bytes."""


def decode(body: bytes, encoding: str, limit: int) -> bytes:
    """`encoding` is the header's value, `limit` in bytes.

    Raise `RequestTooLarge`, `InvalidRequest` for a broken body, and 415 for an encoding that is not known here.
    """
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if len(names) > MAX_LAYERS:
        raise _unsupported(encoding)
    for name in reversed(names):
        body = _decoded(body, name, limit)
        if len(body) > limit:
            raise too_large(limit)
    return body


def too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(f"The request body is larger than {limit // (1024 * 1024)} MB (MAX_BODY_MB)")


def _decoded(body: bytes, name: str, limit: int) -> bytes:
    """May return one byte more than the limit, and no more, however much the body would expand to."""
    try:
        if name in ("gzip", "x-gzip"):
            return _inflate(body, _GZIP, limit)
        if name == "deflate":
            return _deflated(body, limit)
    except zlib.error as error:
        raise InvalidRequest(f"The body is not valid {name}: {error}") from None
    if name == "zstd":
        return _unzstd(body, limit)
    raise _unsupported(name)


def _deflated(body: bytes, limit: int) -> bytes:
    """Some clients send it without the zlib header that the standard asks for."""
    try:
        return _inflate(body, zlib.MAX_WBITS, limit)
    except zlib.error:
        return _inflate(body, -zlib.MAX_WBITS, limit)


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    """Also several gzip members behind one another."""
    out = bytearray()
    for _ in range(MAX_MEMBERS):
        inflater = zlib.decompressobj(window)
        out += inflater.decompress(body, limit + 1 - len(out))
        if len(out) > limit:
            return bytes(out)
        if not inflater.eof:
            raise zlib.error("it is cut off")
        body = inflater.unused_data if window == _GZIP else b""
        if not body:
            return bytes(out)
    raise zlib.error(f"it has more than {MAX_MEMBERS} members")


def _unzstd(body: bytes, limit: int) -> bytes:
    zstandard = _zstandard()
    if zstandard is None:
        raise _unsupported("zstd")
    try:
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(
            body, read_across_frames=True
        ) as reader:
            return _read(reader, limit)
    except zstandard.ZstdError as error:
        raise InvalidRequest(f"The body is not valid zstd: {error}") from None


def _read(reader: Any, limit: int) -> bytes:
    out = bytearray()
    while len(out) <= limit and (chunk := reader.read(min(1 << 20, limit + 1 - len(out)))):
        out += chunk
    return bytes(out)


def _zstandard() -> Any:
    """The optional library, or None."""
    try:
        import zstandard
    except ImportError:
        return None
    return zstandard


def _unsupported(name: str) -> ClientError:
    known = "gzip, deflate or zstd" if _zstandard() else "gzip or deflate (zstd: install omniroute[zstd])"
    return ClientError(
        f"The content encoding {name[:60]!r} is not supported here: send {known}, or the body as it is",
        status=415,
        code="unsupported_encoding",
    )
