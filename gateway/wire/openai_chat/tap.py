"""What the gateway reads from a Chat Completions answer that it passes on untouched."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.wire import json
from gateway.wire.base import Inspection, Seen, Tap
from gateway.wire.openai_chat.errors import parse_error_value
from gateway.wire.openai_chat.usage import UsageBody, usage_in
from gateway.wire.sse import DONE, ServerEvent
from omniroute.errors import GatewayError, InvalidRequest, UpstreamBroken
from omniroute.types import Usage


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: msgspec.Raw = msgspec.Raw()


class _Call(msgspec.Struct):
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: msgspec.Raw = msgspec.Raw()
    reasoning_content: msgspec.Raw = msgspec.Raw()
    reasoning: msgspec.Raw = msgspec.Raw()
    reasoning_details: msgspec.Raw = msgspec.Raw()
    refusal: msgspec.Raw = msgspec.Raw()
    audio: msgspec.Raw = msgspec.Raw()
    images: msgspec.Raw = msgspec.Raw()
    tool_calls: list[_Call] | None = None
    function_call: _Function | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: msgspec.Raw = msgspec.Raw()
    text: msgspec.Raw = msgspec.Raw()
    finish_reason: str | None = None


class _XGroq(msgspec.Struct):
    usage: UsageBody | None = None
    error: msgspec.Raw = msgspec.Raw()


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: UsageBody | None = None
    error: msgspec.Raw = msgspec.Raw()
    x_groq: _XGroq | None = None
    object: str | None = None
    service_tier: Any = None


_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_EMPTY = (b"", b"null", b'""', b"[]", b"{}")


_ENVELOPE = frozenset(
    {
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "system_fingerprint",
        "service_tier",
        "obfuscation",
    }
)


def _is_usage_alone(data: bytes) -> bool:
    """A chunk that tells anything else, too, is not only the answer to a question that the gateway asked."""
    chunk = json.loads(data)
    return all(name in _ENVELOPE or not value for name, value in chunk.items())


def _is_content(delta: _Delta) -> bool:
    return bool(
        delta.tool_calls
        or delta.function_call
        or bytes(delta.content) not in _EMPTY
        or bytes(delta.reasoning_content) not in _EMPTY
        or bytes(delta.reasoning) not in _EMPTY
        or bytes(delta.reasoning_details) not in _EMPTY
        or bytes(delta.refusal) not in _EMPTY
        or bytes(delta.audio) not in _EMPTY
        or bytes(delta.images) not in _EMPTY
    )


class ChatTap(Tap):
    """`wants_usage`: the client asked for the usage chunk itself (`stream_options.include_usage`)."""

    def __init__(self, wants_usage: bool) -> None:
        self._wants_usage = wants_usage

    def look(self, event: ServerEvent) -> Seen:
        data = event.data
        if not data:
            return Seen.NOTHING
        if data == DONE:
            self.finished = True
            return Seen.LAST
        try:
            chunk = _decode_chunk(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._look_at_odd(data)
        error = chunk.error if bytes(chunk.error) not in _EMPTY else chunk.x_groq and chunk.x_groq.error
        if error and bytes(error) not in _EMPTY:
            self.error = parse_error_value(error)
            return Seen.ERROR
        usage = chunk.usage or (chunk.x_groq and chunk.x_groq.usage)
        if usage:
            self.usage = usage.to_usage(chunk.service_tier)
        if chunk.choices is None and (event.name == b"error" or chunk.object == "error"):
            self.error = parse_error_value(data)  # vLLM of old, and servers that name the event only
            return Seen.ERROR
        if not chunk.choices:
            unasked = chunk.usage and not self._wants_usage and _is_usage_alone(data)
            return Seen.UNASKED if unasked else Seen.NOTHING
        return self._look_at_choices(chunk.choices)

    def _look_at_choices(self, choices: list[_Choice]) -> Seen:
        seen = Seen.NOTHING
        for choice in choices:
            if choice.finish_reason:
                self.finished = True
                seen = Seen.CONTENT
            said = _is_content(choice.delta) if choice.delta else bytes(choice.message) not in _EMPTY
            if said or bytes(choice.text) not in _EMPTY:
                seen = Seen.CONTENT
        return seen

    def _look_at_odd(self, data: bytes) -> Seen:
        """A chunk of another shape than the types above. Whatever it is, the client gets it."""
        if b'"finish_reason"' in data and b'"finish_reason":null' not in data.replace(b" ", b""):
            self.finished = True
        if b'"usage"' in data:
            self.usage = _odd_usage(data) or self.usage
        return Seen.CONTENT if b'"choices"' in data else Seen.NOTHING


class _Whole(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: UsageBody | None = None
    error: msgspec.Raw = msgspec.Raw()
    base_resp: dict[str, Any] | None = None  # MiniMax: an error under status 200
    object: str | None = None
    service_tier: Any = None


_decode_whole = msgspec.json.Decoder(_Whole).decode


def inspect(body: bytes) -> Inspection:
    try:
        whole = _decode_whole(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _inspect_odd(body)
    usage = whole.usage.to_usage(whole.service_tier) if whole.usage else None
    if bytes(whole.error) not in _EMPTY:
        return Inspection(usage, parse_error_value(whole.error))
    if whole.base_resp and whole.base_resp.get("status_code"):
        return Inspection(usage, parse_error_value(msgspec.json.encode(whole.base_resp)))
    if not whole.choices:
        return Inspection(usage, parse_error_value(body) if whole.object == "error" else _nothing())
    return Inspection(usage)


def _inspect_odd(body: bytes) -> Inspection:
    return Inspection(_odd_usage(body)) if b'"choices"' in body else Inspection(error=_nothing())


def _odd_usage(data: bytes) -> Usage | None:
    """Counts of an answer that has other oddities, or has them in its counts."""
    try:
        value = json.loads(data)
    except InvalidRequest:
        return None
    return usage_in(value) if isinstance(value, dict) else None


def _nothing() -> GatewayError:
    return UpstreamBroken("The provider answered without any choice")
