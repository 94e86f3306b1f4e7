"""Bodies to begin with: each feature as a client of each format asks for it, and what a provider answers.

Requests are written by hand. Answers come from the simulated provider, which shares no code with `gateway.wire`.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass

from gateway.simulator.behavior import Behavior
from gateway.simulator.errors import error_body
from gateway.simulator.formats.anthropic import AnthropicMessages
from gateway.simulator.formats.base import Dialect, Reply
from gateway.simulator.formats.gemini import Gemini
from gateway.simulator.formats.openai_chat import OpenAIChat
from gateway.simulator.formats.openai_completions import OpenAICompletions
from gateway.simulator.formats.openai_responses import OpenAIResponses
from gateway.translator.formats import MODELS, Kind
from gateway.translator.sample_requests import REQUESTS
from omniroute.types import JSONDict

FEATURES = {
    "text": "Plain text",
    "system": "System prompt",
    "turns": "Several turns",
    "tools": "Tool call",
    "parallel": "Parallel tool calls",
    "results": "Tool result",
    "image": "Image",
    "structured": "Structured output",
    "thinking": "Reasoning",
}
USAGE = Behavior(input_tokens=120, output_tokens=40, cached_tokens=20)
"""The same counts whatever the format, so that they can be compared."""
ERROR_STATUS = 429
_KIRO_ERROR = {"message": "Input is too long.", "reason": "CONTENT_LENGTH_EXCEEDS_THRESHOLD"}


@dataclass(frozen=True, slots=True)
class Sample:
    """`format` is the source's; `status` is an error's."""

    name: str
    kind: Kind
    format: str
    text: str
    status: int = 0


def request(feature: str, format: str, *, stream: bool = False) -> JSONDict:
    """A new body. Raise `KeyError` for what the format has no sample of."""
    body: JSONDict = copy.deepcopy(REQUESTS[format][feature])
    if format != "gemini":
        body = {"model": MODELS[format], **body}
        if stream:
            body["stream"] = True
    return body


def dialect(format: str, *, stream: bool = False) -> Dialect:
    """The simulated provider's own reading and writing of a format."""
    if format == "gemini":
        return Gemini(MODELS[format], stream, sse=True)
    return _DIALECTS[format]


_DIALECTS: dict[str, Dialect] = {
    "openai_chat": OpenAIChat(),
    "openai_completions": OpenAICompletions(),
    "openai_responses": OpenAIResponses(),
    "anthropic_messages": AnthropicMessages(),
}


def answer(body: JSONDict, format: str, *, stream: bool) -> tuple[Reply, bytes]:
    """What the simulated provider answers to a body in this format. Raise `BadRequest`."""
    own = dialect(format, stream=stream)
    reply = own.reply(body, USAGE)
    if stream:
        return reply, b"".join(step.data for step in own.stream(reply))
    return reply, json.dumps(own.whole(reply)).encode()


def all_samples() -> list[Sample]:
    """Of requests, and of what comes back."""
    found = []
    for format, features in REQUESTS.items():
        for feature in features:
            found.append(Sample(FEATURES[feature], "request", format, _shown(request(feature, format))))
    for format in ("openai_chat", "openai_responses", "anthropic_messages", "gemini"):
        found += _answers(format)
    found.append(Sample("Too long", "error", "kiro", _shown(_KIRO_ERROR), 400))
    return found


def _answers(format: str) -> list[Sample]:
    found = []
    for feature in ("text", "tools", "parallel", "structured", "thinking"):
        whole = answer(request(feature, format), format, stream=False)[1]
        streamed = answer(request(feature, format, stream=True), format, stream=True)[1]
        name = FEATURES[feature]
        found.append(Sample(name, "reply", format, _shown(json.loads(whole))))
        found.append(Sample(name, "stream", format, streamed.decode()))
    for status, name in ((429, "Rate limited"), (400, "Refused"), (529, "Overloaded")):
        error = error_body(dialect(format).family, status)
        found.append(Sample(f"{name} ({status})", "error", format, _shown(error), status))
    return found


def _shown(value: JSONDict) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
