"""How one attempt's bytes pass between the client's format and the provider's.

Decided per attempt, when the account and so the endpoint are known. `SameFormat` hands bytes on and reads a copy;
`gateway.passage.other_format.OtherFormat` goes through the neutral form. The pipeline knows only what is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.passage.rewriting import Rewriting
from gateway.wire import json
from gateway.wire.base import ModelProfile, Seen, StreamDecoder, Tap, WireFormat
from gateway.wire.sse import DONE, ServerEvent
from omniroute.errors import GatewayError, InvalidRequest, UpstreamBroken, UpstreamError
from omniroute.types import Fields, InboundRequest, UpstreamRequest, Usage
from providers.adapters import Adapter, Rewrite

if TYPE_CHECKING:
    from gateway.passage.other_format import OtherFormat

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Whole:
    """A complete answer in the client's format."""

    body: bytes
    usage: Usage | None = None
    content_type: str = JSON_TYPE


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is to be asked next, and after how many seconds."""

    request: UpstreamRequest
    wait_s: float = 0.0


class Reader(ABC):
    """A provider's stream into the client's. `feed` returns what may be sent by now.

    `committed` turns True with the first content. Until then nothing may be sent, and an error is raised; after it,
    `error` is set and what `feed` returns ends the client's stream.
    """

    usage: Usage | None = None
    committed: bool = False
    ended: bool = False
    """The regular end was seen: there is nothing left to wait for."""
    error: GatewayError | None = None

    @abstractmethod
    def feed(self, chunk: bytes) -> bytes:
        """Raise `UpstreamError` for an error before the first content."""

    @abstractmethod
    def close(self) -> bytes:
        """At the end of the input: the end of the client's stream, held back until now.

        Raise `UpstreamError` where the input is not a whole answer.
        """

    @abstractmethod
    def emit_error(self, error: GatewayError) -> bytes:
        """The end of a client's stream that broke behind its commit point."""


class Passage(ABC):
    """`client` is the wire format of the request, `provider` that of the endpoint, `profile` says which model it is.
    `adapter`: whose code puts the provider's answers into its wire format; None for nearly all."""

    def __init__(
        self,
        inbound: InboundRequest,
        client: WireFormat,
        provider: WireFormat,
        profile: ModelProfile,
        adapter: Adapter | None = None,
    ) -> None:
        self.inbound, self.client, self.provider, self.profile = inbound, client, provider, profile
        self.adapter = adapter

    @property
    def array(self) -> bool:
        """Whether the provider is asked for a stream that is one JSON array."""
        return False

    @property
    def only_streams(self) -> bool:
        """Whether the provider streams its answer whatever is asked for."""
        return self.provider.always_streams or (self.adapter is not None and self.adapter.always_streams)

    def decoder(self) -> StreamDecoder:
        decoder = self.provider.decoder(self.array)
        rewrite = self._rewriter()
        return decoder if rewrite is None else Rewriting(decoder, rewrite)

    def unwrapped(self, body: bytes) -> bytes:
        """A whole answer as the provider's wire format has it."""
        rewrite = self._rewriter()
        return body if rewrite is None else rewrite(body)

    def _rewriter(self) -> Rewrite | None:
        return self.adapter.rewriter(self.provider.name, self.profile.model) if self.adapter else None

    @property
    def body_format(self) -> str:
        """What quirks know the body by."""
        return self.provider.name

    @property
    def path(self) -> str:
        """Path and query behind the provider's base URL."""
        streams = self.inbound.stream or self.only_streams
        return self.provider.upstream_path(self.profile.model, streams, self.array)

    @property
    def dropped(self) -> tuple[str, ...]:
        """What `fields` left out because the provider's format has no words for it."""
        return ()

    @abstractmethod
    def fields(self) -> Fields:
        """The top level of the body to send, a new dict each time."""

    def packed(self, fields: Fields) -> tuple[str, bytes]:
        """Content type and body of what is sent."""
        return JSON_TYPE, json.dumps(fields)

    is_sound: bool = False
    """Whether a good answer is bytes rather than text."""
    follows_up: bool = False
    """Whether the answer takes several requests."""

    def follow_up(self, request: UpstreamRequest, body: bytes) -> FollowUp | None:
        """After the answer to one of them: the next one, or None where this was the last. `request` is the first."""
        return None

    @property
    def copies(self) -> int:
        """How often the request is sent, where each answer is a part of what was asked for."""
        return 1

    def copy(self, request: UpstreamRequest, number: int) -> UpstreamRequest:
        """The request for another part, counted from 1. `request` is the first one."""
        return request

    def joined(self, parts: list[Whole]) -> Whole:
        """All parts as one answer. At least one."""
        return parts[0]

    @abstractmethod
    def whole(self, body: bytes) -> Whole:
        """Raise `UpstreamError` for an error body under a good status, and for an answer without content."""

    @abstractmethod
    def reader(self) -> Reader: ...

    def as_stream(self, whole: Whole, body: bytes) -> bytes:
        """A whole answer, which the provider gave as `body` to the wish for a stream, as that stream."""
        way = self.through_neutral_form()
        return way.emit_stream(way.parse(way.unwrapped(body)))

    def through_neutral_form(self) -> OtherFormat:
        """The same two formats by way of the neutral form: for a stream that came as JSON, or the reverse."""
        from gateway.passage.other_format import OtherFormat

        return OtherFormat(self.inbound, self.client, self.provider, self.profile, self.adapter)


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
        return Whole(body, found.usage)

    def reader(self) -> Reader:
        return TapReader(self.client, self.inbound, self.decoder())


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
            if (
                self.error is not None
            ):  # what the provider says behind its error is between it and its clients
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
        self.usage = self._tap.usage
        return b"".join(out) if len(out) != 1 else out[0]

    def _fail(self) -> None:
        error = self._tap.error or UpstreamBroken("The provider reported an error")
        if not self.committed:
            raise as_upstream_error(error)
        self.error = error


class CutStream(UpstreamBroken):
    """The stream stopped behind its first content. `rest` is what still belongs to the client."""

    def __init__(self, rest: bytes = b"") -> None:
        super().__init__("The provider's stream was cut off before its end", code="stream_cut")
        self.rest = rest


ARRAY_END = b"]"


def _is_torn(event: ServerEvent) -> bool:
    """The piece of an event that a cut connection leaves behind. What follows it must not be glued to it."""
    if not event.data or event.data == DONE:
        return False
    try:
        json.loads(event.data)
    except InvalidRequest:
        return event.data != ARRAY_END
    return False


def stream_error(format: WireFormat, inbound: InboundRequest, error: GatewayError) -> bytes:
    """In band, in front of everything else: only keep-alives have been sent."""
    if inbound.array:
        return format.emit_array_error(error, first=True)
    return format.emit_stream_error(error)


def as_upstream_error(error: GatewayError) -> UpstreamError:
    if isinstance(error, UpstreamError):
        return error
    return UpstreamBroken(error.message, code=error.code)


def is_json(body: bytes) -> bool:
    """Does this start like JSON rather than like server-sent events?"""
    return body.lstrip()[:1] in (b"{", b"[")
