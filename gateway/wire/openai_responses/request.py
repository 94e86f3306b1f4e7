"""Requests (facts/translators.md §1). Parsing and emitting go through the fields in one order."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, schema
from gateway.wire.base import ModelProfile
from gateway.wire.openai_responses import reasoning, toolspec
from gateway.wire.openai_responses.emit_items import InputEmitter
from gateway.wire.openai_responses.fields import NAME, invalid, leftover, optional, own, typed
from gateway.wire.openai_responses.items import parse_item
from gateway.wire.openai_responses.sealed import Seal, unseal
from omniroute.errors import InvalidRequest
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
}
MIN_OUTPUT_TOKENS = 16
_MISSING = "missing_required_parameter"
_LOGPROBS = "message.output_text.logprobs"
_ENCRYPTED = "reasoning.encrypted_content"
_SHARED_WITH_CHAT = ("prompt_cache_key", "prompt_cache_retention", "safety_identifier")
_UNSAYABLE = ("top_k", "seed", "n", "frequency_penalty", "presence_penalty")


def parse_request(body: JSONDict, model: str, stream: bool) -> ir.Request:
    """Items of one turn become one message: the assistant's reasoning, text, calls; the user's results."""
    kept = leftover(body, _NEUTRAL)
    kept.update({name: None for name in _NEUTRAL if name in body and body[name] is None})
    items = _items(body, kept)
    system, messages = _turns(items, body)
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
        extra={NAME: kept},
    )


def _items(body: JSONDict, kept: JSONDict) -> list[JSONDict]:
    value = body.get("input")
    if value is None:
        if not any(kept.get(name) for name in ("previous_response_id", "prompt", "conversation")):
            raise InvalidRequest("Missing required parameter: 'input'", param="input", code=_MISSING)
        return []
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    items: list[Any] = typed(value, list, "input", "a string or a list of items")
    return [typed(item, dict, f"input[{index}]", "an object") for index, item in enumerate(items)]


def _turns(items: list[JSONDict], body: JSONDict) -> tuple[list[ir.Text], list[ir.Message]]:
    """(leading instructions, messages). Items that only this vendor knows do not end the leading ones."""
    instructions = body.get("instructions")
    system: list[ir.Text] = []
    if instructions is not None:
        if not isinstance(instructions, str):
            raise invalid("instructions", "expected a string")
        system.append(ir.Text(instructions, {NAME: {"instructions": True}}))
    messages: list[ir.Message] = []
    signatures: dict[str, Seal] = {}
    waiting: list[JSONDict] = []
    for index, item in enumerate(items):
        seal = unseal(item.get("encrypted_content"))
        if seal is not None and seal.call_id is not None:
            signatures[seal.call_id] = seal
            continue
        role, parts = parse_item(item, f"input[{index}]")
        if not messages and item.get("type") == "additional_tools":
            waiting.append(item)
        elif not messages and role in ("system", "developer") and _all_text(parts):
            texts = [part for part in parts if isinstance(part, ir.Text)]
            texts[0].extra[NAME].update({"role": role, "before": waiting})
            system += texts
            waiting = []
        else:
            if waiting:
                messages.append(ir.Message("developer", _unknown(waiting)))
                waiting = []
            _append(messages, role, parts, item)
    if waiting:
        messages.append(ir.Message("developer", _unknown(waiting)))
    if isinstance(body.get("input"), str):
        messages[0].extra[NAME] = {"string_input": True}
    _sign(messages, signatures)
    return system, messages


def _all_text(parts: list[ir.Part]) -> bool:
    return bool(parts) and all(isinstance(part, ir.Text) for part in parts)


def _unknown(items: list[JSONDict]) -> list[ir.Part]:
    return [ir.Unknown(NAME, str(item.get("type")), item) for item in items]


def _append(messages: list[ir.Message], role: ir.Role, parts: list[ir.Part], item: JSONDict) -> None:
    last = messages[-1] if messages else None
    if not parts:
        messages.append(ir.Message(role, [], {NAME: {"item": leftover(item, ("role", "content"))}}))
    elif last is not None and last.role == role and last.parts and _one_turn(last.parts[-1], parts[0], role):
        last.parts += parts
    else:
        messages.append(ir.Message(role, parts))


def _one_turn(before: ir.Part, part: ir.Part, role: ir.Role) -> bool:
    if role == "assistant":
        return True
    return isinstance(before, ir.ToolResult) and isinstance(part, ir.ToolResult)


def _sign(messages: list[ir.Message], signatures: dict[str, Seal]) -> None:
    for message in messages if signatures else ():
        for part in message.parts:
            if isinstance(part, ir.ToolCall) and part.id in signatures:
                part.signature = signatures[part.id].signature


def _parse_text(body: JSONDict, kept: JSONDict) -> ir.ResponseFormat | None:
    text = optional(body, "text", dict, "an object")
    if text is None:
        return None
    kept["text"] = leftover(text, ("format",))
    raw = text.get("format")
    if raw is None:
        if "format" in text:
            kept["text"]["format"] = None
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
    body.update(_emit_turns(request, profile, native))
    body.update(_emit_tools(request, native))
    if text := _emit_text(request, native):
        body["text"] = text
    asked = reasoning.emit(request.reasoning, profile, native)
    if asked is not None:
        body["reasoning"] = asked
    body.update(_emit_limits(request, profile, native, asked))
    if request.stream or "stream" in body:
        body["stream"] = request.stream
    return body if native else {**body, **_emit_foreign(request, asked is not None)}


def _emit_turns(request: ir.Request, profile: ModelProfile, native: bool) -> JSONDict:
    first = request.messages[0] if request.messages else None
    if first is not None and len(request.messages) == 1 and own(first.extra).get("string_input"):
        turns: JSONDict = {"input": "".join(part.text for part in first.parts if isinstance(part, ir.Text))}
        instructions = [text.text for text in request.system]
        return {**turns, "instructions": "\n\n".join(instructions)} if instructions else turns
    emitter = InputEmitter(profile, request.dropped)
    instructions = []
    run: list[ir.Text] = []
    for text in request.system:
        kept = own(text.extra)
        if run and "item" in kept:
            emitter.add_system(run, own(run[0].extra).get("role", "developer"))
            run = []
        emitter.items += kept.get("before", [])
        if "item" in kept or (run and kept and "instructions" not in kept):
            run.append(text)
        else:
            instructions.append(text.text)
    if run:
        emitter.add_system(run, own(run[0].extra).get("role", "developer"))
    for message in request.messages:
        emitter.add(message)
    if not emitter.items and not native:  # the vendor answers no request without input
        emitter.add_system((ir.Text(text) for text in instructions), "developer")
        instructions = []
    turns = {"input": emitter.items} if emitter.items or not _stored(request) else {}
    return {**turns, "instructions": "\n\n".join(instructions)} if instructions else turns


def _stored(request: ir.Request) -> bool:
    return any(own(request.extra).get(name) for name in ("previous_response_id", "prompt", "conversation"))


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
        limit = max(MIN_OUTPUT_TOKENS, min(limit, profile.max_output_tokens or limit))
    sampling = native or reasoning.takes_sampling(profile.model or request.model, asked)
    for name, value in (
        ("max_output_tokens", limit),
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("top_logprobs", request.top_logprobs),
        ("user", request.user),
        ("metadata", request.metadata),
        ("service_tier", request.service_tier),
    ):
        if value is None:
            continue
        if name in ("temperature", "top_p") and not sampling:
            request.dropped.append(name)
        else:
            fields[name] = value
    return fields


def _emit_foreign(request: ir.Request, reasons: bool) -> JSONDict:
    """What a request of another format needs besides, and what it loses."""
    include = [_ENCRYPTED] if reasons else []
    if request.logprobs:
        include.append(_LOGPROBS)
    fields: JSONDict = {"include": include} if include else {}
    chat = request.extra.get("openai_chat")
    if isinstance(chat, dict):
        fields.update({name: chat[name] for name in _SHARED_WITH_CHAT if chat.get(name) is not None})
    request.dropped.extend(name for name in _UNSAYABLE if getattr(request, name) is not None)
    if request.stop:
        request.dropped.append("stop")
    return fields
