"""Which conversation a request belongs to: what the client says, else what it begins with.

Sub-agents of one session begin differently, so each of them is a conversation of its own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.wire import json
from omniroute.types import InboundRequest

HEADERS = ("x-session-id", "x_session_id", "x-omniroute-session", "session-id", "session_id")
"""docs/routing.md; the last one is what Codex sends."""
AGENT_HEADERS = ("x-agent-id", "x-client-id")
ANSWER = "answer:"
"""Begins the ids of what goes on from one answer (`after`). They are in no list: each answer would have its own."""
MAX_ID = 64
_PIECE = 4096
"""Of a longer text, its beginning and its end of this size tell it from others."""
_ROLE = re.compile(rb'"role"\s*:\s*"(\w+)"')
_CHANGING = re.compile(rb'x-anthropic-billing-header:[^"]*')
"""Claude Code puts it into its system prompt, and it changes from run to run."""
_FALSE = msgspec.Raw(b"false")
_TELLING = frozenset({b"system", b"developer"})
_ASKING = frozenset({b"user", *_TELLING})
_LOOK = 8
"""Among so many messages behind the first question there is an answer, if there is one."""
_LISTS = {"openai_responses": "input", "gemini": "contents"}
_SYSTEM = {"openai_responses": ("instructions",), "gemini": ("systemInstruction", "system_instruction")}


@dataclass(frozen=True, slots=True)
class Conversation:
    """`is_open` is False for its first request: there is nothing yet that a provider could have cached."""

    id: str
    is_open: bool


def said_by_client(inbound: InboundRequest) -> Conversation | None:
    headers = inbound.headers
    for name in HEADERS:
        if value := headers.get(name):
            return Conversation(f"ext:{value[:MAX_ID]}", is_open=True)
    return None


def after(answer_id: str, inbound: InboundRequest) -> Conversation | None:
    """What goes on from an answer that its provider keeps: only the account that it was given to can go on from it.
    None for an answer that nobody keeps."""
    return _answer(answer_id) if answer_id and inbound.fields.get("store") != _FALSE else None


def previous_answer(inbound: InboundRequest) -> str:
    """Id of the answer that a request goes on from; "" where it says all by itself."""
    if inbound.format != "openai_responses" or "previous_response_id" not in inbound.fields:
        return ""
    previous = json.field(dict(inbound.fields), "previous_response_id")
    return previous if isinstance(previous, str) else ""


def followed(previous: str) -> Conversation | None:
    return _answer(previous) if previous else None


def _answer(id: str) -> Conversation:
    digest = hashlib.blake2b(id.encode("utf-8", "replace"), digest_size=16)
    return Conversation(ANSWER + digest.hexdigest(), is_open=True)


def of(inbound: InboundRequest) -> Conversation | None:
    """Some 10 µs where the client says nothing. None for a request without any text to go by."""
    if (said := said_by_client(inbound)) is not None:
        return said
    fields = inbound.fields
    items = json.items(fields.get(_LISTS.get(inbound.format, "messages")))
    if not items:
        return None
    digest = hashlib.blake2b(digest_size=8)
    for name in AGENT_HEADERS:
        digest.update(inbound.headers.get(name, "").encode("utf-8", "replace"))
    for name in _SYSTEM.get(inbound.format, ("system",)):
        if (raw := fields.get(name)) is not None:
            _add(digest, raw)
    begun = 1 + next((place for place, item in enumerate(items) if _role(item) not in _TELLING), 0)
    for item in items[:begun]:
        _add(digest, item)
    later = items[begun : begun + _LOOK]
    return Conversation(digest.hexdigest(), is_open=any(_role(item) not in _ASKING for item in later))


def _add(digest: Any, item: Any) -> None:
    raw = bytes(item) if isinstance(item, msgspec.Raw) else json.dumps(item)
    if len(raw) > 2 * _PIECE:
        digest.update(len(raw).to_bytes(8) if _CHANGING.search(raw, 0, _PIECE) is None else b"")
        digest.update(_CHANGING.sub(b"", raw[:_PIECE]))
        digest.update(raw[-_PIECE:])
    else:
        digest.update(_CHANGING.sub(b"", raw))


def _role(item: Any) -> bytes | None:
    if isinstance(item, msgspec.Raw):
        found = _ROLE.search(bytes(item))
        return found[1] if found else None
    role = item.get("role") if isinstance(item, dict) else None
    return str(role).encode("utf-8", "replace") if role else None
