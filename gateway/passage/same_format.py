"""Within one wire format: bytes pass as they came, and a copy is read for errors and usage."""

from __future__ import annotations

from gateway.passage.base import CutStream, Passage, Reader, Whole, as_upstream_error
from gateway.passage.other_format import OtherFormat
from gateway.wire import json
from gateway.wire.base import Seen, StreamDecoder, Tap, WireFormat
from gateway.wire.sse import DONE, ServerEvent
from omniroute.errors import GatewayError, InvalidRequest, UpstreamBroken
from omniroute.types import Fields, InboundRequest

ARRAY_END = b"]"


class SameFormat(Passage):
    """Only `model`, the wish for usage, the credentials and the declared quirks differ from what the client sent."""

    @property
    def array(self) -> bool:
        return self.inbound.array

    def fields(self) -> Fields:
        fields: Fields = dict(self.inbound.fields)
        self.provider.patch(fields, self.profile.model, self.inbound.stream)
        return fields

    def whole(self, body: bytes) -> Whole:
        if not body.strip():
            raise UpstreamBroken("The provider sent an empty answer")
        body = self.unwrapped(body)
        found = self.provider.inspect(body)
        if found.error is not None:
            raise as_upstream_error(found.error)
        return Whole(body, found.usage, answer_id=found.answer_id)

    def reader(self) -> Reader:
        return TapReader(self.client, self.inbound, self.decoder())

    def reader_of_events(self) -> Reader:
        return OtherFormat(self.ends).reader()

    def whole_of_stream(self, body: bytes) -> Whole:
        return OtherFormat(self.ends).whole_of_stream(body)

    def stream_of_whole(self, whole: Whole, body: bytes) -> bytes:
        return OtherFormat(self.ends).stream_of_whole(whole, body)


class TapReader(Reader):
    """Passes complete events on as they came, but for the regular end, which is held back for `close`."""

    def __init__(
        self, format: WireFormat, inbound: InboundRequest, decoder: StreamDecoder | None = None
    ) -> None:
        self._format, self._array = format, inbound.array
        self._tap: Tap = format.tap(inbound)
        self._decoder = decoder or format.decoder(inbound.array)
        self._tail = b""

    def feed(self, chunk: bytes) -> bytes:
        return self._pass(self._decoder.feed(chunk))

    def close(self) -> bytes:
        rest = self._pass([event for event in self._decoder.flush() if not _is_torn(event)])
        if self.error is not None:
            return rest + self._end_of_array() if self._array else rest
        if not self.committed:
            raise UpstreamBroken("The provider's stream ended without any content")
        if not self._tap.finished:
            raise CutStream(rest)
        return rest + (self._end_of_array() if self._array else self._tail)

    def _end_of_array(self) -> bytes:
        return self._tail or ARRAY_END

    def emit_error(self, error: GatewayError) -> bytes:
        if self._array:
            return self._format.emit_array_error(error, first=False)
        return self._tap.emit_error(error) or self._format.emit_stream_error(error)

    def _pass(self, events: list[ServerEvent]) -> bytes:
        out = []
        look = self._tap.look
        for event in events:
            if self.error is not None:  # what the provider says behind it is between the two
                if self._array and event.data == ARRAY_END:
                    self._tail += event.raw
                else:
                    out.append(event.raw)
                continue
            seen = look(event)
            if seen is Seen.CONTENT:
                self.committed = True
            elif seen is Seen.UNASKED:
                continue
            elif seen is Seen.ERROR:
                self._fail()
            if seen is Seen.LAST or self.ended:
                self.ended = True
                self._tail += event.raw
            else:
                out.append(event.raw)
        self.usage, self.answer_id = self._tap.usage, self._tap.answer_id
        return b"".join(out) if len(out) != 1 else out[0]

    def _fail(self) -> None:
        error = self._tap.error or UpstreamBroken("The provider reported an error")
        if not self.committed:
            raise as_upstream_error(error)
        self.error = error


class ResumedReader(TapReader):
    """Of a stream that is read once more, from wherever its client likes: passed on as it comes, its end as well."""

    def __init__(
        self, format: WireFormat, inbound: InboundRequest, decoder: StreamDecoder | None = None
    ) -> None:
        super().__init__(format, inbound, decoder)
        self.committed = True

    def close(self) -> bytes:
        rest = self._pass([event for event in self._decoder.flush() if not _is_torn(event)])
        return rest + self._tail


def _is_torn(event: ServerEvent) -> bool:
    """The piece of an event that a cut connection leaves behind. What follows it must not be glued to it."""
    if not event.data or event.data == DONE:
        return False
    try:
        json.loads(event.data)
    except InvalidRequest:
        return event.data != ARRAY_END
    return False
