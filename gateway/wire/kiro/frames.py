"""AWS event-stream frames, incrementally and without I/O (docs/protocol-notes.md, Kiro).

A frame is two lengths and their CRC, headers, a payload, a CRC of all: big-endian, CRC-32 as in zlib. It becomes one
`ServerEvent` whose `name` is the frame's event type. What the service reports as an exception has the name
`EXCEPTION` + its type.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from gateway.wire.sse import ServerEvent
from omniroute.errors import UpstreamBroken

EXCEPTION = b"exception:"
MAX_FRAME = 16 * 1024 * 1024
_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_OVERHEAD = _PRELUDE.size + _CRC.size
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; 6 (bytes) and 7 (text) say their length themselves."""
_SIZED = (6, 7)


class Decoder:
    """`feed` bytes as they come and get the frames that are complete, wherever they were cut.

    Both raise `UpstreamBroken` for bytes that are no frame, once the frames before them have been handed out: behind
    them there is nothing to find the next one by.
    """

    __slots__ = ("_buffer", "_damage")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._damage: UpstreamBroken | None = None

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        if self._damage is None:
            self._buffer += chunk
            try:
                while (length := self._length()) is not None and length <= len(self._buffer):
                    events.append(_parse(bytes(self._buffer[:length])))
                    del self._buffer[:length]
            except UpstreamBroken as damage:
                self._damage = damage
        if self._damage is not None and not events:
            raise self._damage
        return events

    def flush(self) -> list[ServerEvent]:
        if self._damage is not None:
            raise self._damage
        if self._buffer:
            self._buffer.clear()
            raise UpstreamBroken("The provider's stream was cut off inside of a frame", code="stream_cut")
        return []

    def _length(self) -> int | None:
        """Of the frame at the front, or None while its prelude is not there."""
        if len(self._buffer) < _PRELUDE.size:
            return None
        total, headers, crc = _PRELUDE.unpack_from(self._buffer)
        if zlib.crc32(self._buffer[:8]) != crc:
            raise UpstreamBroken("The provider's stream is damaged: a frame's prelude has the wrong checksum")
        if not _OVERHEAD + headers <= total <= MAX_FRAME:
            raise UpstreamBroken(f"The provider's stream is damaged: a frame of {total} bytes")
        return int(total)


def _parse(frame: bytes) -> ServerEvent:
    _, size, _ = _PRELUDE.unpack_from(frame)
    if zlib.crc32(frame[: -_CRC.size]) != _CRC.unpack_from(frame, len(frame) - _CRC.size)[0]:
        raise UpstreamBroken("The provider's stream is damaged: a frame has the wrong checksum")
    payload_at = _PRELUDE.size + size
    try:
        headers = dict(_headers(frame[_PRELUDE.size : payload_at]))
    except (IndexError, KeyError, struct.error):
        raise UpstreamBroken("The provider's stream is damaged: headers that cannot be read") from None
    return ServerEvent(frame, frame[payload_at : -_CRC.size], _name(headers))


def _headers(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position < len(block):
        end = position + 1 + block[position]
        name, kind = block[position + 1 : end], block[end]
        position = end + 1
        if kind in _SIZED:
            size = struct.unpack_from(">H", block, position)[0]
            position += 2
        else:
            size = _FIXED[kind]
        if position + size > len(block):
            raise IndexError
        yield name, block[position : position + size]
        position += size


def _name(headers: dict[bytes, bytes]) -> bytes:
    match headers.get(b":message-type", b"event"):
        case b"exception":
            return EXCEPTION + headers.get(b":exception-type", b"")
        case b"error":
            return EXCEPTION + headers.get(b":error-code", b"")
        case _:
            return headers.get(b":event-type", b"")
