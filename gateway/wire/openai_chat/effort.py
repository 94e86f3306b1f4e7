"""How a chat request asks for thinking: every vendor has its own field (facts/api_key_providers.md §2)."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.openai_chat.content import Emission
from gateway.wire.openai_chat.keep import SHAPE
from omniroute.types import JSONDict

_TOGGLES = frozenset({"deepseek", "zai", "glm", "moonshot", "kimi", "kimi-coding"})
"""Providers that know on and off only: `thinking: {"type": ...}`."""
_THREE_LEVELS = {"minimal": "low", "xhigh": "high", "max": "high"}
_BY_PROVIDER = {
    "openai": {"max": "xhigh"},
    "azure": {"max": "xhigh"},
    "xai": {"minimal": "low", "medium": "high", "xhigh": "high", "max": "high"},
}
_THRESHOLDS = ((2048, "low"), (8192, "medium"))


def parse_reasoning(body: JSONDict) -> ir.ReasoningRequest | None:
    """`reasoning_effort` (OpenAI), `reasoning` (OpenRouter), `thinking` (DeepSeek, GLM, Kimi, litellm)."""
    effort, wish, thinking = body.get("reasoning_effort"), body.get("reasoning"), body.get("thinking")
    asked = ir.ReasoningRequest()
    if isinstance(wish, dict):
        asked.effort = _string(wish.get("effort"))
        asked.budget = _integer(wish.get("max_tokens"))
        asked.enabled = wish["enabled"] if isinstance(wish.get("enabled"), bool) else None
        asked.visible = not wish["exclude"] if isinstance(wish.get("exclude"), bool) else None
        asked.summary = _string(wish.get("summary"))
    if isinstance(thinking, dict):
        asked.enabled = {"enabled": True, "adaptive": True, "disabled": False}.get(str(thinking.get("type")))
        asked.budget = _integer(thinking.get("budget_tokens"))
    if isinstance(effort, str):
        asked.effort = effort
    if asked.effort is not None and asked.enabled is None:
        asked.enabled = asked.effort != "none"
    if asked == ir.ReasoningRequest():
        return None
    asked.extra[SHAPE] = "own"
    return asked


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def emit_reasoning(asked: ir.ReasoningRequest | None, emission: Emission) -> JSONDict:
    """A native body keeps its own fields at the top level; a model that is not known to think is not asked to."""
    if asked is None or emission.native:
        return {}
    profile = emission.profile
    if profile.reasoning in ("", "none"):
        if asked.enabled is not False and asked.effort != "none":
            emission.drop("reasoning")
        return {}
    if profile.provider == "openrouter":
        return _for_openrouter(asked)
    if profile.provider in _TOGGLES:
        return {"thinking": {"type": "disabled" if is_off(asked) else "enabled"}}
    effort = effort_for(asked, profile.provider)
    return {"reasoning_effort": effort} if effort else {}


def is_off(asked: ir.ReasoningRequest) -> bool:
    return asked.enabled is False or asked.effort == "none" or asked.budget == 0


def effort_for(asked: ir.ReasoningRequest, provider: str) -> str | None:
    """None: leave it to the model. A budget never asks for more than `high`, which every model knows."""
    if asked.effort is not None:
        return _BY_PROVIDER.get(provider, _THREE_LEVELS).get(asked.effort, asked.effort)
    if asked.enabled is False:
        return None
    if asked.budget is not None and asked.budget > 0:
        effort = next((name for limit, name in _THRESHOLDS if asked.budget <= limit), "high")
        return _BY_PROVIDER.get(provider, _THREE_LEVELS).get(effort, effort)
    return "medium" if asked.enabled else None


def _for_openrouter(asked: ir.ReasoningRequest) -> JSONDict:
    wish: JSONDict = {}
    if is_off(asked):
        wish["enabled"] = False
    elif asked.effort is not None:
        wish["effort"] = "xhigh" if asked.effort == "max" else asked.effort
    elif asked.budget is not None and asked.budget > 0:
        wish["max_tokens"] = asked.budget
    elif asked.enabled:
        wish["enabled"] = True
    if asked.visible is False:
        wish["exclude"] = True
    return {"reasoning": wish} if wish else {}
