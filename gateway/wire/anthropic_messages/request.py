"""Request bodies of Anthropic Messages, both ways."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, reasoning, schema
from gateway.wire.anthropic_messages import caching, settings
from gateway.wire.anthropic_messages.blocks import NAME, VENDOR, parse_blocks
from gateway.wire.anthropic_messages.conversation import emit_messages, emit_system, hoist_system
from gateway.wire.anthropic_messages.parts import BlockWriter
from gateway.wire.anthropic_messages.sampling import emit_thinking
from gateway.wire.base import ModelProfile
from gateway.wire.property_keys import fits_claude
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

BILLING_HEADER = "x-anthropic-billing-header"
"""Claude Code's first system block: it changes with every run, which defeats the caches of other vendors."""
_ROLES = ("user", "assistant", "system")
_NEUTRAL = (
    "model",
    "messages",
    "system",
    "tools",
    "stream",
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
)
_USER_ID_LIMIT = 256
_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only", "priority": "auto"}


# ---- Parse -------------------------------------------------------------------------------------------------


def parse_request(body: JSONDict, model: str, stream: bool) -> ir.Request:
    """Also of count_tokens, whose body has no `max_tokens`. Raise `InvalidRequest`, naming the field."""
    extra = {key: value for key, value in body.items() if key not in _NEUTRAL or value is None}
    if "stream" in body:
        extra["$stream"] = True
    request = ir.Request(
        model=model,
        messages=_parse_messages(body.get("messages")),
        stream=stream,
        max_output_tokens=_integer(body, "max_tokens"),
        temperature=_number(body, "temperature"),
        top_p=_number(body, "top_p"),
        top_k=_integer(body, "top_k"),
        stop=_strings(body, "stop_sequences"),
        extra={NAME: extra},
    )
    _parse_system(body.get("system"), request)
    if body.get("tools") is not None:
        request.tools = settings.parse_tools(body["tools"])
        extra["$tools"] = True
    if body.get("tool_choice") is not None:
        request.tool_choice, request.parallel_tool_calls = settings.parse_tool_choice(body["tool_choice"])
    _parse_answer(body, request)
    _parse_metadata(body, request)
    return request


def _parse_messages(value: Any) -> list[ir.Message]:
    if not isinstance(value, list):
        raise InvalidRequest(
            "messages: Field required" if value is None else "messages: Input should be a valid list",
            param="messages",
        )
    if not value:
        raise InvalidRequest("messages: at least one message is required", param="messages")
    return [_parse_message(message, f"messages.{number}") for number, message in enumerate(value)]


def _parse_message(message: Any, path: str) -> ir.Message:
    if not isinstance(message, dict):
        raise InvalidRequest(f"{path}: Input does not match the expected shape.", param=path)
    role, content = message.get("role"), message.get("content")
    if role not in _ROLES:
        raise InvalidRequest(f"{path}.role: Input should be one of {', '.join(_ROLES)}", param=f"{path}.role")
    extra = {key: item for key, item in message.items() if key not in ("role", "content")}
    parts: list[ir.Part]
    if isinstance(content, str):
        extra["$string"] = True
        parts = [ir.Text(content)]
    elif isinstance(content, list):
        parts = parse_blocks(content, f"{path}.content")
    else:
        raise InvalidRequest(f"{path}.content: Input should be a string or a list", param=f"{path}.content")
    return ir.Message(role, parts, {NAME: extra} if extra else {})


def _parse_system(value: Any, request: ir.Request) -> None:
    extra = request.extra[NAME]
    if isinstance(value, str):
        extra["$system"] = "string"
        request.system = [ir.Text(value)]
    elif isinstance(value, list):
        extra["$system"] = "list"
        billing: dict[int, ir.Text] = {}
        for number, part in enumerate(parse_blocks(value, "system")):
            if not isinstance(part, ir.Text):
                raise InvalidRequest(
                    f"system.{number}: Input should be a text block", param=f"system.{number}"
                )
            if part.text.startswith(BILLING_HEADER):
                billing[number] = part
            else:
                request.system.append(part)
        if billing:
            extra["$billing"] = billing
    elif value is not None:
        raise InvalidRequest("system: Input should be a string or a list", param="system")


def _parse_answer(body: JSONDict, request: ir.Request) -> None:
    config = body.get("output_config")
    if config is not None and not isinstance(config, dict):
        raise InvalidRequest("output_config: Input should be an object", param="output_config")
    config = config or {}
    request.reasoning = settings.parse_reasoning(body.get("thinking"), config.get("effort"))
    request.response_format = settings.parse_response_format(config.get("format"), "output_config.format")
    if request.response_format is None:
        request.response_format = settings.parse_response_format(body.get("output_format"), "output_format")


def _parse_metadata(body: JSONDict, request: ir.Request) -> None:
    metadata, tier = body.get("metadata"), body.get("service_tier")
    if isinstance(metadata, dict) and isinstance(metadata.get("user_id"), str):
        request.user = metadata["user_id"]
    if isinstance(tier, str):
        request.service_tier = tier


