"""AWS event-stream frames as Kiro's service writes them (docs/protocol-notes.md, Kiro)."""

from __future__ import annotations

import struct
import zlib

_OVERHEAD = 16
"""Two lengths, and two CRCs."""
_TYPE_HEADERS = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}


def encode(payload: bytes, name: str, kind: str = "event") -> bytes:
    """One frame. `kind`: event, exception or error."""
    fields = ((":message-type", kind), (_TYPE_HEADERS[kind], name), (":content-type", "application/json"))
    headers = b"".join(_header(name, value) for name, value in fields)
    prelude = struct.pack(">II", _OVERHEAD + len(headers) + len(payload), len(headers))
    frame = prelude + _crc(prelude) + headers + payload
    return frame + _crc(frame)


def _crc(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def _header(name: str, value: str) -> bytes:
    raw = value.encode()
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(raw)) + raw
