"""What a wire format is: a package with eight halves, each `parse_*` beside its `emit_*`, and a tap.

Every package defines one subclass of `WireFormat` and `gateway.wire` lists an instance of it. Nothing here or below
imports Django or does I/O.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.wire import ir, json
from gateway.wire.sse import Decoder, ServerEvent
from omniroute.errors import GatewayError, UpstreamRefused
from omniroute.types import Fields, InboundRequest, JSONDict, Usage


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """What an emitter has to know of the model that it writes for. None and "" mean: not known, be careful."""

    provider: str = ""
    """Provider id, e.g. `deepseek`."""
    model: str = ""
    vendor: str = ""
    """Whose signatures the model accepts: `anthropic`, `openai`, `gemini`; "" for everybody else."""
    max_output_tokens: int | None = None
    reasoning: str = ""
    """How thinking is asked for: `none`, `effort`, `budget`, `adaptive` (Claude 4.6+), `level` (Gemini 3)."""
    vision: bool = True
    context_window: int | None = None
    """Tokens."""
    json_in_words: bool = False
    """The model was seen to refuse a JSON answer beside functions: it is asked for JSON in its instructions."""
    files_as_text: bool = False
    """The model was seen to refuse documents of plain text: their text goes into the message itself."""
    sound_as_json: bool = False
    """Recordings are sent as base64 within JSON, not in a form."""
    one_image: bool = False
    """One request makes one image, whatever its `n` says."""
    thought_tag: str = ""
    """The model writes its thoughts into its text, in a tag of this name, e.g. `think`."""

    @property
    def maker(self) -> str:
        """Who made the proofs in this model's answers, and takes them back: the vendor, or else the provider."""
        return self.vendor or self.provider


@dataclass(frozen=True, slots=True)
class Rules:
    """What a format demands of a conversation. `tools.adapt` and `history.repair` make a foreign one fit."""

    tool_name: str = r"[a-zA-Z0-9_-]{1,64}"
    """Regular expression that a tool's name matches whole."""
    tool_id: str = r"[a-zA-Z0-9_-]{1,64}"
    custom_tools: bool = False
    """Knows tools that take free text instead of JSON."""
    merge_roles: bool = False
    """Neighbouring turns of one role must be one turn."""
    user_first: bool = False
    """The first turn must be the user's."""
    filler: str = " "
    """Text of a turn that must be there and says nothing."""
    answer_calls: bool = True
    """Every tool call needs its result in the next turn, and every result its call in the turn before."""


class Seen(Enum):
    """What one event of a same-format stream is to the gateway."""

    NOTHING = 0
    """Keep-alive, role, empty delta: shows the client nothing yet."""
    CONTENT = 1
    """Part of the answer. The first one is the commit point."""
    LAST = 2
    """The regular end of the stream: held back until the usage is on disk."""
    UNASKED = 3
    """The client did not ask for it, but the gateway did; or it cannot read it. Dropped."""
    ERROR = 4
    """An error in the place of an answer: see the tap's `error`."""


class Tap(ABC):
    """Reads usage, end and errors from a copy of a same-format stream, whose bytes go to the client untouched.

    `finished` is set once the answer is known to be whole, which may be before the LAST event.
    """

    usage: Usage | None = None
    finished: bool = False
    error: GatewayError | None = None
    answer_id: str = ""
    """By what a later request may go on from this answer, where its provider keeps it."""

    @abstractmethod
    def look(self, event: ServerEvent) -> Seen: ...

    def emit_error(self, error: GatewayError) -> bytes | None:
        """An error in band that has to fit the events so far; None: as `WireFormat.emit_stream_error` has it."""
        return None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the gateway wants to know of a whole same-format answer."""

    usage: Usage | None = None
    error: GatewayError | None = None
    """Set for an error body under status 200, and for an answer without any choice."""
    answer_id: str = ""
    """See `Tap.answer_id`."""


class StreamDecoder(Protocol):
    """Cuts a stream into events, whatever its frame: server-sent events or a JSON array."""

    def feed(self, chunk: bytes) -> list[ServerEvent]: ...

    def flush(self) -> list[ServerEvent]: ...


class StreamParser(ABC):
    """A provider's stream into events. Tolerates what `docs/protocol-notes.md` lists."""

    @abstractmethod
    def feed(self, event: ServerEvent) -> list[ir.Event]: ...

    @abstractmethod
    def close(self) -> list[ir.Event]:
        """At the end of the input. An answer that is not whole by now ends with `Errored`."""


class StreamEmitter(ABC):
    """Events into a client's stream. `emit` returns bytes ready to send, possibly none."""

    @abstractmethod
    def emit(self, event: ir.Event) -> bytes: ...

    @abstractmethod
    def close(self) -> bytes:
        """The format's end. After an `Errored`, nothing that could pass for a normal end."""