def _number(body: JSONDict, key: str) -> float | None:
    value = body.get(key)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise InvalidRequest(f"{key}: Input should be a valid number", param=key)


def _integer(body: JSONDict, key: str) -> int | None:
    value = _number(body, key)
    if value is None or isinstance(value, int):
        return value
    if value.is_integer():
        return int(value)
    raise InvalidRequest(f"{key}: Input should be a valid integer", param=key)


def _strings(body: JSONDict, key: str) -> list[str]:
    value = body.get(key)
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return list(value)
    raise InvalidRequest(f"{key}: Input should be a list of strings", param=key)


# ---- Emit --------------------------------------------------------------------------------------------------


def emit_request(request: ir.Request, profile: ModelProfile) -> JSONDict:
    if NAME in request.extra:
        return _emit_same(request, profile)
    request, system = hoist_system(request)
    writer = BlockWriter(False, profile, request.dropped)
    messages = emit_messages(request, writer, profile)
    body: JSONDict = {"model": profile.model or request.model, "max_tokens": 0, "messages": messages}
    tools = settings.emit_tools(request, same=False)
    if tools:
        body["tools"] = tools
        choice = settings.emit_tool_choice(request, tools)
        if choice is not None:
            body["tool_choice"] = choice
    if request.response_format is not None:
        system += _emit_format(request, profile, body)
    if system:
        plain = len(system) == 1 and system[0].keys() == {"type", "text"}
        body["system"] = system[0]["text"] if plain else system
    emit_thinking(request, profile, body)
    _emit_rest(request, body)
    if not messages:  # instructions alone are not a request
        body["messages"] = [{"role": "user", "content": body.pop("system", ".")}]
    if profile.vendor == VENDOR:
        caching.mark_loop(body)
    caching.limit(body)
    return body


def _emit_same(request: ir.Request, profile: ModelProfile) -> JSONDict:
    own = request.extra[NAME]
    writer = BlockWriter(True, profile, request.dropped)
    body: JSONDict = {
        "model": profile.model or request.model,
        "max_tokens": request.max_output_tokens,
        "messages": [_emit_same_message(message, writer) for message in request.messages],
    }
    if request.max_output_tokens is None:
        body["max_tokens"] = profile.max_output_tokens or reasoning.CLAUDE_DEFAULT_MAX_TOKENS
    if "$system" in own:
        body["system"] = emit_system(
            request.system, own.get("$billing", {}), own["$system"] == "string", writer
        )
    if "$tools" in own:
        body["tools"] = settings.emit_tools(request, same=True)
    if "$stream" in own or request.stream:
        body["stream"] = request.stream
    for key in ("temperature", "top_p", "top_k"):
        if getattr(request, key) is not None:
            body[key] = getattr(request, key)
    if request.stop:
        body["stop_sequences"] = request.stop
    return {**body, **{key: value for key, value in own.items() if not key.startswith("$")}}


def _emit_same_message(message: ir.Message, writer: BlockWriter) -> JSONDict:
    own = message.extra.get(NAME, {})
    blocks = writer.blocks(message.parts)
    plain = own.get("$string") and len(blocks) == 1
    rest = {key: value for key, value in own.items() if not key.startswith("$")}
    return {"role": message.role, "content": blocks[0]["text"] if plain else blocks, **rest}


def _emit_format(request: ir.Request, profile: ModelProfile, body: JSONDict) -> list[JSONDict]:
    """Structured output in the best way that the model has; what is returned joins the instructions."""
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return []
    if wanted.kind == "json_object":
        mentioned = "json" in str(body["messages"]).lower() or any(
            "json" in text.text.lower() for text in request.system
        )
        return [] if mentioned else [{"type": "text", "text": settings.describe_json(wanted)}]
    if settings.has_structured_output(profile) and wanted.schema is not None:
        form = {"type": "json_schema", "schema": schema.for_anthropic_output(wanted.schema)}
        body["output_config"] = {"format": form}
        return []
    asked = request.reasoning is not None and reasoning.is_asked(request.reasoning)
    thinks = asked and reasoning.style_of(profile) != "none"
    if "tools" in body or thinks or not fits_claude(wanted.schema):
        return [{"type": "text", "text": settings.describe_json(wanted)}]
    settings.force_json_tool(body, wanted)
    return []


def _emit_rest(request: ir.Request, body: JSONDict) -> None:
    if request.stream:
        body["stream"] = True
    stop = [sequence for sequence in request.stop if sequence.strip()]
    if stop:
        body["stop_sequences"] = stop
    if request.user and len(request.user) <= _USER_ID_LIMIT:
        body["metadata"] = {"user_id": request.user}
    tier = _TIERS.get(request.service_tier or "")
    if tier:
        body["service_tier"] = tier
    for key in ("seed", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "metadata"):
        if getattr(request, key):
            request.dropped.append(key)
    if (request.n or 1) > 1:
        request.dropped.append("n")
