"""How a chat request asks for thinking: every vendor has its own field (docs/protocol-notes.md, Parameters)."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.openai_chat.emission import Emission
from gateway.wire.openai_chat.keep import SHAPE
from gateway.wire.reasoning import effort_of, style_of
from omniroute.types import JSONDict

TOGGLES = frozenset({"deepseek", "glm", "kimi", "kimi-coding"})
"""Providers that know on and off only: `thinking: {"type": ...}`."""
_THREE_LEVELS = {"minimal": "low", "xhigh": "high", "max": "high"}
BY_PROVIDER = {
    "openai": {"max": "xhigh"},
    "xai": {"minimal": "low", "medium": "high", "xhigh": "high", "max": "high"},
}


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
    """Only of a model that is known to think. A native body keeps its own fields at the top level."""
    if asked is None or emission.native:
        return {}
    profile = emission.profile
    style = style_of(profile)
    if style in ("", "none"):
        if effort_of(asked) not in (None, "none"):
            emission.drop("reasoning")
        return {}
    if profile.provider == "openrouter":
        return _for_openrouter(asked)
    if profile.provider in TOGGLES:
        return {"thinking": {"type": "disabled" if effort_of(asked) == "none" else "enabled"}}
    effort = _effort_for(asked, profile.provider)
    return {"reasoning_effort": effort} if effort else {}


def _effort_for(asked: ir.ReasoningRequest, provider: str) -> str | None:
    """None: leave it to the model. `none` and `xhigh` are for clients that know a model which takes them."""
    effort = effort_of(asked)
    if effort is None or (effort == "none" and asked.effort is None):
        return None
    if asked.effort is None and effort == "xhigh":
        effort = "high"
    return BY_PROVIDER.get(provider, _THREE_LEVELS).get(effort, effort)


def _for_openrouter(asked: ir.ReasoningRequest) -> JSONDict:
    wish: JSONDict = {}
    if effort_of(asked) == "none":
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
