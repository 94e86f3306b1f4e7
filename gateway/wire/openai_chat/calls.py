"""Tool calls as messages of Chat Completions hold them: `tool_calls`, and the legacy `function_call`."""

from __future__ import annotations

import secrets
from typing import Any

from gateway.wire import ir, json
from gateway.wire.openai_chat.keep import CHAT, SHAPE, difference, restore
from omniroute.types import JSONDict

LEGACY = "legacy"


def new_call_id() -> str:
    return f"call_{secrets.token_hex(12)}"


def parse_calls(message: JSONDict) -> list[ir.ToolCall]:
    """Calls without a name are none: GLM and Snowflake send empty ones (docs/protocol-notes.md, Chat streams)."""
    listed = message.get("tool_calls")
    calls = [parse_call(raw) for raw in listed if isinstance(raw, dict)] if isinstance(listed, list) else []
    legacy = message.get("function_call")
    if isinstance(legacy, dict) and legacy.get("name"):
        call = ir.ToolCall(new_call_id(), str(legacy["name"]), arguments_text(legacy.get("arguments")))
        call.extra[SHAPE] = LEGACY
        calls.append(call)
    return [call for call in calls if call is not None]


def parse_call(raw: JSONDict) -> ir.ToolCall | None:
    function, custom = raw.get("function"), raw.get("custom")
    function = function if isinstance(function, dict) else {}
    custom = custom if isinstance(custom, dict) else {}
    identity = raw.get("id")
    call = ir.ToolCall(identity if isinstance(identity, str) and identity else new_call_id(), "")
    if function.get("name"):
        call.name, call.arguments = str(function["name"]), arguments_text(function.get("arguments"))
    elif custom.get("name"):
        call.name, call.arguments, call.kind = (
            str(custom["name"]),
            arguments_text(custom.get("input")),
            "custom",
        )
    else:
        return None
    call.signature = thought_signature(raw)
    kept = difference(raw, emit_call(call))
    if kept:
        call.extra[CHAT] = kept
    return call


def arguments_text(value: Any) -> str:
    """Some servers send the arguments as an object."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value).decode("utf-8", "surrogatepass")


def thought_signature(raw: JSONDict) -> str | None:
    """Gemini's, where its own OpenAI-compatible endpoint puts it."""
    extra = raw.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) and signature else None


def emit_call(call: ir.ToolCall) -> JSONDict:
    if call.kind == "custom":
        said: JSONDict = {"name": call.name, "input": call.arguments}
        return restore({"id": call.id, "type": "custom", "custom": said}, call.extra.get(CHAT))
    said = {"name": call.name, "arguments": call.arguments}
    return restore({"id": call.id, "type": "function", "function": said}, call.extra.get(CHAT))


def signature_content(signature: str) -> JSONDict:
    return {"google": {"thought_signature": signature}}


def emit_calls(
    tool_calls: list[ir.ToolCall], native: bool, signatures: bool, legacy: bool = False
) -> JSONDict:
    """`tool_calls`, or the one `function_call` of old. `signatures`: the reader takes Gemini's."""
    fields: JSONDict = {}
    listed = []
    for call in tool_calls:
        if legacy or call.extra.get(SHAPE) == LEGACY:
            fields.setdefault("function_call", {"name": call.name, "arguments": call.arguments})
            continue
        emitted = emit_call(call)
        if signatures and call.signature and "extra_content" not in emitted:
            emitted["extra_content"] = signature_content(call.signature)
        elif not native and not signatures:
            emitted.pop("extra_content", None)
        listed.append(emitted)
    if listed:
        fields["tool_calls"] = listed
    return fields
