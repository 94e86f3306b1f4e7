"""Server-sent events, incrementally and without I/O (WHATWG HTML §9.2).

Any line ending (LF, CRLF, CR, mixed), cut anywhere, comments, several `data:` lines, a byte order mark, no final
blank line. Bytes in, bytes out: nothing is decoded here, so a character that was cut in two between reads stays whole.

A field `error` with JSON, which llama.cpp wrote until September 2025 (ggml-org/llama.cpp#16109) and no client reads, is
taken for the error chunk that llama.cpp writes since.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BLANK_LINE = re.compile(rb"\r\n(?:\r\n|\n|\r)|\n(?:\r\n|\n|\r)|\r(?:\r\n|\r)")
_LINE = re.compile(rb"\r\n|\n|\r")
BOM = b"\xef\xbb\xbf"
DONE = b"[DONE]"


class ServerEvent(NamedTuple):
    """One block of the stream. `raw` is the block as received, with its blank line; all `raw`s joined are the input
    (but for a field `error`)."""

    raw: bytes
    data: bytes
    name: bytes = b""


class Decoder:
    """`feed` bytes as they come and get the events that are complete; `flush` at the end of the input."""

    __slots__ = ("_buffer", "_scanned", "_started")

    def __init__(self) -> None:
        self._buffer = b""
        self._scanned = 0
        self._started = False

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        buffer = self._buffer + chunk if self._buffer else chunk
        if b"\r" not in buffer:
            return self._split_at_newlines(buffer)
        events, position = [], 0
        for match in _BLANK_LINE.finditer(buffer, max(0, self._scanned - 3)):
            end = match.end()
            if end == len(buffer) and buffer.endswith(b"\r"):
                break  # the LF of this CRLF may be in the next chunk
            events.append(self._parse(buffer[position:end]))
            position = end
        self._keep(buffer[position:])
        return events

    def flush(self) -> list[ServerEvent]:
        """The last event, where the input ended without its blank line."""
        rest, self._buffer, self._scanned = self._buffer, b"", 0
        return [self._parse(rest)] if rest else []

    def _split_at_newlines(self, buffer: bytes) -> list[ServerEvent]:
        events, position = [], 0
        end = buffer.find(b"\n\n", max(0, self._scanned - 1))
        while end >= 0:
            events.append(self._parse(buffer[position : end + 2]))
            position = end + 2
            end = buffer.find(b"\n\n", position)
        self._keep(buffer[position:] if position else buffer)
        return events

    def _keep(self, rest: bytes) -> None:
        self._buffer, self._scanned = rest, len(rest)

    def _parse(self, block: bytes) -> ServerEvent:
        body = block
        if not self._started:
            self._started = True
            body = block.removeprefix(BOM)
        if body.startswith(b"data:") and body.find(b"\n", 0, -2) < 0 and b"\r" not in body:
            return ServerEvent(block, body[6 if body[5:6] == b" " else 5 :].rstrip(b"\n"))
        data: list[bytes] = []
        name = b""
        for line in _LINE.split(body):
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value
            elif field == b"error" and value.startswith(b"{"):
                told = b'{"error":' + value + b"}"
                return ServerEvent(encode(told), told)
        return ServerEvent(block, b"\n".join(data), name)


def encode(data: bytes, name: str = "") -> bytes:
    """One event. `data` must not hold line breaks, which JSON text never does."""
    if name:
        return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"


def comment(text: str) -> bytes:
    return f": {text}\n\n".encode()
