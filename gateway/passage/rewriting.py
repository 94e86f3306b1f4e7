"""Streams of providers whose adapter puts their events into the wire format's words."""

from __future__ import annotations

from gateway.wire.base import StreamDecoder
from gateway.wire.sse import DONE, ServerEvent, encode
from providers.adapters import Rewrite


class Rewriting:
    """A decoder whose events an adapter puts into the wire format's words. `raw` follows where that changes them."""

    __slots__ = ("_inner", "_rewrite")

    def __init__(self, inner: StreamDecoder, rewrite: Rewrite) -> None:
        self._inner, self._rewrite = inner, rewrite

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        return [self._event(event) for event in self._inner.feed(chunk)]

    def flush(self) -> list[ServerEvent]:
        return [self._event(event) for event in self._inner.flush()]

    def _event(self, event: ServerEvent) -> ServerEvent:
        data = self._rewrite(event.data) if event.data and event.data != DONE else event.data
        if data is event.data:
            return event
        return ServerEvent(encode(data, event.name.decode("utf-8", "replace")), data, event.name)
