"""Requests. Parsing and emitting go through the fields in one order."""

from __future__ import annotations

import hashlib

from gateway.wire import ir, schema
from gateway.wire.base import ModelProfile
from gateway.wire.openai_responses import reasoning, toolspec
from gateway.wire.openai_responses.fields import NAME, SHAPE, invalid, leftover, optional, own, typed
from gateway.wire.openai_responses.turns import emit_turns, input_items, parse_turns
from omniroute.types import JSONDict

_NUMBER = (int, float)
_NEUTRAL = {
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_logprobs",
    "user",
    "metadata",
    "service_tier",
    "stream",
}
_MIN_OUTPUT_TOKENS = {"openai": 16}
"""By provider: what asks for less is refused."""
MAX_USER = 64
_TIERS = {tier: tier for tier in ("auto", "default", "flex", "scale", "priority")} | {
    "standard_only": "default"
}
_LOGPROBS = "message.output_text.logprobs"
_ENCRYPTED = "reasoning.encrypted_content"
_SHARED_WITH_CHAT = ("prompt_cache_key", "prompt_cache_retention", "safety_identifier")
_UNSAYABLE = ("top_k", "seed", "frequency_penalty", "presence_penalty")


def parse_request(body: JSONDict, model: str, stream: bool) -> ir.Request:
    """Items of one turn become one message: the assistant's reasoning, text, calls; the user's results."""
    kept = leftover(body, _NEUTRAL)
    kept.update({name: None for name in _NEUTRAL - {"stream"} if name in body and body[name] is None})
    items = input_items(body)
    system, messages = parse_turns(items, body)
    tools = [*toolspec.parse_tools(body["tools"])] if body.get("tools") is not None else []
    include = body.get("include")
    logprobs = isinstance(include, list) and _LOGPROBS in include
    if body.get("tools") == []:
        kept["tools"] = []
    return ir.Request(
        model=model,
        messages=messages,
        stream=stream,
        include_usage=True,
        system=system,
        tools=[*tools, *toolspec.from_items(items)],
        tool_choice=toolspec.parse_choice(body["tool_choice"])
        if body.get("tool_choice") is not None
        else None,
        parallel_tool_calls=optional(body, "parallel_tool_calls", bool, "a boolean"),
        response_format=_parse_text(body, kept),
        reasoning=reasoning.parse(optional(body, "reasoning", dict, "an object")),
        max_output_tokens=optional(body, "max_output_tokens", int, "an integer"),
        temperature=optional(body, "temperature", _NUMBER, "a number"),
        top_p=optional(body, "top_p", _NUMBER, "a number"),
        logprobs=True if logprobs else None,
        top_logprobs=optional(body, "top_logprobs", int, "an integer"),
        user=optional(body, "user", str, "a string"),
        metadata=optional(body, "metadata", dict, "an object"),
        service_tier=optional(body, "service_tier", str, "a string"),
        extra={NAME: kept, SHAPE: frozenset(body)},
    )


