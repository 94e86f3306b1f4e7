"""Whole replies of Anthropic Messages, both ways."""

from __future__ import annotations

import re
import uuid
from typing import Any

from gateway.wire import ir, json, tokens
from gateway.wire.anthropic_messages import signatures
from gateway.wire.anthropic_messages.blocks import JSON_TOOL, NAME, RAW, VENDOR, parse_blocks
from gateway.wire.anthropic_messages.citations import emit_citations
from gateway.wire.anthropic_messages.errors import parse_error_value
from gateway.wire.anthropic_messages.parts import own_fields
from gateway.wire.anthropic_messages.tap import parse_usage
from gateway.wire.arguments import parse_object
from omniroute.errors import InvalidRequest, UpstreamBroken
from omniroute.types import JSONDict, Usage

STOP_REASONS: dict[str, ir.FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "content_filter",
}
_REASONS: dict[ir.FinishReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "pause": "pause_turn",
    "error": "end_turn",
}
"""docs/protocol-notes.md, Finish reasons."""
_TIERS = {"standard": "standard", "default": "standard", "priority": "priority", "batch": "batch"}
_ENVELOPE = ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage")
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


# ---- Parse -------------------------------------------------------------------------------------------------


def parse_response(body: JSONDict) -> ir.Response:
    """Raise `UpstreamRefused` for an error body, `UpstreamBroken` for anything that is no message."""
    if body.get("type") == "error" or body.get("error"):
        raise parse_error_value(body, json.dumps(body))
    content = body.get("content")
    if not isinstance(content, list):
        raise UpstreamBroken("The provider answered without a message")
    try:
        parts = [answered(part) for part in parse_blocks(content, "content")]
    except InvalidRequest as error:
        raise UpstreamBroken(f"The provider's answer is malformed: {error.message}") from None
    stop_reason, sequence = body.get("stop_reason"), body.get("stop_sequence")
    usage = parse_usage(body.get("usage"))
    candidate = ir.Candidate(
        parts,
        finish_reason(stop_reason, any(isinstance(part, ir.ToolCall) for part in parts)),
        sequence if isinstance(sequence, str) else None,
    )
    extra = {key: value for key, value in body.items() if key not in _ENVELOPE}
    extra["$usage"] = body.get("usage")
    extra["$stop_reason"] = stop_reason
    return ir.Response(
        id=_word(body.get("id")),
        model=_word(body.get("model")),
        candidates=[candidate],
        usage=usage.to_usage() if usage else None,
        service_tier=tier_of(body.get("usage")),
        extra={NAME: extra},
    )


def answered(part: ir.Part) -> ir.Part:
    """The input of the tool that was forced for structured output is the answer's text."""
    if isinstance(part, ir.ToolCall) and part.name == JSON_TOOL:
        return ir.Text(part.arguments)
    return part


def finish_reason(stop_reason: Any, calls: bool) -> ir.FinishReason:
    """Imitators end with calls and say `end_turn`, or say nothing; the forced JSON tool is no call."""
    reason = STOP_REASONS.get(stop_reason, "stop") if isinstance(stop_reason, str) else "stop"
    if calls and reason == "stop":
        return "tool_calls"
    return "stop" if reason == "tool_calls" and not calls else reason


def tier_of(usage: Any) -> str | None:
    tier = usage.get("service_tier") if isinstance(usage, dict) else None
    return tier if isinstance(tier, str) else None


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


# ---- Emit --------------------------------------------------------------------------------------------------


def emit_response(response: ir.Response, request: ir.Request) -> JSONDict:
    """`content` may be empty: that is how Claude itself says nothing."""
    candidate = response.candidates[0] if response.candidates else ir.Candidate()
    own = response.extra.get(NAME)
    message = envelope(response.id, response.model or request.model)
    message["content"] = [block for part in candidate.parts for block in reply_blocks(part, own is not None)]
    message["stop_reason"] = stop_reason_of(candidate.finish_reason, candidate.parts)
    message["stop_sequence"] = candidate.stop_sequence
    said = sum(len(part.text) for part in candidate.parts if isinstance(part, ir.Text | ir.Reasoning))
    message["usage"] = emit_usage(response.usage or estimated_usage(request, said), response.service_tier)
    if own is None:
        return message
    message["id"] = response.id
    if isinstance(own.get("$usage"), dict):
        message["usage"] = own["$usage"]
    if isinstance(own.get("$stop_reason"), str):
        message["stop_reason"] = own["$stop_reason"]
    return {**message, **own_fields(response.extra)}


