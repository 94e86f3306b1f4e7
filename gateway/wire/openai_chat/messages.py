"""Chat messages into turns of typed parts. `conversation.py` is the way back.

A `tool` message is a user turn that holds one `ToolResult`.
"""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.openai_chat import calls, thinking
from gateway.wire.openai_chat.content import mark_cached, parse_content, parse_part
from gateway.wire.openai_chat.conversation import OWN_FIELDS, emit_result, emit_turn
from gateway.wire.openai_chat.emission import NATIVE
from gateway.wire.openai_chat.keep import CHAT, SHAPE, difference
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_ROLES: dict[str, ir.Role] = {
    "user": "user",
    "assistant": "assistant",
    "model": "assistant",
    "system": "system",
    "developer": "developer",
}


def parse_messages(value: Any) -> tuple[list[ir.Text], list[ir.Message]]:
    """Leading instructions, and all that follows. Raise `InvalidRequest`, naming the message."""
    if not isinstance(value, list):
        raise InvalidRequest("messages must be a list", param="messages")
    if not value:
        raise InvalidRequest("messages must not be empty", param="messages")
    system: list[ir.Text] = []
    messages: list[ir.Message] = []
    names: dict[str, str] = {}
    for number, raw in enumerate(value):
        message = _parse_message(raw, f"messages[{number}]", names)
        texts = _instructions(message) if not messages else []
        if texts:
            system += texts
        else:
            messages.append(message)
    return system, messages


def _instructions(message: ir.Message) -> list[ir.Text]:
    """The texts of a leading system message; the first of them remembers what the message was."""
    texts = [part for part in message.parts if isinstance(part, ir.Text)]
    if message.role not in ("system", "developer") or not texts or len(texts) < len(message.parts):
        return []
    texts[0].extra[SHAPE] = {"role": message.role, "extra": message.extra, "texts": len(texts)}
    for text in texts[1:]:
        text.extra[SHAPE] = {}
    return texts


def _parse_message(raw: Any, where: str, names: dict[str, str]) -> ir.Message:
    """`names`: the ids of the calls so far to their function, for the results, which do not say it."""
    if not isinstance(raw, dict):
        raise InvalidRequest(f"{where} must be an object", param=where)
    role = raw.get("role")
    if role in ("tool", "function"):
        return ir.Message("user", [_parse_result(raw, where, names)])
    known = _ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        raise InvalidRequest(f"{where}.role {role!r} is not a role of this format", param=f"{where}.role")
    message = ir.Message(known, [])
    if known == "assistant":
        message.parts = parse_assistant(raw, where)
    else:
        message.parts = parse_content(raw.get("content"), f"{where}.content")
    if message.parts:
        mark_cached(message.parts[-1].extra, raw)
    for part in message.parts:
        if isinstance(part, ir.ToolCall):
            if part.extra.get(SHAPE) == calls.LEGACY:
                part.id = f"call_legacy_{len(names)}"
            names[part.id] = part.name
    _keep(message.extra, raw, emit_turn(message, NATIVE))
    return message


def _keep(extra: ir.Extra, raw: JSONDict, emitted: list[JSONDict]) -> None:
    if isinstance(raw.get("content"), list):
        extra[SHAPE] = "list"
    kept = difference(raw, emitted[-1] if emitted else {}, OWN_FIELDS)
    if kept or SHAPE not in extra:
        extra[CHAT] = kept


def _parse_result(raw: JSONDict, where: str, names: dict[str, str]) -> ir.ToolResult:
    identity, name = raw.get("tool_call_id"), raw.get("name")
    name = name if isinstance(name, str) and name else None
    if not isinstance(identity, str):
        open_calls = [known for known, function in names.items() if function == name]
        identity = open_calls[-1] if open_calls else ""
    result = ir.ToolResult(
        identity, parse_content(raw.get("content"), f"{where}.content"), name or names.get(identity)
    )
    _keep(result.extra, raw, [emit_result(result, NATIVE)])
    mark_cached(result.extra, raw)
    return result


def parse_assistant(raw: JSONDict, where: str) -> list[ir.Part]:
    """A message of the model, in a history or in a reply: reasoning, content, refusal, images, calls."""
    tool_calls = calls.parse_calls(raw)
    content = parse_content(raw.get("content"), f"{where}.content")
    parts: list[ir.Part] = []
    if not any(isinstance(part, ir.Reasoning) for part in content):
        parts += thinking.parse_reasoning(raw, tool_calls)
    parts += content
    refusal = raw.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts.append(ir.Refusal(refusal))
    for number, image in enumerate(raw["images"] if isinstance(raw.get("images"), list) else ()):
        if isinstance(image, dict):
            part = parse_part(image, f"{where}.images[{number}]")
            if isinstance(part, ir.Image):
                part.extra[SHAPE] = "images"
                parts.append(part)
    return parts + tool_calls
