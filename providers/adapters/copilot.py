"""GitHub Copilot: three formats behind one token, and honesty about who starts a turn.

Source: docs/protocol-notes.md, GitHub Copilot.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers.adapters.base import Adapter, Draft, Rewrite, registry
from providers.edits.base import Item, items, value

API_BASE = "api"
"""In an account's provider data: the address that came with the token."""
_IDENTITY = (
    *("user-agent", "editor-version", "editor-plugin-version", "copilot-integration-id"),
    *("openai-intent", "x-initiator", "x-github-api-version", "x-vscode-user-agent-library-version"),
)
"""What a genuine Copilot Chat says of itself and of its request."""
_AGENT_ROLES = frozenset({"assistant", "tool", "function"})
_PICTURES = frozenset({"image_url", "input_image", "image"})
_decode = msgspec.json.Decoder().decode


class Copilot(Adapter):
    operations = frozenset({"embed"})

    def prepare(self, draft: Draft) -> None:
        draft.move(str(draft.account.provider_data.get(API_BASE) or ""))
        turns = items(draft.fields.get("input" if draft.format == "openai_responses" else "messages")) or []
        agent = continues(turns)
        draft.headers |= {
            "x-initiator": "agent" if agent else "user",
            "openai-intent": "conversation-agent" if draft.fields.get("tools") else "conversation-panel",
            "x-request-id": draft.request_id(),
        }
        if draft.said("user-agent").startswith("GitHubCopilotChat/"):
            draft.forward(*_IDENTITY)
        if any(_shows(turn) for turn in turns):
            draft.headers["copilot-vision-request"] = "true"

    def rewriter(self, format: str, model: str) -> Rewrite | None:
        return one_choice if format == "openai_chat" and "claude" in model else None


def continues(turns: list[Item]) -> bool:
    """Whether the request goes on with a turn that the user began earlier: its last word is not the user's own."""
    if not turns:
        return False
    last = turns[-1]
    role, kind = value(last.get("role")), value(last.get("type"))
    if role in _AGENT_ROLES or kind in ("function_call_output", "custom_tool_call_output", "function_call"):
        return True
    content = value(last.get("content"))
    return isinstance(content, list) and any(_kind(part) == "tool_result" for part in content)


def _shows(turn: Item) -> bool:
    content = value(turn.get("content"))
    parts: list[Any] = content if isinstance(content, list) else []
    return any(
        _kind(part) in _PICTURES
        or (_kind(part) == "tool_result" and isinstance(part.get("content"), list) and _shows(part))
        for part in parts
    )


def _kind(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None


def one_choice(data: bytes) -> bytes:
    """Claude's reply is split over several choices, text in one and calls in the other: they are one reply."""
    if data.count(b'"index"') < 2 and b'"index":0' in data:
        return data
    try:
        body = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices or not all(isinstance(each, dict) for each in choices):
        return data
    if len(choices) == 1 and choices[0].get("index") in (0, None):
        return data
    return msgspec.json.encode({**body, "choices": [_merged(choices)]})


def _merged(choices: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {**choices[0], "index": 0}
    for name in ("message", "delta"):
        said = [choice[name] for choice in choices if isinstance(choice.get(name), dict)]
        if not said:
            continue
        whole = {key: item for each in said for key, item in each.items() if item is not None}
        texts = [each["content"] for each in said if isinstance(each.get("content"), str)]
        calls = [call for each in said for call in each.get("tool_calls") or []]
        whole |= {"content": "".join(texts)} if texts else {}
        whole |= {"tool_calls": calls} if calls else {}
        merged[name] = whole
    reasons = [reason for choice in choices if (reason := choice.get("finish_reason"))]
    if reasons:
        merged["finish_reason"] = "tool_calls" if "tool_calls" in reasons else reasons[0]
    return merged


registry.register("copilot")(Copilot())