def envelope(id: str, model: str) -> JSONDict:
    """The message before its content, as message_start sends it."""
    return {
        "id": message_id(id),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def message_id(id: str) -> str:
    """Claude's own or, from another vendor's, one that can be told from it and traced back."""
    known = _NOT_IN_IDS.sub("", id) or uuid.uuid4().hex
    return known if known.startswith("msg_") else f"msg_{known}"


def call_id(id: str) -> str:
    """Within what Anthropic accepts when the client sends it back."""
    return _NOT_IN_IDS.sub("_", id) or f"toolu_{uuid.uuid4().hex[:24]}"


def stop_reason_of(reason: ir.FinishReason | None, parts: list[ir.Part]) -> str:
    if reason is None:
        return "tool_use" if any(isinstance(part, ir.ToolCall) for part in parts) else "end_turn"
    return _REASONS[reason]


def estimated_usage(request: ir.Request, said: int) -> Usage:
    """For a provider that counts nothing: the counts are a must here, and clients show them. `said`: characters."""
    return Usage(tokens.estimate(request), round(said / tokens.CHARACTERS_PER_TOKEN), estimated=True)


def emit_usage(usage: Usage, service_tier: str | None = None) -> JSONDict:
    """The three input counts add up to the provider's prompt tokens, which is what clients of this format do with
    them, also for a provider (xAI on Azure) that reports more cached tokens than prompt tokens."""
    emitted: JSONDict = {
        "input_tokens": usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        emitted["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    tier = _TIERS.get(service_tier or "")
    if tier:
        emitted["service_tier"] = tier
    return emitted


def reply_blocks(part: ir.Part, same: bool = False) -> list[JSONDict]:
    """The blocks of one part: none for what a reply cannot hold, two for a call with a proof."""
    own = own_fields(part.extra)
    match part:
        case ir.Text() | ir.Refusal():
            if RAW in part.extra.get(NAME, {}):
                return [part.extra[NAME][RAW]]
            return [{"type": "text", "text": part.text, **own, **_cited(part)}] if part.text or same else []
        case ir.Reasoning():
            return [{**block, **own} for block in _reasoning_blocks(part, same)]
        case ir.ToolCall():
            value = parse_object(part.arguments)
            call = {
                "type": "tool_use",
                "id": call_id(part.id),
                "name": part.name,
                "input": value,
                **own,
            }
            return [*proof_blocks(part), call]
        case ir.Unknown(format=format, raw=raw) if format == NAME:
            return [raw]
        case _:
            return []


def _cited(part: ir.Text | ir.Refusal) -> JSONDict:
    """Claude's own citations are among the block's fields."""
    if isinstance(part, ir.Refusal) or NAME in part.extra or not part.citations:
        return {}
    cited = emit_citations(part.citations)
    return {"citations": cited} if cited else {}


def _reasoning_blocks(part: ir.Reasoning, same: bool) -> list[JSONDict]:
    if part.redacted is not None:
        data = part.redacted if part.vendor in (None, VENDOR) else signature_of(part)
        return [{"type": "redacted_thinking", "data": data}]
    if not (part.text or part.signature or same):
        return []
    return [{"type": "thinking", "thinking": part.text, "signature": signature_of(part)}]


def signature_of(part: ir.Reasoning) -> str:
    """Claude's own as it is; another vendor's, or none, marked as not Claude's."""
    if part.vendor == VENDOR and part.signature is not None:
        return part.signature
    return signatures.pack(part.vendor, part.id, part.signature or part.redacted)


def proof_blocks(call: ir.ToolCall) -> list[JSONDict]:
    """The block in front of a call that brings its proof back with the history."""
    if not call.signature:
        return []
    return [{"type": "thinking", "thinking": "", "signature": signatures.pack_call(call.signature)}]
