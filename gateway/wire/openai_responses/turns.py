"""The conversation of a request: instructions and input items into system texts and messages, and back."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from gateway.wire.openai_responses.emit_items import InputEmitter
from gateway.wire.openai_responses.fields import NAME, SHAPE, STORED, invalid, leftover, own, typed
from gateway.wire.openai_responses.items import parse_item
from gateway.wire.openai_responses.sealed import Seal, unseal
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_MISSING = "missing_required_parameter"


def input_items(body: JSONDict) -> list[JSONDict]:
    value = body.get("input")
    if value is None:
        if not any(body.get(name) for name in STORED):
            raise InvalidRequest("Missing required parameter: 'input'", param="input", code=_MISSING)
        return []
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    items: list[Any] = typed(value, list, "input", "a string or a list of items")
    return [typed(item, dict, f"input[{index}]", "an object") for index, item in enumerate(items)]


def parse_turns(items: list[JSONDict], body: JSONDict) -> tuple[list[ir.Text], list[ir.Message]]:
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


# ---- emit


def emit_turns(request: ir.Request, profile: ModelProfile, native: bool) -> JSONDict:
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
    said = emitter.items or not native or "input" in request.extra.get(SHAPE, ())
    turns = {"input": emitter.items} if said else {}
    return {**turns, "instructions": "\n\n".join(instructions)} if instructions else turns
