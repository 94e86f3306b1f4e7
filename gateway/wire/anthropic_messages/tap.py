"""What the gateway reads from an Anthropic answer that it passes on untouched."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.wire import json, priced
from gateway.wire.anthropic_messages.errors import parse_error_value
from gateway.wire.base import Inspection, Seen, Tap
from gateway.wire.sse import ServerEvent
from omniroute.errors import InvalidRequest, UpstreamBroken, UpstreamRefused
from omniroute.types import Usage

MESSAGE_STOP = b'{"type":"message_stop"'
"""How the data of the last event begins, for providers that leave out the event names."""
_ODD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Details(msgspec.Struct):
    thinking_tokens: int | None = None


class _Creation(msgspec.Struct):
    ephemeral_1h_input_tokens: int | None = None


class _ServerTools(msgspec.Struct):
    web_search_requests: int | None = None


class UsageBody(msgspec.Struct):
    """`usage` of a message; `input_tokens` is without what the cache read and wrote (docs/protocol-notes.md, Usage)."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _Details | None = None
    cache_creation: _Creation | None = None
    server_tool_use: _ServerTools | None = None
    service_tier: Any = None
    speed: Any = None

    def merge(self, later: UsageBody) -> UsageBody:
        """The later of each count: message_start guesses or knows the input only; message_delta is cumulative.

        Imitators tell 0 at the end of what they told at the start. A later input that is counted comes with its own
        cache counts, and 0 is one: behind a compaction, message_start tells of the call that made the summary.
        """
        thinking = later._thinking or self._thinking
        counted = bool(later.input_tokens)
        cached = later.cache_read_input_tokens if counted else later.cache_read_input_tokens or None
        written = later.cache_creation_input_tokens if counted else later.cache_creation_input_tokens or None
        return UsageBody(
            later.input_tokens or self.input_tokens,
            later.output_tokens or self.output_tokens,
            self.cache_read_input_tokens if cached is None else cached,
            self.cache_creation_input_tokens if written is None else written,
            _Details(thinking) if thinking else None,
            later.cache_creation or self.cache_creation,
            later.server_tool_use or self.server_tool_use,
            later.service_tier or self.service_tier,
            later.speed or self.speed,
        )

    @property
    def _thinking(self) -> int:
        return (self.output_tokens_details and self.output_tokens_details.thinking_tokens) or 0

    def to_usage(self) -> Usage:
        creation, tools = self.cache_creation, self.server_tool_use
        read, write = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        return Usage(
            input_tokens=(self.input_tokens or 0) + read + write,
            output_tokens=self.output_tokens or 0,
            cache_read_tokens=read,
            cache_write_tokens=write,
            reasoning_tokens=self._thinking,
            priced_apart=priced.apart(
                cache_write_1h_tokens=creation.ephemeral_1h_input_tokens if creation else 0,
                web_searches=tools.web_search_requests if tools else 0,
            ),
            service_tier=priced.tier(self.speed) or priced.tier(self.service_tier),
        )


def parse_usage(value: object) -> UsageBody | None:
    """None where the provider tells no counts at all."""
    if not isinstance(value, dict):
        return None
    try:
        usage = msgspec.convert(value, UsageBody, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
    return None if usage.input_tokens is None and usage.output_tokens is None else usage


class _Message(msgspec.Struct):
    usage: UsageBody | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    message: _Message | None = None
    delta: _Delta | None = None
    content_block: _Block | None = None
    usage: UsageBody | None = None
    error: msgspec.Raw = msgspec.Raw()


_decode_event = msgspec.json.Decoder(_Event).decode
_EMPTY_STARTS = ("text", "thinking")
_DELTAS_WITH_TEXT = ("text_delta", "thinking_delta", "input_json_delta")


class AnthropicTap(Tap):
    def __init__(self) -> None:
        self._usage: UsageBody | None = None

    def look(self, event: ServerEvent) -> Seen:
        data = event.data
        if not data:
            return Seen.NOTHING
        try:
            seen = _decode_event(data)
        except _ODD:
            return self._look_at_odd(event)
        match seen.type:
            case "content_block_delta":
                return Seen.CONTENT if seen.delta and _shows(seen.delta) else Seen.NOTHING
            case "content_block_start":
                return Seen.CONTENT if seen.content_block and _begins(seen.content_block) else Seen.NOTHING
            case "message_start":
                self._count(seen.message.usage if seen.message else None)
                return Seen.NOTHING
            case "message_delta":
                self._count(seen.usage)
                if seen.delta and seen.delta.stop_reason:
                    self.finished = True
                    return Seen.CONTENT
                return Seen.NOTHING
            case "message_stop":
                self.finished = True
                return Seen.LAST
        if seen.type == "error" or bytes(seen.error) not in (b"", b"null"):
            self.error = _error_of(data)
            return Seen.ERROR
        return Seen.NOTHING

    def _count(self, usage: UsageBody | None) -> None:
        if usage is None:
            return
        self._usage = self._usage.merge(usage) if self._usage else usage
        self.usage = self._usage.to_usage()

    def _look_at_odd(self, event: ServerEvent) -> Seen:
        """An event of another shape than the types above. Whatever it is, the client gets it."""
        if event.name == b"message_stop":
            self.finished = True
            return Seen.LAST
        if event.name == b"error":
            self.error = _error_of(event.data)
            return Seen.ERROR
        if event.name == b"message_delta" and b'"stop_reason"' in event.data:
            self.finished = True
        return Seen.CONTENT if event.name.startswith((b"content_block", b"message_delta")) else Seen.NOTHING


def _shows(delta: _Delta) -> bool:
    if delta.type in _DELTAS_WITH_TEXT:
        return bool(delta.text or delta.thinking or delta.partial_json)
    return True


def _begins(block: _Block) -> bool:
    return block.type not in _EMPTY_STARTS or bool(block.text or block.thinking)


def _error_of(data: bytes) -> UpstreamRefused:
    try:
        value = json.loads(data)
    except InvalidRequest:
        value = data.decode("utf-8", "replace")
    return parse_error_value(value, data)


class _Whole(msgspec.Struct):
    type: str = ""
    content: list[msgspec.Raw] | None = None
    usage: UsageBody | None = None
    error: msgspec.Raw = msgspec.Raw()


_decode_whole = msgspec.json.Decoder(_Whole).decode


def inspect(body: bytes) -> Inspection:
    try:
        whole = _decode_whole(body)
    except _ODD:
        return Inspection() if b'"content"' in body else Inspection(error=_nothing())
    usage = whole.usage.to_usage() if whole.usage else None
    if whole.type == "error" or bytes(whole.error) not in (b"", b"null"):
        return Inspection(usage, _error_of(body))
    return Inspection(usage, None if whole.content is not None else _nothing())


def _nothing() -> UpstreamBroken:
    return UpstreamBroken("The provider answered without a message")
