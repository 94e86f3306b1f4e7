"""Qwen Code: OpenAI Chat at the host that the token belongs to (docs/protocol-notes.md, Qwen Code)."""

from __future__ import annotations

from typing import Any

from providers.adapters.base import Adapter, Draft, registry
from providers.edits.base import items, text_of, value

RESOURCE_URL = "resourceUrl"
"""In an account's provider data: the token's host, which came with it."""
_IDENTITY = ("user-agent", "x-dashscope-useragent", "x-stainless-*")
"""What a genuine Qwen Code says of itself."""
_CACHED = {"type": "ephemeral"}
_VISION = ("vl", "vision")


class Qwen(Adapter):
    def prepare(self, draft: Draft) -> None:
        draft.move(str(draft.account.provider_data.get(RESOURCE_URL) or ""))
        if draft.said("user-agent").startswith("QwenCode/"):
            draft.forward(*_IDENTITY)
        _fit_messages(draft)
        thinks = draft.get("enable_thinking") is True or draft.get("reasoning_effort") not in (None, "none")
        if thinks and draft.get("tool_choice") not in (None, "auto", "none"):
            draft.fields["tool_choice"] = "auto"
        session = draft.conversation_id("messages")
        draft.fields["metadata"] = {"sessionId": session, "promptId": draft.request_id()}
        if any(mark in draft.model for mark in _VISION):
            draft.fields["vl_high_resolution_images"] = True


def _fit_messages(draft: Draft) -> None:
    """One system message, the first, of parts: an empty one that marks the cache, then what clients say."""
    messages = items(draft.fields.get("messages"))
    if messages is None:
        return
    is_system = [value(message.get("role")) in ("system", "developer") for message in messages]
    texts = [text_of(m.get("content")) for m, system in zip(messages, is_system, strict=True) if system]
    parts: list[dict[str, Any]] = [{"type": "text", "text": "", "cache_control": _CACHED}]
    parts += [{"type": "text", "text": text} for text in texts if text]
    rest = [m for m, system in zip(messages, is_system, strict=True) if not system]
    draft.fields["messages"] = [{"role": "system", "content": parts}, *rest]


registry.register("qwen")(Qwen())
