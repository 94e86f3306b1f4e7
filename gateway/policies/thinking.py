"""The thinking policy: how much every request may think, put into the fields of the client's own format.

`rewrite` works on the request before it is routed. `policies.thinking_fit` makes the result fit each attempt's model.
Source: docs/api.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from gateway.wire import json
from gateway.wire.gemini.fields import get, spelled
from omniroute.types import Fields, InboundRequest, JSONDict

Whose = Literal["client", "replaced", "added"]

MAX_BUDGET = 131_072
DEFAULT_BUDGET = 10_240
EFFORT_BUDGETS = {"none": 0, "low": 1024, "medium": 10_240, "high": MAX_BUDGET}
"""What `adaptive` starts from, in tokens (docs/protocol-notes.md, Thinking)."""
LEVEL_BUDGETS = {"none": 0, "low": 4096, "medium": 8192, "high": 24_576}
"""A body's `thinkingLevel`, which no wire format has at its top level, in tokens."""
SUFFIX = "-thinking"
SUFFIX_BUDGET = 10_000
"""Claude under such a name refuses requests that do not say how much to think."""

_LEVELS = ("thinkingLevel", "thinking_level")
_WORDS = ((0, "none"), (4096, "low"), (10_240, "medium"))
"""Budgets up to these are these efforts where a format has no budgets; what is above is `high`."""
_CHAT_FIELDS = (
    "reasoning_effort",
    "reasoning",
    "thinking",
    "thinking_budget",
    "enable_thinking",
    "include_reasoning",
    "chat_template_kwargs.enable_thinking",
    "chat_template_kwargs.thinking",
    "extra_body.google.thinking_config",
)
_FIELDS: dict[str, tuple[str, ...]] = {
    "openai_chat": _CHAT_FIELDS,
    "openai_completions": _CHAT_FIELDS,
    "ollama": ("think", "reasoning_effort"),
    "openai_responses": ("reasoning",),
    "anthropic_messages": ("thinking", "output_config.effort"),
    "gemini": (
        "generationConfig.thinkingConfig",
        "generationConfig.thinking_config",
        "generation_config.thinkingConfig",
        "generation_config.thinking_config",
    ),
}
"""Every field that asks for thinking, by format."""


@dataclass(frozen=True, slots=True)
class ThinkingPolicy:
    """`budget` in tokens for mode `custom`, `effort` for mode `adaptive`."""

    mode: str = "passthrough"
    budget: int = DEFAULT_BUDGET
    effort: str = "medium"

    @property
    def active(self) -> bool:
        return self.mode != "passthrough"


def is_wanted(inbound: InboundRequest) -> bool:
    """Does this request ask in a way that no provider understands, so that it is put right in every mode?"""
    fields = inbound.fields
    return inbound.model.endswith(SUFFIX) or "thinkingLevel" in fields or "thinking_level" in fields


def rewrite(fields: Fields, inbound: InboundRequest, policy: ThinkingPolicy) -> Whose:
    """Change `fields` in place and say whose its wishes are by then."""
    asked = any(_look(fields, path) is not None for path in (*_FIELDS[inbound.format], *_LEVELS))
    budget = _budget(fields, inbound, policy, asked)
    if budget is None and policy.mode != "auto":
        return "client"
    kept = _read_kept(fields, inbound.format)
    strip(fields, inbound.format)
    for name in _LEVELS:
        fields.pop(name, None)
    if budget is None:
        return "client"
    _WRITE[inbound.format](fields, budget, kept)
    return "replaced" if asked else "added"


def _budget(fields: Fields, inbound: InboundRequest, policy: ThinkingPolicy, asked: bool) -> int | None:
    """Tokens to ask for, 0 for no thinking; None: do not ask."""
    match policy.mode:
        case "auto":
            return None
        case "custom":
            return policy.budget
        case "adaptive":
            return _adaptive(fields, inbound.format, policy.effort)
    level = next((json.field(fields, name) for name in _LEVELS if name in fields), None)
    if isinstance(level, str) and level.lower() in LEVEL_BUDGETS:
        return LEVEL_BUDGETS[level.lower()]
    return SUFFIX_BUDGET if inbound.model.endswith(SUFFIX) and not asked else None


def strip(fields: Fields, format: str) -> None:
    """Without any wish to think, and without what only goes together with thinking."""
    for path in _FIELDS[format]:
        _delete(fields, path)
    if format == "anthropic_messages":
        drop_clearing(fields)


def drop_clearing(fields: Fields) -> None:
    """Claude refuses to clear thoughts from a conversation (`clear_thinking_…`) whose turn does not think."""
    management = json.field(fields, "context_management")
    edits = management.get("edits") if isinstance(management, dict) else None
    if not isinstance(edits, list):
        return
    rest = [edit for edit in edits if not (isinstance(edit, dict) and _clears_thoughts(edit))]
    if not rest:
        del fields["context_management"]
    elif len(rest) < len(edits):
        fields["context_management"] = {**management, "edits": rest}


