"""What the thinking policy asks for, within what one attempt's model takes.

For requests that stay in the client's format: a translated one is fitted by the emitters, by the same rules
(`gateway.wire.reasoning`). A client's own wishes are not touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gateway.passage.base import Passage
from gateway.policies.thinking import drop_clearing, strip
from gateway.wire import ir, json, reasoning
from gateway.wire.anthropic_messages.settings import parse_reasoning
from gateway.wire.base import ModelProfile
from gateway.wire.gemini.fields import get, spelled
from gateway.wire.openai_responses.reasoning import least
from omniroute.types import Fields, JSONDict

_OPENAI = re.compile(r"(?:^|/)(?:o[1-9](?:-|$)|gpt-[5-9])")
_SAMPLING = ("temperature", "top_p", "top_k")


def fit(fields: Fields, way: Passage) -> None:
    """Change `fields`, the body of `way`, in place if a policy wrote its wish to think in the provider's format."""
    whose, format = way.inbound.thinking, way.provider.name
    if whose == "client" or format not in (way.client.name, way.client.provider_format):
        return
    if reasoning.style_of(way.profile) == "none":
        strip(fields, format)
    else:
        _FIT[format](fields, way.profile, whose == "added")


def _fit_chat(fields: Fields, profile: ModelProfile, added: bool) -> None:
    word = _word(json.field(fields, "reasoning_effort"), profile, added)
    if word is None:
        fields.pop("reasoning_effort", None)
    else:
        fields["reasoning_effort"] = word


def _fit_responses(fields: Fields, profile: ModelProfile, added: bool) -> None:
    wish = json.field(fields, "reasoning")
    rest = {key: item for key, item in wish.items() if key != "effort"} if isinstance(wish, dict) else {}
    word = _word(wish.get("effort") if isinstance(wish, dict) else None, profile, added)
    if word is not None:
        fields["reasoning"] = {"effort": word, **rest}
    elif rest and not added:
        fields["reasoning"] = rest
    else:
        fields.pop("reasoning", None)


def _word(word: Any, profile: ModelProfile, added: bool) -> str | None:
    """An unknown model gets an effort only where its client asks for one: most refuse it. OpenAI's own models do not
    all know `none`.
    """
    if not isinstance(word, str) or (added and not reasoning.style_of(profile)):
        return None
    if word == "none" and _OPENAI.search(profile.model.lower()):
        return least(profile.model)
    return word


def _fit_gemini(fields: Fields, profile: ModelProfile, added: bool) -> None:
    name = spelled(fields, "generationConfig")
    config = json.field(fields, name)
    thinking = get(config, "thinkingConfig") if isinstance(config, dict) else None
    if not isinstance(thinking, dict) or not reasoning.style_of(profile):
        return
    budget, visible = get(thinking, "thinkingBudget"), get(thinking, "includeThoughts")
    asked = ir.ReasoningRequest(enabled=bool(budget), budget=budget, visible=visible)
    fitted = reasoning.for_gemini(asked, profile) or {}
    if visible is None:
        fitted.pop("includeThoughts", None)  # this client does not expect thoughts among its parts
    fields[name] = {**config, "thinkingConfig": fitted}


# ---- Claude ----------------------------------------------------------------------------------------------------------


def _fit_claude(fields: Fields, profile: ModelProfile, added: bool) -> None:
    """1024 <= budget < max_tokens, or an effort for models without budgets; sampling as thinking allows it."""
    given = json.field(fields, "thinking")
    if not isinstance(given, dict) or given.get("type") == "disabled":
        drop_clearing(fields)
        return
    decided = reasoning.for_claude(parse_reasoning(given, None), profile, _situation(fields))
    if decided.thinking is None:
        strip(fields, "anthropic_messages")
    else:
        thinking = {key: item for key, item in decided.thinking.items() if key != "display"}
        fields["thinking"] = {**thinking, **({"display": given["display"]} if "display" in given else {})}
        _drop_sampling(fields)
    if decided.effort is not None:
        config = json.field(fields, "output_config")
        fields["output_config"] = {**(config if isinstance(config, dict) else {}), "effort": decided.effort}


def _situation(fields: Fields) -> reasoning.ClaudeSituation:
    choice, limit = json.field(fields, "tool_choice"), json.field(fields, "max_tokens")
    messages = json.field(fields, "messages")
    turns = [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    return reasoning.ClaudeSituation(
        max_tokens=limit if isinstance(limit, int) and not isinstance(limit, bool) else None,
        forced_tool=isinstance(choice, dict) and choice.get("type") in ("any", "tool"),
        prefill=bool(turns) and turns[-1].get("role") == "assistant",
        unproven_chain=_is_unproven_chain(turns),
    )


def _is_unproven_chain(turns: list[JSONDict]) -> bool:
    """Does the conversation go on after tool calls that do not begin with a thinking block?"""
    last = next((turn for turn in reversed(turns) if turn.get("role") == "assistant"), None)
    content = last.get("content") if last else None
    blocks = content if isinstance(content, list) else []
    kinds = [block.get("type") for block in blocks if isinstance(block, dict)]
    return "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")


def _drop_sampling(fields: Fields) -> None:
    for name in _SAMPLING:
        if name in fields and not (name == "temperature" and json.field(fields, name) == 1):
            del fields[name]


_FIT: dict[str, Callable[[Fields, ModelProfile, bool], None]] = {
    "openai_chat": _fit_chat,
    "openai_responses": _fit_responses,
    "anthropic_messages": _fit_claude,
    "gemini": _fit_gemini,
}
