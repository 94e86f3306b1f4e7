"""How one attempt's bytes pass between the client's format and the provider's: what the pipeline knows of it.

Decided per attempt, when the account and so the endpoint are known (`requests.passage_for`). `SameFormat` hands bytes
on and reads a copy, `OtherFormat` goes through the neutral form; what is asked beside answers is in `operations`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from gateway.passage.rewriting import Rewriting
from gateway.wire import json
from gateway.wire.base import ModelProfile, StreamDecoder, WireFormat
from omniroute.errors import GatewayError, UpstreamBroken, UpstreamError
from omniroute.types import Fields, InboundRequest, UpstreamRequest, Usage
from providers.adapters import Adapter, Rewrite

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Whole:
    """A complete answer in the client's format."""

    body: bytes
    usage: Usage | None = None
    content_type: str = JSON_TYPE
    answer_id: str = ""
    """See `Tap.answer_id`."""


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
    answer_id: str = ""
    """See `Tap.answer_id`."""

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


@dataclass(frozen=True, slots=True)
class Ends:
    """What a passage lies between. `client` is the wire format of the request, `provider` that of the endpoint,
    `profile` says which model it is. `adapter`: whose code puts the provider's answers into its wire format; None for
    nearly all."""

    inbound: InboundRequest
    client: WireFormat
    provider: WireFormat
    profile: ModelProfile
    adapter: Adapter | None = None


class Passage(ABC):
    def __init__(self, ends: Ends) -> None:
        self.ends = ends
        self.inbound, self.client, self.provider = ends.inbound, ends.client, ends.provider
        self.profile, self.adapter = ends.profile, ends.adapter

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

    def counted(self, body: bytes) -> Usage | None:
        """What the provider says it used for a whole answer that is of no use: it may bill it all the same."""
        if self.only_streams or not is_json(body):
            return None
        usage = self.provider.inspect(self.unwrapped(body)).usage
        return usage if usage and (usage.input_tokens or usage.output_tokens) else None

    @abstractmethod
    def reader(self) -> Reader: ...

    def reader_of_events(self) -> Reader:
        """For a provider that sends events to the wish for an array."""
        return self.reader()

    def whole_of_stream(self, body: bytes) -> Whole:
        """A stream, which the provider gave to the wish for a whole answer, as that. Raise `UpstreamError`."""
        raise UpstreamBroken("The provider sent a stream, which nobody asked for")

    def stream_of_whole(self, whole: Whole, body: bytes) -> bytes:
        """A whole answer, which the provider gave as `body` to the wish for a stream, as that stream."""
        raise UpstreamBroken("The provider sent no stream, which was asked for")


class WholeAnswer(Passage):
    """What is answered as a whole, and never as a stream."""

    def reader(self) -> Reader:
        raise UpstreamBroken("The provider sent a stream, which nobody asked for")


class CutStream(UpstreamBroken):
    """The stream stopped behind its first content. `rest` is what still belongs to the client."""

    def __init__(self, rest: bytes = b"") -> None:
        super().__init__("The provider's stream was cut off before its end", code="stream_cut")
        self.rest = rest


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
