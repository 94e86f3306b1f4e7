"""Why an answer ended, in the words of dozens of servers (docs/protocol-notes.md, Finish reasons)."""

from __future__ import annotations

from typing import Any

from gateway.wire.ir import FinishReason

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "complete": "stop",
    "completed": "stop",
    "done": "stop",
    "unload": "stop",
    "stop_sequence": "stop_sequence",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "error_limit": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
    "recitation": "content_filter",
    "error_toxic": "content_filter",
    "error": "error",
    "network_error": "error",
    "insufficient_system_resource": "error",
    "malformed_function_call": "error",
    "abort": "error",
    "pause_turn": "pause",
}
_WORDS: dict[FinishReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "pause": "stop",
    "error": "stop",
}


def parse_finish(choice: dict[str, Any], has_calls: bool) -> tuple[FinishReason, str | None]:
    """(reason, matched stop sequence). Calls turn a `stop` into `tool_calls`; vLLM tells the sequence."""
    said = choice.get("finish_reason")
    reason = _REASONS.get(said.lower(), "stop") if isinstance(said, str) else "stop"
    if has_calls and reason in ("stop", "stop_sequence", "tool_calls"):
        return "tool_calls", None
    if reason == "tool_calls":
        return "stop", None
    matched = choice.get("stop_reason")
    if reason in ("stop", "stop_sequence") and isinstance(matched, str) and matched and said == "stop":
        return "stop_sequence", matched
    return reason, None


def emit_finish(reason: FinishReason | None, legacy_calls: bool = False) -> str:
    if reason == "tool_calls" and legacy_calls:
        return "function_call"
    return _WORDS[reason] if reason is not None else "stop"