def _parse_text(body: JSONDict, kept: JSONDict) -> ir.ResponseFormat | None:
    text = optional(body, "text", dict, "an object")
    if text is None:
        return None
    raw = text.get("format")
    rest = text if raw is None else leftover(text, ("format",))
    if rest or raw is None:
        kept["text"] = rest
    if raw is None:
        return None
    kind = typed(raw, dict, "text.format", "an object").get("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise invalid("text.format.type", "expected text, json_object or json_schema")
    wanted = raw.get("schema")
    if kind == "json_schema" and not isinstance(wanted, dict):
        raise invalid("text.format.schema", "expected a JSON schema")
    known = ("type", "name", "description", "schema", "strict")
    rest = leftover(raw, known)
    rest.update({name: None for name in known if name in raw and raw[name] is None})
    return ir.ResponseFormat(
        kind, raw.get("name"), raw.get("description"), wanted, raw.get("strict"), {NAME: rest}
    )


# ---- emit


def emit_request(request: ir.Request, profile: ModelProfile) -> JSONDict:
    native = NAME in request.extra
    body: JSONDict = {"model": profile.model or request.model, **own(request.extra)}
    if native:
        body["model"] = request.model
    else:
        body["store"] = False
    body.update(emit_turns(request, profile, native))
    body.update(_emit_tools(request, native))
    text = _emit_text(request, native)
    if text:
        body["text"] = text
    asked = reasoning.emit(request.reasoning, profile, native)
    if asked is not None:
        body["reasoning"] = asked
    body.update(_emit_limits(request, profile, native, asked))
    if request.stream or "stream" in request.extra.get(SHAPE, ()):
        body["stream"] = request.stream
    return body if native else {**body, **_emit_foreign(request, asked is not None, text)}


def _emit_tools(request: ir.Request, native: bool) -> JSONDict:
    tools = toolspec.emit_tools(request.tools, request.dropped)
    if not tools and not native:
        return {}
    fields: JSONDict = {"tools": tools} if tools else {}
    if request.tool_choice is not None:
        fields["tool_choice"] = toolspec.emit_choice(request.tool_choice, request.tools)
    if request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    return fields


def _emit_text(request: ir.Request, native: bool) -> JSONDict | None:
    kept = own(request.extra).get("text")
    text: JSONDict | None = dict(kept) if isinstance(kept, dict) else None
    wanted = request.response_format
    if wanted is None or (not native and wanted.kind == "text"):
        return text
    format: JSONDict = {"type": wanted.kind}
    if wanted.kind == "json_schema":
        format["name"] = wanted.name or "response"
        format["schema"] = wanted.schema if native else schema.for_openai(wanted.schema, wanted.strict)
        if wanted.description is not None:
            format["description"] = wanted.description
        if not native:
            format["strict"] = bool(wanted.strict) and schema.is_strict(format["schema"])
        elif wanted.strict is not None:
            format["strict"] = wanted.strict
    rest = own(wanted.extra)
    if native and wanted.name is None:
        format.pop("name", None)
    return {**(text or {}), "format": {**format, **rest}}


def _emit_limits(
    request: ir.Request, profile: ModelProfile, native: bool, asked: JSONDict | None
) -> JSONDict:
    fields: JSONDict = {}
    limit = request.max_output_tokens
    if limit is not None and not native:
        limit = max(limit, _MIN_OUTPUT_TOKENS.get(profile.provider, 1))
    sampling = native or reasoning.takes_sampling(profile.model or request.model, asked)
    for name, value in (
        ("max_output_tokens", limit),
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("top_logprobs", request.top_logprobs),
        ("user", request.user if native else _user(request.user)),
        ("metadata", request.metadata if native else _metadata(request)),
        ("service_tier", request.service_tier if native else _TIERS.get(request.service_tier or "")),
    ):
        if value is None:
            continue
        if name in ("temperature", "top_p") and not sampling:
            request.dropped.append(name)
        else:
            fields[name] = value
    return fields


def _user(user: str | None) -> str | None:
    """Longer ones are refused: the same user stays the same user."""
    if user is None or len(user) <= MAX_USER:
        return user
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()


def _metadata(request: ir.Request) -> JSONDict | None:
    """Only texts are taken."""
    if request.metadata is None or all(isinstance(value, str) for value in request.metadata.values()):
        return request.metadata or None
    request.dropped.append("metadata")
    return None


def _emit_foreign(request: ir.Request, reasons: bool, text: JSONDict | None) -> JSONDict:
    """What a request of another format needs besides, and what it loses."""
    include = [_ENCRYPTED] if reasons else []
    if request.logprobs:
        include.append(_LOGPROBS)
    fields: JSONDict = {"include": include} if include else {}
    chat = request.extra.get("openai_chat")
    if isinstance(chat, dict):
        fields.update({name: chat[name] for name in _SHARED_WITH_CHAT if chat.get(name) is not None})
        if isinstance(chat.get("verbosity"), str):
            fields["text"] = {**(text or {}), "verbosity": chat["verbosity"]}
    request.dropped.extend(name for name in _UNSAYABLE if getattr(request, name) is not None)
    if request.n not in (None, 1):
        request.dropped.append("n")
    return fields
