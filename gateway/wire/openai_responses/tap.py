"""What the gateway reads from an answer of this format that it passes on untouched."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.wire import json, priced
from gateway.wire.base import Inspection, Seen, Tap
from gateway.wire.openai_responses.errors import (
    emit_broken_stream,
    emit_stream_error,
    parse_error_value,
)
from gateway.wire.openai_responses.usage import UsageBody
from gateway.wire.sse import DONE, ServerEvent
from omniroute.errors import GatewayError, InvalidRequest, UpstreamBroken, UpstreamRefused
from omniroute.types import Usage

_EMPTY = (b"", b"null", b'""', b"{}")
_OPENING = frozenset({"response.created", "response.in_progress", "response.queued"})
_PART_ADDED = "response.content_part.added"
_ADDED = "response.output_item.added"
_LAST = frozenset({"response.completed", "response.incomplete", "response.done"})
_RUNNING = (None, "queued", "in_progress")
_ENDS = _LAST | {"response.failed", "error"}


class _Response(msgspec.Struct):
    id: Any = None
    usage: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    status: str | None = None
    output: msgspec.Raw = msgspec.Raw()
    service_tier: Any = None


class _Item(msgspec.Struct):
    type: str | None = None


class _Event(msgspec.Struct):
    type: str | None = None
    response: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    item: _Item | None = None


class _Whole(_Response):
    object: str | None = None


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_response = msgspec.json.Decoder(_Response).decode
_decode_whole = msgspec.json.Decoder(_Whole).decode
_decode_usage = msgspec.json.Decoder(UsageBody, strict=False).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class ResponsesTap(Tap):
    """`in_background`: the answer is made whether its stream is read or not. So it begins with its id, by which the
    client may fetch the rest, and nobody else is asked after that."""

    def __init__(self, in_background: bool = False) -> None:
        self._in_background = in_background
        self._has_content = False
        self._opening = msgspec.Raw()

    def emit_error(self, error: GatewayError) -> bytes | None:
        """The failure of the very response that began: OpenAI's SDK refuses one by another id."""
        if self._in_background:
            return emit_broken_stream(error)
        opening = json.loads(self._opening) if bytes(self._opening) not in _EMPTY else None
        return emit_stream_error(error, opening) if isinstance(opening, dict) else None

    def look(self, event: ServerEvent) -> Seen:
        data = event.data
        if not data or data == DONE:
            return Seen.NOTHING
        try:
            value = _decode_event(data)
        except _UNREADABLE:
            return self._look_at_odd(event)
        kind = value.type or event.name.decode("utf-8", "replace")
        if kind in _OPENING:
            self._opening = value.response
            self.answer_id = self.answer_id or _id(_response(value.response))
            self._has_content = self._in_background and bool(self.answer_id)
            return Seen.CONTENT if self._has_content else Seen.NOTHING
        if kind in _LAST:
            return self._look_at_end(value)
        if kind == "response.failed":
            return self._failed(_response(value.response).error, data)
        if kind == "error" or (not kind.startswith("response.") and bytes(value.error) not in _EMPTY):
            return self._failed(value.error, data)
        if not kind.startswith("response.") or (not self._has_content and _shows_nothing(kind, value.item)):
            return Seen.NOTHING
        self._has_content = True
        return Seen.CONTENT

    def _look_at_odd(self, event: ServerEvent) -> Seen:
        """An event of another shape than the types above. Whatever it is, the client gets it."""
        if not event.name.startswith(b"response.") and b'"response.' not in event.data:
            return Seen.NOTHING
        self._has_content = True
        return Seen.CONTENT

    def _look_at_end(self, value: _Event) -> Seen:
        """The end is the whole answer where the provider sends nothing before it, be it an empty one."""
        response = _response(value.response)
        if bytes(response.error) not in _EMPTY:
            return self._failed(response.error, bytes(value.response))
        self.usage = _usage(response) or self.usage
        self.finished = True
        return Seen.LAST if self._has_content else Seen.CONTENT

    def _failed(self, error: msgspec.Raw, event: bytes) -> Seen:
        """An `error` event may say everything at its own top."""
        self.error = _refused(bytes(error) if bytes(error) not in _EMPTY else event)
        return Seen.ERROR


def _shows_nothing(kind: str, item: _Item | None) -> bool:
    """Of a message that began: another provider can still begin anew. A thought that began may take minutes."""
    return kind == _PART_ADDED or (kind == _ADDED and item is not None and item.type == "message")


def _response(raw: msgspec.Raw) -> _Response:
    try:
        return _decode_response(raw)
    except _UNREADABLE:
        return _Response()


def _id(response: _Response) -> str:
    return response.id if isinstance(response.id, str) else ""


def _usage(response: _Response) -> Usage | None:
    if bytes(response.usage) in _EMPTY:
        return None
    try:
        return _decode_usage(response.usage).to_usage(response.service_tier, _searches(response.output))
    except _UNREADABLE:
        return None


def _searches(output: msgspec.Raw) -> int:
    items = bytes(output)
    return priced.searches(json.loads(items)) if b'"web_search_call"' in items else 0


def _refused(error: bytes) -> UpstreamRefused:
    try:
        value = json.loads(error)
    except InvalidRequest:
        return parse_error_value(error)
    if isinstance(value, dict) and "type" in value and str(value["type"]) in ("error", "response.failed"):
        value.pop("type")
    return parse_error_value(json.dumps(value))


def is_end(event: ServerEvent) -> bool:
    """Decodes the event only where its name does not tell already."""
    if event.name:
        return event.name.decode("utf-8", "replace") in _ENDS
    if b"response." not in event.data and b'"error"' not in event.data:
        return False
    try:
        return _decode_event(event.data).type in _ENDS
    except _UNREADABLE:
        return False


def inspect(body: bytes) -> Inspection:
    try:
        whole = _decode_whole(body)
    except _UNREADABLE:
        return Inspection() if b'"output"' in body else Inspection(error=_nothing())
    usage = _usage(whole)
    if bytes(whole.error) not in _EMPTY:
        return Inspection(usage, _refused(bytes(whole.error)))
    if whole.status == "failed":
        return Inspection(usage, UpstreamBroken("The provider reported a failed response without saying why"))
    if not bytes(whole.output).startswith(b"["):
        return Inspection(usage, _nothing())
    return Inspection(usage, answer_id=_id(whole))


def final_usage(body: bytes) -> Usage | None:
    """What an answer used that somebody fetched; None where it is not at its end, or does not tell."""
    try:
        whole = _decode_whole(body)
    except _UNREADABLE:
        return None
    return None if whole.status in _RUNNING else _usage(whole)


def _nothing() -> GatewayError:
    return UpstreamBroken("The provider answered without any output")
