"""Edits that take earlier thoughts out of a conversation, for a provider that refuses their proofs.

A proof is valid at the vendor that gave it, and only unchanged; without the thoughts the conversation still says what
was said and done (docs/protocol-notes.md, Thinking). One edit a wire format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omniroute.types import Fields
from providers.edits.base import BODY_EDITS, Item, items, value
from providers.edits.messages import strip_reasoning

SKIP_SIGNATURE = "skip_thought_signature_validator"
"""Gemini 3's word for "there was none"."""
_BLOCKS = frozenset({"thinking", "redacted_thinking"})
_GEMINI_PROOFS = ("thoughtSignature", "thought_signature")
_EFFORT_UP_TO = ((2048, "low"), (8192, "medium"))
_CLEAR_THINKING = "clear_thinking"
_OWN_IDS = ("msg_", "fc_", "ctc_", "rs_")
"""Ids that OpenAI ties to the reasoning beside them: an item that kept its id would miss it."""


@BODY_EDITS.register("no_past_thinking_anthropic_messages")
def no_past_blocks(fields: Fields) -> None:
    """Within an open chain of tool calls Claude cannot think without its earlier thoughts, so it does not."""
    messages = items(fields.get("messages"))
    if messages is None:
        return
    kept = [message for message in map(_without_blocks, messages) if message is not None]
    fields["messages"] = kept
    if _calls_tools(_last(kept, "assistant"), "content", "tool_use"):
        fields.pop("thinking", None)
        _keep_thoughts_uncleared(fields)


def _without_blocks(message: Item) -> Item | None:
    """None for a turn that held nothing but thoughts."""
    content = value(message.get("content"))
    if value(message.get("role")) != "assistant" or not isinstance(content, list):
        return message
    kept = [block for block in content if not isinstance(block, dict) or block.get("type") not in _BLOCKS]
    if len(kept) == len(content):
        return message
    return {**message, "content": kept} if kept else None


def _keep_thoughts_uncleared(fields: Fields) -> None:
    """`context_management` may clear thoughts only where there may be any."""
    management = value(fields.get("context_management"))
    edits = management.get("edits") if isinstance(management, dict) else None
    if not isinstance(edits, list):
        return
    kept = [edit for edit in edits if not str(_get(edit, "type")).startswith(_CLEAR_THINKING)]
    if not kept:
        del fields["context_management"]
    elif len(kept) < len(edits):
        fields["context_management"] = {**management, "edits": kept}


@BODY_EDITS.register("enabled_to_adaptive")
def enabled_to_adaptive(fields: Fields) -> None:
    """Claude 4.7 and later refuse a budget: they are asked by effort."""
    thinking = value(fields.get("thinking"))
    if not isinstance(thinking, dict) or thinking.get("type") != "enabled":
        return
    budget = thinking.get("budget_tokens")
    effort = next(
        (word for limit, word in _EFFORT_UP_TO if isinstance(budget, int) and budget <= limit), "high"
    )
    fields["thinking"] = {
        **{name: item for name, item in thinking.items() if name != "budget_tokens"},
        "type": "adaptive",
    }
    config = value(fields.get("output_config"))
    fields["output_config"] = {"effort": effort, **(config if isinstance(config, dict) else {})}


@BODY_EDITS.register("no_past_thinking_openai_chat")
def no_past_reasoning(fields: Fields) -> None:
    messages = items(fields.get("messages"))
    if messages is None:
        return
    fields["messages"] = strip_reasoning(messages)
    last = _last(messages, "assistant")
    if last is not None and value(last.get("tool_calls")):
        for name in ("thinking", "reasoning", "reasoning_effort"):
            fields.pop(name, None)


@BODY_EDITS.register("no_past_thinking_openai_responses")
def no_past_items(fields: Fields) -> None:
    given = items(fields.get("input"))
    if given is not None:
        fields["input"] = [_anonymous(item) for item in given if value(item.get("type")) != "reasoning"]


def _anonymous(item: Item) -> Item:
    id = value(item.get("id"))
    if value(item.get("type")) == "item_reference" or not str(id).startswith(_OWN_IDS):
        return item
    return {name: raw for name, raw in item.items() if name != "id"}


@BODY_EDITS.register("no_past_thinking_gemini")
def no_past_proofs(fields: Fields) -> None:
    """Without thoughts and their signatures."""
    _edit_parts(fields, _without_proofs)


@BODY_EDITS.register("skipped_signatures")
def skipped_signatures(fields: Fields) -> None:
    """Gemini 3: a step's first call without a signature says that there was none."""
    _edit_parts(fields, _with_skips)


def _edit_parts(fields: Fields, edit: Callable[[list[Any]], list[Any]]) -> None:
    contents = items(fields.get("contents"))
    if contents is None:
        return
    edited: list[Item] = []
    for content in contents:
        parts = value(content.get("parts"))
        if value(content.get("role")) == "model" and isinstance(parts, list):
            content = {**content, "parts": edit(parts)}
            if not content["parts"]:
                continue
        edited.append(content)
    fields["contents"] = edited


def _without_proofs(parts: list[Any]) -> list[Any]:
    kept = [part for part in parts if not (isinstance(part, dict) and part.get("thought") is True)]
    bare = [
        {name: item for name, item in part.items() if name not in _GEMINI_PROOFS}
        if isinstance(part, dict)
        else part
        for part in kept
    ]
    return [part for part in bare if part]


def _with_skips(parts: list[Any]) -> list[Any]:
    for number, part in enumerate(parts):
        if isinstance(part, dict) and ("functionCall" in part or "function_call" in part):
            if any(part.get(name) for name in _GEMINI_PROOFS):
                return parts
            return [*parts[:number], {**part, _GEMINI_PROOFS[0]: SKIP_SIGNATURE}, *parts[number + 1 :]]
    return parts


def _last(messages: list[Item], role: str) -> Item | None:
    return next((message for message in reversed(messages) if value(message.get("role")) == role), None)


def _calls_tools(message: Item | None, name: str, kind: str) -> bool:
    content = value(message.get(name)) if message is not None else None
    return isinstance(content, list) and any(_get(block, "type") == kind for block in content)


def _get(found: Any, name: str) -> Any:
    return found.get(name) if isinstance(found, dict) else None
