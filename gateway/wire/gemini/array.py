"""The other stream of Gemini, without `alt=sse`: one JSON array that grows by an object at a time.

`Decoder` cuts it into events as `sse.Decoder` does with SSE; `frame` and `end` write it.
"""

from __future__ import annotations

import re

from gateway.wire.sse import ServerEvent

END = b"]"
"""`data` of the event that closes the array."""
_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')


class Decoder:
    """`feed` bytes as they come and get the objects that are complete; `flush` at the end of the input.

    All `raw`s joined are the input. An answer that is no array but one object (an error) is one event.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._position = 0
        self._depth = 0
        self._begin = 0
        self._in_string = False

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        self._buffer += chunk
        events: list[ServerEvent] = []
        while (found := self._next()) is not None:
            if self._in_string:
                self._step_in_string(found)
            else:
                self._step(found, events)
        return events

    def flush(self) -> list[ServerEvent]:
        """What is left, where the input ended inside of an object or behind the array."""
        rest = bytes(self._buffer)
        data = rest[self._begin :].strip() if self._depth else b""
        self.__init__()  # type: ignore[misc]
        return [ServerEvent(rest, data)] if rest else []

    def _next(self) -> int | None:
        pattern = _INSIDE if self._in_string else _OUTSIDE
        match = pattern.search(self._buffer, self._position)
        if match is None:
            self._position = max(self._position, len(self._buffer))
            return None
        if match[0] == b"\\" and match.start() + 1 == len(self._buffer):
            self._position = match.start()
            return None  # what is escaped is in the next chunk
        return match.start()

    def _step_in_string(self, found: int) -> None:
        if self._buffer[found] == ord("\\"):
            self._position = found + 2
        else:
            self._position, self._in_string = found + 1, False

    def _step(self, found: int, events: list[ServerEvent]) -> None:
        self._position = found + 1
        byte = self._buffer[found]
        if byte == ord('"'):
            self._in_string = True
        elif byte in b"{[":
            if byte == ord("{") and self._depth == 0:
                self._begin = found
            if byte == ord("{") or self._depth:
                self._depth += 1
        elif self._depth:
            self._depth -= 1
            if self._depth == 0:
                events.append(self._cut(found + 1, bytes(self._buffer[self._begin : found + 1])))
        elif byte == ord("]"):
            events.append(self._cut(found + 1, END))

    def _cut(self, end: int, data: bytes) -> ServerEvent:
        event = ServerEvent(bytes(self._buffer[:end]), data)
        del self._buffer[:end]
        self._position = self._begin = 0
        return event


def frame(data: bytes, first: bool) -> bytes:
    """One element, with what separates it from the one before."""
    return (b"[" if first else b",\r\n") + data


def end(empty: bool) -> bytes:
    return b"[]" if empty else b"]"