class WireFormat(ABC):
    name: str
    """As in `InboundRequest.format` and `Endpoint.format`."""
    label: str
    keepalive: bytes
    """What keeps a waiting client of this format from giving up."""
    stream_type: str = "text/event-stream; charset=utf-8"
    """Content type of a stream."""
    rules: Rules = Rules()
    understood: frozenset[str] = frozenset()
    """Top-level fields of a request that reach providers of other formats in their words, or mean nothing there."""
    vendor: str = ""
    """Its inventor, where answers carry proofs of thought: see `proofs`."""
    provider_format: str = ""
    """For a format that only clients speak: what a provider is asked in, where it can be."""
    always_streams: bool = False
    """Answers are streams, whatever was asked for."""
    inlines_media: bool = False
    """Whether pictures behind web addresses have to be sent as data."""

    # -- same format: bytes
    @abstractmethod
    def upstream_path(self, model: str, stream: bool, array: bool = False) -> str:
        """Path and query behind the provider's base URL. `array`: a stream as one JSON array, which Gemini knows."""

    @abstractmethod
    def patch(self, fields: Fields, model: str, stream: bool) -> None:
        """Make the client's own body fit the target: `model`, and the request for usage in a stream. Nothing else."""

    @abstractmethod
    def tap(self, inbound: InboundRequest) -> Tap: ...

    @abstractmethod
    def inspect(self, body: bytes) -> Inspection: ...

    def decoder(self, array: bool) -> StreamDecoder:
        """Of what `upstream_path` with the same `array` answers."""
        return Decoder()

    def is_end(self, event: ServerEvent) -> bool:
        """Is this the event behind which the provider has nothing more to say?"""
        return False

    # -- other format: the neutral form
    @abstractmethod
    def parse_request(self, body: JSONDict, model: str, stream: bool) -> ir.Request:
        """Raise `InvalidRequest`, naming the field, where the body has a shape that this format does not allow."""

    @abstractmethod
    def emit_request(self, request: ir.Request, profile: ModelProfile) -> JSONDict:
        """Does not change `request` but for appending to `dropped`."""

    def unsaid_stops(self, stops: list[str]) -> list[str]:
        """Those of another format's stop sequences that `emit_request` cannot say: the answer is cut at them."""
        return []

    @abstractmethod
    def parse_response(self, body: JSONDict) -> ir.Response:
        """Raise `UpstreamBroken` for an answer without a candidate, `UpstreamRefused` for an error body."""

    @abstractmethod
    def emit_response(self, response: ir.Response, request: ir.Request) -> JSONDict:
        """`request` is what the client asked: some formats echo it."""

    @abstractmethod
    def stream_parser(self) -> StreamParser: ...

    def parser_for(self, profile: ModelProfile) -> StreamParser:
        """The same, for a format whose answers cannot be read without knowing the model."""
        return self.stream_parser()

    @abstractmethod
    def stream_emitter(self, request: ir.Request) -> StreamEmitter: ...

    # -- errors
    @abstractmethod
    def parse_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
        """Put a provider's error into the gateway's words. Never fails: whatever the body is, it says something."""

    @abstractmethod
    def emit_error(self, error: GatewayError) -> JSONDict: ...

    @abstractmethod
    def emit_stream_error(self, error: GatewayError) -> bytes:
        """The error in band, behind the first byte. Never a normal end."""

    def emit_array_error(self, error: GatewayError, first: bool) -> bytes:
        """The same where the stream is a JSON array, which this ends. `first`: no element was sent before."""
        raise NotImplementedError(f"{self.label} has no streams of this kind")


class ProviderFormat(WireFormat):
    """A format that no client speaks: requests are always written anew, answers always go through the neutral form."""

    keepalive = b""

    def patch(self, fields: Fields, model: str, stream: bool) -> None:
        raise self._no_client()

    def tap(self, inbound: InboundRequest) -> Tap:
        raise self._no_client()

    def inspect(self, body: bytes) -> Inspection:
        raise self._no_client()

    def parse_request(self, body: JSONDict, model: str, stream: bool) -> ir.Request:
        raise self._no_client()

    def parse_response(self, body: JSONDict) -> ir.Response:
        """Plain JSON in the place of a stream is an error."""
        raise self.parse_error(502, json.dumps(body), {})

    def emit_response(self, response: ir.Response, request: ir.Request) -> JSONDict:
        raise self._no_client()

    def stream_emitter(self, request: ir.Request) -> StreamEmitter:
        raise self._no_client()

    def emit_error(self, error: GatewayError) -> JSONDict:
        raise self._no_client()

    def emit_stream_error(self, error: GatewayError) -> bytes:
        raise self._no_client()

    def _no_client(self) -> NotImplementedError:
        return NotImplementedError(f"No client speaks {self.label}")
