"""Chat Completions requests: the top level of the body. Messages and tools have modules of their own."""

from __future__ import annotations

import re
from typing import Any

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from gateway.wire.openai_chat import toolbox
from gateway.wire.openai_chat.conversation import emit_messages
from gateway.wire.openai_chat.effort import emit_reasoning, parse_reasoning
from gateway.wire.openai_chat.emission import Emission
from gateway.wire.openai_chat.keep import CHAT, SHAPE
from gateway.wire.openai_chat.messages import parse_messages
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_NUMBERS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_INTEGERS = ("top_k", "seed", "n", "top_logprobs")
_FLAGS = ("logprobs", "parallel_tool_calls")
_NEW_LIMIT = re.compile(r"(?:.*/)?(?:o\d|gpt-[5-9]|codex)")
"""OpenAI models that refuse `max_tokens` (docs/protocol-notes.md, Parameters)."""
TAKES_TOP_K = frozenset({"fireworks", "nvidia", "openrouter", "together"})
TAKES_TIER = frozenset({"groq", "openai", "openrouter"})
_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
MAX_STOPS = 4
MAX_USER = 64


# ---- Parse -----------------------------------------------------------------------------------------------


def parse_request(body: JSONDict, model: str, stream: bool) -> ir.Request:
    if "messages" not in body:
        raise InvalidRequest(_without_messages(body), param="messages")
    system, messages = parse_messages(body["messages"])
    request = ir.Request(model=model, messages=messages, stream=stream, system=system)
    request.tools = toolbox.parse_tools(body)
    request.tool_choice = toolbox.parse_choice(body)
    request.response_format = toolbox.parse_response_format(body.get("response_format"))
    request.reasoning = parse_reasoning(body)
    request.stop = _stops(body.get("stop"))
    request.max_output_tokens = _integer(body, "max_completion_tokens")
    if request.max_output_tokens is None:
        request.max_output_tokens = _integer(body, "max_tokens")
    for name in _NUMBERS:
        setattr(request, name, _number(body, name))
    for name in _INTEGERS:
        setattr(request, name, _integer(body, name))
    for name in _FLAGS:
        setattr(request, name, _flag(body, name))
    options = body.get("stream_options")
    if isinstance(options, dict) and isinstance(options.get("include_usage"), bool):
        request.include_usage = options["include_usage"]
    request.user = _string(body.get("user"))
    request.service_tier = _string(body.get("service_tier"))
    metadata = body.get("metadata")
    request.metadata = metadata if isinstance(metadata, dict) else None
    _keep(request, body)
    return request


def _without_messages(body: JSONDict) -> str:
    if "input" in body:
        return "messages is required. A body with `input` is a Responses request: send it to /v1/responses"
    if "contents" in body:
        return "messages is required. A body with `contents` is a Gemini request: send it to /v1beta/models"
    if "prompt" in body:
        return "messages is required. A body with `prompt` is a legacy request: send it to /v1/completions"
    return "messages is required"


def _keep(request: ir.Request, body: JSONDict) -> None:
    """Everything of the top level that emitting would not say in the same way."""
    request.extra[SHAPE] = frozenset(body)
    emitted = _emit_fields(request, Emission(native=True))
    emitted.update(toolbox.emit_tools(request.tools, Emission(native=True)))
    own: JSONDict = {}
    for key, value in body.items():
        if key in ("messages", "model") or (key in ("tools", "functions") and value):
            continue
        if key not in emitted or emitted[key] != value or type(emitted[key]) is not type(value):
            own[key] = value
    request.extra[CHAT] = own


def _number(body: JSONDict, name: str) -> float | None:
    value = body.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise InvalidRequest(f"{name} must be a number", param=name)


def _integer(body: JSONDict, name: str) -> int | None:
    value = body.get(name)
    if name == "top_logprobs" and isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise InvalidRequest(f"{name} must be an integer", param=name)


