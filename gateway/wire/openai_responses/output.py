"""Output items: of parts when a whole reply is emitted, and the pieces that a stream builds them of."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.openai_responses import search, shell
from gateway.wire.openai_responses.citations import emit_annotations
from gateway.wire.openai_responses.emit_items import emit_call, emit_native_reasoning
from gateway.wire.openai_responses.envelope import new_id
from gateway.wire.openai_responses.fields import NAME, VENDOR, own
from gateway.wire.openai_responses.sealed import Seal, seal
from omniroute.types import JSONDict

_ENCRYPTED = "reasoning.encrypted_content"


def wants_proof(request: ir.Request) -> bool:
    """Whether the client keeps reasoning itself, so that its proof must travel with it."""
    include = own(request.extra).get("include")
    return isinstance(include, list) and _ENCRYPTED in include


def text_part(part: ir.Text | ir.Refusal, logprobs: list[Any] | None = None) -> JSONDict:
    rest: JSONDict = own(part.extra).get("part", {})
    if isinstance(part, ir.Refusal):
        return {"type": "refusal", "refusal": part.text, **rest}
    if NAME in part.extra:
        return {"type": "output_text", "text": part.text, **rest}
    annotations = emit_annotations(part.citations)
    return {"type": "output_text", "text": part.text, "annotations": annotations, "logprobs": logprobs or []}


def message_item(first: ir.Part, content: list[JSONDict], status: str) -> JSONDict:
    """`first` is the item's first part, which may know the item's own id."""
    kept = own(first.extra).get("item")
    if isinstance(kept, dict):
        return {"type": "message", "role": "assistant", "content": content, **kept}
    return {"id": new_id("msg"), "type": "message", "status": status, "role": "assistant", "content": content}


def reasoning_item(part: ir.Reasoning, proof: bool) -> JSONDict:
    """The text as a summary, in this format's habit; the proof of another vendor sealed."""
    if NAME in part.extra:
        return emit_native_reasoning(part)
    texts = part.summaries or ((part.text,) if part.text else ())
    item: JSONDict = {
        "id": part.id if part.id and part.id.startswith("rs_") else new_id("rs"),
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in texts],
    }
    if proof and (part.signature or part.redacted) and part.vendor:
        item["encrypted_content"] = _proof(part, part.vendor)
    return item


def _proof(part: ir.Reasoning, vendor: str) -> str:
    if vendor == VENDOR and part.signature:
        return part.signature
    return seal(Seal(vendor, part.signature, part.redacted))


def signature_item(call: ir.ToolCall) -> JSONDict:
    """How Gemini's thoughtSignature of a call travels: clients return reasoning, but no unknown fields."""
    sealed = seal(Seal("gemini", call.signature, call_id=call.id))
    return {"id": new_id("rs"), "type": "reasoning", "summary": [], "encrypted_content": sealed}


def call_item(call: ir.ToolCall, request: ir.Request, status: str) -> JSONDict:
    if call.name == shell.TOOL and any(shell.is_tool(tool) for tool in request.tools):
        return {"id": new_id("lsh"), **shell.emit_call(call)}
    if call.name == search.TOOL and any(search.is_tool(tool) for tool in request.tools):
        return {"id": new_id("tsc"), **search.emit_call(call)}
    known = own(call.extra)
    if "id" in known or "status" in known:
        return emit_call(call)
    item = {"id": new_id("ctc" if call.kind == "custom" else "fc"), **emit_call(call)}
    return item if call.kind == "custom" else {**item, "status": status}


def other_item(part: ir.Part) -> JSONDict | None:
    """Anything but text, reasoning and calls: None where this format has no item for it."""
    match part:
        case ir.Unknown(format=format, raw=raw) if format == NAME and isinstance(raw, dict):
            return raw
        case ir.Image(data=str() as data):
            return {
                "id": new_id("ig"),
                "type": "image_generation_call",
                "status": "completed",
                "result": data,
            }
        case _:
            return None


def output_logprobs(logprobs: JSONDict | None) -> list[JSONDict]:
    """Of Chat's object; every field is set, as this format's types demand."""
    content = logprobs.get("content") if logprobs else None
    return (
        [_logprob(entry) for entry in content if isinstance(entry, dict)] if isinstance(content, list) else []
    )


def _logprob(entry: JSONDict) -> JSONDict:
    top, spelt = entry.get("top_logprobs"), entry.get("bytes")
    filled = {
        "token": entry.get("token") or "",
        "bytes": spelt if isinstance(spelt, list) else [],  # base64 from servers in Go
        "logprob": entry.get("logprob") or 0.0,
    }
    if not isinstance(top, list):
        return {**filled, "top_logprobs": []}
    inner = [_logprob(alternative) for alternative in top if isinstance(alternative, dict)]
    return {
        **filled,
        "top_logprobs": [{k: v for k, v in item.items() if k != "top_logprobs"} for item in inner],
    }
