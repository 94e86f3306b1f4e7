"""What a pasted text is: its wire format, and whether it is a request, an answer, a stream or an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.translator import reading
from gateway.translator.formats import Kind
from gateway.wire import json
from gateway.wire.sse import Decoder
from omniroute.errors import InvalidRequest

_CLAUDE_FIELDS = {"system", "stop_sequences", "anthropic_version", "thinking", "container", "mcp_servers"}
_CHAT_FIELDS = {
    "max_completion_tokens", "response_format", "stream_options", "n", "frequency_penalty", "presence_penalty",
    "functions", "reasoning_effort", "seed", "logprobs", "parallel_tool_calls",
}  # fmt: skip
_CLAUDE_BLOCKS = {"tool_use", "tool_result", "thinking", "redacted_thinking", "image", "document"}
_CHAT_BLOCKS = {"image_url", "input_audio", "file"}
_CHAT_ROLES = {"system", "developer", "tool", "function"}


@dataclass(frozen=True, slots=True)
class Detected:
    format: str
    kind: Kind


def detect(data: bytes) -> Detected:
    """Raise `InvalidRequest` for what looks like none of them."""
    text = data.lstrip()
    if text[:1] not in (b"{", b"["):
        return _stream(data)
    value = reading.value_of(data)
    if isinstance(value, list):
        first = next((item for item in value if isinstance(item, dict)), {})
        return Detected("gemini", "error" if "error" in first else "stream")
    return detect_value(value)


def detect_value(value: dict[str, Any]) -> Detected:
    """Of a JSON object."""
    for found in (_error, _reply, _request):
        if (detected := found(value)) is not None:
            return detected
    raise InvalidRequest("This looks like no request and no answer of a known format", param="body")


def _stream(data: bytes) -> Detected:
    decoder = Decoder()
    for event in [*decoder.feed(data), *decoder.flush()]:
        try:
            value = json.loads(event.data)
        except InvalidRequest:
            continue
        if not isinstance(value, dict):
            continue
        kind = str(value.get("type") or "")
        if kind.startswith("response.") or (kind == "error" and "sequence_number" in value):
            return Detected("openai_responses", "stream")
        if kind.startswith(("message_", "content_block_")) or kind in ("ping", "error"):
            return Detected("anthropic_messages", "stream")
        if "choices" in value:
            return Detected("openai_chat", "stream")
        if "candidates" in value or "usageMetadata" in value:
            return Detected("gemini", "stream")
    raise InvalidRequest("This is neither JSON nor a stream of events of a known format", param="body")


def _error(value: dict[str, Any]) -> Detected | None:
    error = value.get("error")
    if value.get("type") == "error":
        return Detected("anthropic_messages", "error")
    if "__type" in value or ("message" in value and "reason" in value and "messages" not in value):
        return Detected("kiro", "error")
    if not isinstance(error, dict | str) or not error or "output" in value:
        return None
    if isinstance(error, dict) and isinstance(error.get("code"), int) and "status" in error:
        return Detected("gemini", "error")
    return Detected("openai_chat", "error")


def _reply(value: dict[str, Any]) -> Detected | None:
    if isinstance(value.get("choices"), list):
        return Detected("openai_chat", "reply")
    if isinstance(value.get("output"), list) or value.get("object") == "response":
        return Detected("openai_responses", "reply")
    if "candidates" in value or "usageMetadata" in value:
        return Detected("gemini", "reply")
    if value.get("type") == "message" and "stop_reason" in value:
        return Detected("anthropic_messages", "reply")
    return None


def _request(value: dict[str, Any]) -> Detected | None:
    if "contents" in value:
        return Detected("gemini", "request")
    if isinstance(value.get("messages"), list):
        format = "anthropic_messages" if _is_claude(value) else "openai_chat"
        return Detected(format, "request")
    if "input" in value:
        return Detected("openai_responses", "request")
    if "prompt" in value:
        return Detected("openai_completions", "request")
    return None


def _is_claude(value: dict[str, Any]) -> bool:
    """By what only one of the two has; where nothing tells, by the model's name."""
    claude = len(_CLAUDE_FIELDS & value.keys())
    chat = len(_CHAT_FIELDS & value.keys())
    for tool in _objects(value.get("tools")):
        claude += "input_schema" in tool
        chat += "function" in tool
    for message in _objects(value["messages"]):
        chat += str(message.get("role")) in _CHAT_ROLES or "tool_calls" in message
        for block in _objects(message.get("content")):
            claude += str(block.get("type")) in _CLAUDE_BLOCKS
            chat += str(block.get("type")) in _CHAT_BLOCKS
    if claude != chat:
        return claude > chat
    return "max_tokens" in value and str(value.get("model") or "").rpartition("/")[2].startswith("claude")


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