def _flag(body: JSONDict, name: str) -> bool | None:
    """Some servers take a number for `logprobs`, as the legacy endpoint does."""
    value = body.get(name)
    if name == "logprobs" and isinstance(value, int):
        return bool(value)
    if value is None or isinstance(value, bool):
        return value
    raise InvalidRequest(f"{name} must be a boolean", param=name)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _stops(value: Any) -> list[str]:
    if value is None:
        return []
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise InvalidRequest("stop must be a string or a list of strings", param="stop")
    return list(stops)


# ---- Emit ------------------------------------------------------------------------------------------------


def emit_request(request: ir.Request, profile: ModelProfile) -> JSONDict:
    sent = request.extra.get(SHAPE)
    emission = Emission(profile, native=sent is not None, dropped=request.dropped)
    body: JSONDict = {"model": request.model, "messages": emit_messages(request, emission)}
    tools, choice = toolbox.narrow(request, emission)
    body.update(toolbox.emit_tools(tools, emission))
    narrowed = request.tool_choice if emission.native else choice
    body.update(_emit_fields(request, emission, narrowed, has_tools="tools" in body or "functions" in body))
    if sent is not None:
        body.update(request.extra.get(CHAT, {}))
        return body
    return body


def _emit_fields(
    request: ir.Request, emission: Emission, choice: ir.ToolChoice | None = None, has_tools: bool = True
) -> JSONDict:
    sent = request.extra.get(SHAPE, frozenset())
    fields: JSONDict = {}
    choice = request.tool_choice if emission.native else choice
    if has_tools:
        if choice is not None:
            name = "function_call" if choice.extra.get(SHAPE) == toolbox.LEGACY else "tool_choice"
            shape = choice.extra.get(SHAPE)
            fields[name] = (
                shape
                if isinstance(shape, dict) and emission.native
                else toolbox.emit_choice(choice, request.tools)
            )
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    if request.response_format is not None:
        fields["response_format"] = toolbox.emit_response_format(request.response_format, emission.native)
    fields.update(_emit_limits(request, emission, sent))
    for name in (*_NUMBERS, "seed", "n", "logprobs", "top_logprobs"):
        fields[name] = getattr(request, name)
    fields.update(emit_reasoning(request.reasoning, emission))
    fields.update(_emit_identity(request, emission))
    fields.update(_emit_stream(request, emission, sent))
    return {name: value for name, value in fields.items() if value is not None}


def _emit_limits(request: ir.Request, emission: Emission, sent: frozenset[str]) -> JSONDict:
    fields: JSONDict = {}
    profile = emission.profile
    limit = request.max_output_tokens
    if emission.native:
        fields["max_completion_tokens" if "max_completion_tokens" in sent else "max_tokens"] = limit
        fields["stop"] = request.stop or None
        fields["top_k"] = request.top_k
        return fields
    if limit is not None:
        new = profile.provider == "openai" or _NEW_LIMIT.match(profile.model or request.model)
        fields["max_completion_tokens" if new else "max_tokens"] = limit
    if request.stop:
        fields["stop"] = request.stop[:MAX_STOPS]
    if request.top_k is not None:
        if profile.provider in TAKES_TOP_K:
            fields["top_k"] = request.top_k
        else:
            emission.drop("top_k")
    return fields


def _emit_identity(request: ir.Request, emission: Emission) -> JSONDict:
    if emission.native:
        return {"user": request.user, "metadata": request.metadata, "service_tier": request.service_tier}
    fields: JSONDict = {}
    if request.user is not None and len(request.user) <= MAX_USER:
        fields["user"] = request.user
    elif request.user is not None:
        emission.drop("user")
    if request.metadata is not None:
        emission.drop("metadata")  # OpenAI takes it only together with `store`
    if request.service_tier is not None:
        if emission.profile.provider in TAKES_TIER and request.service_tier in _TIERS:
            fields["service_tier"] = request.service_tier
        else:
            emission.drop("service_tier")
    return fields


def _emit_stream(request: ir.Request, emission: Emission, sent: frozenset[str]) -> JSONDict:
    if not request.stream:
        return {}
    if not emission.native:
        return {"stream": True, "stream_options": {"include_usage": True}}
    fields: JSONDict = {"stream": True} if "stream" in sent else {}
    if request.include_usage is not None:
        fields["stream_options"] = {"include_usage": request.include_usage}
    return fields
