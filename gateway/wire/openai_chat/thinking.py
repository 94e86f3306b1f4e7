"""Reasoning as chat messages carry it, which every vendor does differently (docs/protocol-notes.md, Thinking).

`reasoning_content` (DeepSeek and most others), `reasoning` (Groq, vLLM, OpenRouter), `reasoning_details`
(OpenRouter: text, summaries and opaque data) and `thinking_blocks` (litellm: Claude's blocks
with their signatures).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.wire import ir
from omniroute.types import JSONDict

SEPARATOR = "\n\n"
"""Between two blocks of thought, which the neutral form keeps apart and a chat message does not.

Gemini cuts its thoughts anywhere, and Responses has put a joint there itself.
"""
_VENDORS = {
    "anthropic-claude-v1": "anthropic",
    "openai-responses-v1": "openai",
    "google-gemini-v1": "gemini",
    "xai-responses-v1": "xai",
}
_FORMATS = {vendor: name for name, vendor in _VENDORS.items()}


def parse_reasoning(message: JSONDict, calls: Iterable[ir.ToolCall] = ()) -> list[ir.Reasoning]:
    """The fullest of the fields, which repeat one another. Gemini's signatures go to their `calls`."""
    blocks = parse_thinking_blocks(message.get("thinking_blocks"))
    if blocks:
        return blocks
    text = _first_text(message)
    parts = parse_details(message.get("reasoning_details"), calls)
    if text and sum(bool(part.text) for part in parts) > 1 and not any(p.text and p.signature for p in parts):
        parts = [
            part for part in parts if part.signature or part.redacted
        ]  # the field has what joins them, too
    if text and not any(part.text for part in parts):
        if parts and parts[0].redacted is None:
            parts[0].text = text
        else:
            parts.insert(0, ir.Reasoning(text))
    return parts


def _first_text(message: JSONDict) -> str:
    for key in ("reasoning_content", "reasoning"):
        value = message.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, dict) and isinstance(value.get("text"), str):
            return str(value["text"])
    return ""


def parse_thinking_blocks(blocks: Any) -> list[ir.Reasoning]:
    parts: list[ir.Reasoning] = []
    for block in blocks if isinstance(blocks, list) else ():
        if not isinstance(block, dict):
            continue
        if block.get("type") == "redacted_thinking" and isinstance(block.get("data"), str):
            parts.append(ir.Reasoning(redacted=block["data"], vendor="anthropic"))
        elif isinstance(block.get("thinking"), str):
            signature = block.get("signature")
            signature = signature if isinstance(signature, str) and signature else None
            vendor = "anthropic" if signature else None
            parts.append(ir.Reasoning(block["thinking"], signature=signature, vendor=vendor))
    return parts


def parse_details(details: Any, calls: Iterable[ir.ToolCall] = ()) -> list[ir.Reasoning]:
    """Entries of one `index` that follow one another are one block: its text, then its signature."""
    parts: list[ir.Reasoning] = []
    last_index: Any = None
    for entry in details if isinstance(details, list) else ():
        if not isinstance(entry, dict):
            continue
        vendor = _VENDORS.get(str(entry.get("format")))
        said = _parse_entry(entry, vendor)
        if said is None or (vendor == "gemini" and _give_to_call(said, entry.get("id"), calls)):
            continue
        index = entry.get("index")
        if parts and index is not None and index == last_index and _join(parts[-1], said):
            continue
        parts.append(said)
        last_index = index
    return parts


def _parse_entry(entry: JSONDict, vendor: str | None) -> ir.Reasoning | None:
    identity = entry.get("id")
    part = ir.Reasoning(vendor=vendor, id=identity if isinstance(identity, str) else None)
    data = entry.get("data")
    if entry.get("type") == "reasoning.encrypted" and isinstance(data, str) and data:
        if vendor == "anthropic":
            part.redacted = data
        else:
            part.signature = data
        return part
    text = entry.get("text") if isinstance(entry.get("text"), str) else entry.get("summary")
    part.text = text if isinstance(text, str) else ""
    signature = entry.get("signature")
    part.signature = signature if isinstance(signature, str) and signature else None
    return part if part.text or part.signature else None


def _give_to_call(part: ir.Reasoning, identity: Any, calls: Iterable[ir.ToolCall]) -> bool:
    for call in calls:
        if part.signature and call.id == identity:
            call.signature = call.signature or part.signature
            return True
    return False


def _join(part: ir.Reasoning, more: ir.Reasoning) -> bool:
    if part.redacted or more.redacted or part.signature:
        return False
    part.text += more.text
    part.signature = more.signature
    part.vendor, part.id = part.vendor or more.vendor, more.id or part.id
    return True


# ---- Emit ------------------------------------------------------------------------------------------------


def joined(parts: list[ir.Reasoning]) -> str:
    text = ""
    for part in parts:
        if not part.text:
            continue
        text += (SEPARATOR if text and needs_separator(part, part.text) else "") + part.text
    return text


def needs_separator(part: ir.Reasoning, text: str) -> bool:
    return part.vendor != "gemini" and not text.startswith("\n")


def emit_for_client(parts: list[ir.Reasoning]) -> JSONDict:
    """`reasoning_content` for everybody, and what a client must send back in its vendor's words."""
    text = joined(parts)
    said: JSONDict = {"reasoning_content": text} if text else {}
    return {**said, **proofs_for_client(parts)}


def proofs_for_client(parts: list[ir.Reasoning]) -> JSONDict:
    fields: JSONDict = {}
    blocks = [block for part in parts if (block := thinking_block(part))]
    if blocks:
        fields["thinking_blocks"] = blocks
    details = [detail for part in parts if part.vendor != "anthropic" and (detail := encrypted_detail(part))]
    if details:
        fields["reasoning_details"] = details
    return fields


def thinking_block(part: ir.Reasoning) -> JSONDict | None:
    """litellm's form. Only what Claude signed or hid: an unsigned block is refused when it comes back."""
    if part.vendor != "anthropic":
        return None
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    if part.signature is None:
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def encrypted_detail(part: ir.Reasoning) -> JSONDict | None:
    """OpenRouter's form of Responses' `encrypted_content` and of Gemini's signatures."""
    if part.signature is None or part.vendor not in _FORMATS:
        return None
    detail: JSONDict = {
        "type": "reasoning.encrypted",
        "data": part.signature,
        "format": _FORMATS[part.vendor],
    }
    if part.id is not None:
        detail["id"] = part.id
    return detail


def emit_details(parts: list[ir.Reasoning]) -> list[JSONDict]:
    """For OpenRouter, which takes its own `reasoning_details` back and needs them in tool loops."""
    details: list[JSONDict] = []
    for number, part in enumerate(parts):
        if part.vendor not in _FORMATS:
            continue
        base: JSONDict = {"format": _FORMATS[part.vendor], "index": number}
        if part.redacted is not None:
            details.append({"type": "reasoning.encrypted", "data": part.redacted, **base})
        elif part.vendor == "anthropic" and part.signature:
            details.append({"type": "reasoning.text", "text": part.text, "signature": part.signature, **base})
        elif part.signature:
            if part.text:
                details.append({"type": "reasoning.summary", "summary": part.text, **base})
            details.append({**(encrypted_detail(part) or {}), "index": number})
    return details
