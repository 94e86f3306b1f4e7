"""Edits of conversations that Anthropic's endpoints are strict about (docs/protocol-notes.md, Claude Code)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from omniroute.types import Fields
from providers.edits.base import BODY_EDITS, Item, each_message, items, message_edit, value

MAX_CACHE_MARKS = 4
_MIN_BUDGET = 1024


def _blocks(content: Any) -> list[Any]:
    content = value(content)
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content if isinstance(content, list) else []


@message_edit("merge_turns")
def merge_turns(messages: list[Item]) -> list[Item]:
    """Neighbouring messages of one role are one."""
    roles = [value(message.get("role")) for message in messages]
    if all(one != next_ for one, next_ in pairwise(roles)):
        return messages
    merged: list[Item] = []
    for message, role in zip(messages, roles, strict=True):
        if merged and value(merged[-1].get("role")) == role:
            content = [*_blocks(merged[-1].get("content")), *_blocks(message.get("content"))]
            merged[-1] = {**merged[-1], "content": content}
        else:
            merged.append(message)
    return merged


@each_message("no_text_behind_calls", b'"tool_use"')
def no_text_behind_calls(message: Item) -> Item:
    """A turn that calls tools ends with its calls."""
    content = value(message.get("content"))
    if value(message.get("role")) != "assistant" or not isinstance(content, list):
        return message
    kinds = [block.get("type") if isinstance(block, dict) else None for block in content]
    if "tool_use" not in kinds:
        return message
    first = kinds.index("tool_use")
    kept = [
        block
        for i, (block, kind) in enumerate(zip(content, kinds, strict=True))
        if i < first or kind != "text"
    ]
    return {**message, "content": kept} if len(kept) < len(content) else message


@BODY_EDITS.register("four_cache_marks")
def four_cache_marks(fields: Fields) -> None:
    """More than four `cache_control` marks are refused: those of the earliest messages go first."""
    others = [*_blocks(fields.get("system")), *_blocks(fields.get("tools"))]
    marks = sum(_is_marked(block) for block in others)
    messages = items(fields.get("messages"))
    if messages is None:
        return
    contents = [value(message.get("content")) for message in messages]
    within = [sum(map(_is_marked, content)) if isinstance(content, list) else 0 for content in contents]
    surplus = marks + sum(within) - MAX_CACHE_MARKS
    if surplus <= 0:
        return
    for number, content in enumerate(contents):
        if surplus > 0 and within[number]:
            kept = []
            for block in content:
                if surplus > 0 and _is_marked(block):
                    block = {name: item for name, item in block.items() if name != "cache_control"}
                    surplus -= 1
                kept.append(block)
            messages[number] = {**messages[number], "content": kept}
    fields["messages"] = messages


def _is_marked(block: Any) -> bool:
    return isinstance(block, dict) and bool(value(block.get("cache_control")))


@BODY_EDITS.register("budget_below_limit")
def budget_below_limit(fields: Fields) -> None:
    """A thinking budget stays below `max_tokens`; where there is no room for one there is no thinking."""
    thinking, limit = value(fields.get("thinking")), value(fields.get("max_tokens"))
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if not isinstance(budget, int) or not isinstance(limit, int) or budget < limit:
        return
    if limit <= _MIN_BUDGET:
        del fields["thinking"]
    else:
        fields["thinking"] = {**thinking, "budget_tokens": limit - 1}