def _clears_thoughts(edit: JSONDict) -> bool:
    return str(edit.get("type")).startswith("clear_thinking")


# ---- Nested fields ---------------------------------------------------------------------------------------------------


def _look(fields: Fields, path: str) -> Any:
    name, *inner = path.split(".")
    found = json.field(fields, name)
    for key in inner:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _delete(fields: Fields, path: str) -> None:
    """Objects that hold nothing else go too."""
    name, *inner = path.split(".")
    if not inner:
        fields.pop(name, None)
    elif _look(fields, path) is not None:
        rest = _pruned(json.field(fields, name), inner)
        if rest:
            fields[name] = rest
        else:
            del fields[name]


def _pruned(node: JSONDict, path: list[str]) -> JSONDict:
    name, *inner = path
    rest = {key: item for key, item in node.items() if key != name}
    if inner and (nested := _pruned(node[name], inner)):
        rest[name] = nested
    return rest


# ---- How much a request may think by its size ------------------------------------------------------------------------


def _adaptive(fields: Fields, format: str, effort: str) -> int:
    messages = _messages(fields)
    factor = 1.0
    if len(messages) > 10:
        factor += 0.5
    if _tool_count(fields, format) > 3:
        factor += 0.5
    if _last_said(messages) > 2000:
        factor += 0.3
    return min(math.ceil(EFFORT_BUDGETS.get(effort, DEFAULT_BUDGET) * factor), MAX_BUDGET)


def _messages(fields: Fields) -> list[Any]:
    name = next((name for name in ("messages", "input", "contents", "prompt") if name in fields), "")
    given = json.field(fields, name)
    return given if isinstance(given, list) else [] if given is None else [{"role": "user", "content": given}]


def _tool_count(fields: Fields, format: str) -> int:
    """Gemini declares its functions inside of one tool."""
    tools = json.field(fields, "tools")
    if isinstance(tools, dict):
        tools = [tools]
    if not isinstance(tools, list):
        return 0
    if format != "gemini":
        return len(tools)
    declared = [get(tool, "functionDeclarations") for tool in tools if isinstance(tool, dict)]
    return sum(len(each) if isinstance(each, list) else 1 for each in declared)


def _last_said(messages: list[Any]) -> int:
    """Characters of the user's last turn."""
    for message in reversed(messages):
        if isinstance(message, str):
            return len(message)
        if isinstance(message, dict) and message.get("role", "user") == "user":
            said = message.get("content", message.get("parts"))
            parts = said if isinstance(said, list) else [said]
            texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
            return sum(len(text) for text in texts if isinstance(text, str))
    return 0


# ---- Written in each format ------------------------------------------------------------------------------------------


def word_for(budget: int) -> str:
    """The effort that is nearest to a budget."""
    return next((word for limit, word in _WORDS if budget <= limit), "high")


def _read_kept(fields: Fields, format: str) -> JSONDict:
    """What the client said about showing thoughts, which a budget does not change."""
    thinking: Any
    if format == "anthropic_messages":
        thinking = json.field(fields, "thinking")
        return (
            {"display": thinking["display"]} if isinstance(thinking, dict) and "display" in thinking else {}
        )
    if format == "openai_responses":
        wish = json.field(fields, "reasoning")
        return {key: item for key, item in wish.items() if key != "effort"} if isinstance(wish, dict) else {}
    if format == "gemini":
        config = json.field(fields, spelled(fields, "generationConfig"))
        thinking = get(config, "thinkingConfig") if isinstance(config, dict) else None
        visible = get(thinking, "includeThoughts") if isinstance(thinking, dict) else None
        return {} if visible is None else {"includeThoughts": visible}
    return {}


def _write_chat(fields: Fields, budget: int, kept: JSONDict) -> None:
    fields["reasoning_effort"] = word_for(budget)


def _write_responses(fields: Fields, budget: int, kept: JSONDict) -> None:
    fields["reasoning"] = {"effort": word_for(budget), **kept}


def _write_claude(fields: Fields, budget: int, kept: JSONDict) -> None:
    if budget:
        fields["thinking"] = {"type": "enabled", "budget_tokens": budget, **kept}
    else:
        fields["thinking"] = {"type": "disabled"}


def _write_gemini(fields: Fields, budget: int, kept: JSONDict) -> None:
    """Gemini refuses to show thoughts where there are none."""
    name = spelled(fields, "generationConfig")
    config = json.field(fields, name)
    thinking = {"thinkingBudget": budget, **(kept if budget else {})}
    fields[name] = {**(config if isinstance(config, dict) else {}), "thinkingConfig": thinking}


_WRITE: dict[str, Callable[[Fields, int, JSONDict], None]] = {
    "openai_chat": _write_chat,
    "openai_completions": _write_chat,
    "ollama": _write_chat,
    "openai_responses": _write_responses,
    "anthropic_messages": _write_claude,
    "gemini": _write_gemini,
}
