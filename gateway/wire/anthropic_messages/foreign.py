"""What stands for other vendors' reasoning and sources in a Claude client's history, and must not reach Anthropic."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.wire import json
from gateway.wire.anthropic_messages.citations import is_foreign, without_foreign
from gateway.wire.anthropic_messages.signatures import MARK, unpack
from omniroute.types import Fields, JSONDict


def remove_foreign(fields: Fields) -> None:
    """Take out the blocks that `signatures` marked, which Claude refuses as `Invalid signature`, and such citations.

    A chain of tool calls that loses its thinking block cannot go on thinking with a budget: Claude demands
    the block, so thinking is off for that request (docs/protocol-notes.md, Thinking). A body without marked
    blocks is not touched.
    """
    raw = fields.get("messages")
    if not isinstance(raw, msgspec.Raw) or MARK not in bytes(raw):
        return
    messages = json.loads(raw)
    if not isinstance(messages, list):
        return
    kept = [cleaned for message in messages if (cleaned := _clean(message)) is not None]
    fields["messages"] = kept
    if _goes_on_without_thinking(kept):
        _stop_thinking(fields)


def _clean(message: Any) -> Any:
    """None for a turn that held nothing else."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    kept = [_without_sources(block) for block in content if not _is_foreign(block)]
    if kept == content:
        return message
    return {**message, "content": kept} if kept else None


def _without_sources(block: Any) -> Any:
    cited = block.get("citations") if isinstance(block, dict) else None
    if not isinstance(cited, list) or not any(map(is_foreign, cited)):
        return block
    left = without_foreign(cited)
    rest = {key: value for key, value in block.items() if key != "citations"}
    return {**rest, "citations": left} if left else rest


def _is_foreign(block: Any) -> bool:
    if not isinstance(block, dict) or block.get("type") not in ("thinking", "redacted_thinking"):
        return False
    return unpack(block.get("signature") or block.get("data")) is not None


def _goes_on_without_thinking(messages: list[Any]) -> bool:
    turns = [message for message in messages if isinstance(message, dict)]
    last = next((turn for turn in reversed(turns) if turn.get("role") == "assistant"), {})
    content = last.get("content")
    kinds = [block.get("type") for block in content] if isinstance(content, list) else []
    return "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")


def _stop_thinking(fields: Fields) -> None:
    thinking = json.field(fields, "thinking")
    if not isinstance(thinking, dict) or thinking.get("type") != "enabled":
        return
    del fields["thinking"]
    management = json.field(fields, "context_management")
    edits = management.get("edits") if isinstance(management, dict) else None
    if isinstance(edits, list):
        fields["context_management"] = {
            **management,
            "edits": [edit for edit in edits if not _needs_it(edit)],
        }


def _needs_it(edit: JSONDict) -> bool:
    return isinstance(edit, dict) and str(edit.get("type")).startswith("clear_thinking")
