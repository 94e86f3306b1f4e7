"""From an address to what answers there. Any prefix will do, so that every base URL can point here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from gateway.simulator import side_answers, sound
from gateway.simulator.formats.anthropic import AnthropicMessages
from gateway.simulator.formats.base import Dialect
from gateway.simulator.formats.gemini import Gemini
from gateway.simulator.formats.openai_chat import OpenAIChat
from gateway.simulator.formats.openai_completions import OpenAICompletions
from gateway.simulator.formats.openai_responses import OpenAIResponses

_GENERATE = re.compile(r"/models/(.+):(generateContent|streamGenerateContent|countTokens)$")
_EMBEDDED = re.compile(r"/models/(.+):\w+$")
_ORDER = re.compile(r"/transcript/([0-9a-f]+)$")
_MODEL = re.compile(r"/models(?:/([^:]+))?$")
_POSTED: dict[str, Dialect] = {
    "/chat/completions": OpenAIChat(),
    "/completions": OpenAICompletions(),
    "/responses": OpenAIResponses(),
    "/messages": AnthropicMessages(),
}
_COUNTED = {"/messages/count_tokens": "anthropic", "/responses/input_tokens": "openai"}


@dataclass(frozen=True, slots=True)
class Destination:
    """One of: `dialect` answers; tokens are counted; a model list (`model` empty) or one model is shown; `side`."""

    family: str
    dialect: Dialect | None = None
    counts: bool = False
    lists: bool = False
    model: str = ""
    side: str = ""
    """A key of `side_answers`."""
    sound: str = ""
    """One of `sound.ENDINGS`."""
    order: str = ""
    """A transcript that was ordered before."""


def find(method: str, path: str, query: str, headers: Mapping[str, str]) -> Destination | None:
    """None where no vendor has anything."""
    path = path.rstrip("/")
    if method == "POST":
        return _posted(path, query)
    if method == "GET" and (found := _ORDER.search(path)):
        return Destination("openai", order=found[1])
    if method == "GET" and (found := _MODEL.search(path)):
        return Destination(family_of(path, query, headers), lists=True, model=unquote(found[1] or ""))
    return None


def family_of(path: str, query: str, headers: Mapping[str, str]) -> str:
    """The shape of lists and of errors outside of any format, where several families share the path."""
    if "x-goog-api-key" in headers or "key" in parse_qs(query) or "/v1beta/" in f"{path}/":
        return "gemini"
    return "anthropic" if "anthropic-version" in headers or "/messages" in path else "openai"


def _posted(path: str, query: str) -> Destination | None:
    for ending, family in _COUNTED.items():
        if path.endswith(ending):
            return Destination(family, counts=True)
    for ending in sound.ENDINGS:
        if path.endswith(ending):
            return Destination("openai", sound=ending)
    for ending in side_answers.ENDINGS:
        if path.endswith(ending):
            named = _EMBEDDED.search(path)
            return Destination(
                "gemini" if named else "openai", side=ending, model=unquote(named[1]) if named else ""
            )
    if found := _GENERATE.search(path):
        model, verb = unquote(found[1]), found[2]
        streams = verb == "streamGenerateContent"
        gemini = Gemini(model, streams, not streams or parse_qs(query).get("alt") == ["sse"])
        return Destination("gemini", gemini, counts=verb == "countTokens", model=model)
    for ending, dialect in _POSTED.items():
        if path.endswith(ending):
            return Destination(dialect.family, dialect)
    return None
