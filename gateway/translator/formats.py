"""Which formats the translator offers for what, under which names."""

from __future__ import annotations

from typing import Literal

from gateway.wire import CLIENT_FORMATS, FORMATS, get_format
from gateway.wire.base import WireFormat
from omniroute.errors import InvalidRequest

Kind = Literal["request", "reply", "stream", "error"]

KINDS: dict[Kind, str] = {
    "request": "Request",
    "reply": "Whole answer",
    "stream": "Streamed answer",
    "error": "Error",
}
_SPOKEN_BY_MODELS = ("kiro",)
"""Formats of providers alone that a chat request can be put into."""
_BOTH, _CLIENTS = tuple(FORMATS), tuple(CLIENT_FORMATS)
SOURCES: dict[Kind, tuple[str, ...]] = {
    "request": (*_BOTH, *_CLIENTS),
    "reply": _BOTH,
    "stream": _BOTH,
    "error": (*_BOTH, *_SPOKEN_BY_MODELS),
}
TARGETS: dict[Kind, tuple[str, ...]] = {
    "request": (*_BOTH, *_SPOKEN_BY_MODELS),
    "reply": (*_BOTH, *_CLIENTS),
    "stream": (*_BOTH, *_CLIENTS),
    "error": (*_BOTH, *_CLIENTS),
}
"""A request goes from a client to a provider, everything else the other way."""
NAMES = tuple(dict.fromkeys([*SOURCES["request"], *TARGETS["request"]]))
_ALIASES = {
    "openai": "openai_chat",
    "chat": "openai_chat",
    "responses": "openai_responses",
    "claude": "anthropic_messages",
    "anthropic": "anthropic_messages",
    "completions": "openai_completions",
}
VENDORS = {
    "openai_chat": "openai",
    "openai_responses": "openai",
    "anthropic_messages": "anthropic",
    "gemini": "gemini",
    "kiro": "kiro",
}
"""Whose models a format is written for where no provider is chosen: ids of the catalog."""


def label_of(name: str) -> str:
    return get_format(name).label


def format_named(text: str, offered: tuple[str, ...], param: str) -> WireFormat:
    """By the gateway's name or a usual one (`openai`, `claude`, `openai-responses`). Raise `InvalidRequest`."""
    name = text.strip().lower().replace("-", "_")
    name = _ALIASES.get(name, name)
    if name not in offered:
        raise InvalidRequest(f"{text[:60]!r} is no format for this. Known: {', '.join(offered)}", param=param)
    return get_format(name)


MODELS = {
    "openai_chat": "gpt-5",
    "openai_responses": "gpt-5",
    "openai_completions": "gpt-3.5-turbo-instruct",
    "anthropic_messages": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
    "kiro": "claude-sonnet-4.5",
}
"""A model of the format's inventor that thinks, takes pictures and calls tools: for where nobody names one."""
