"""How much a model shall think: effort words, token budgets and levels, and which of them a model takes.

Sources: the vendors' documentation (docs/protocol-notes.md, Thinking). Pure functions of a
`ReasoningRequest` and a `ModelProfile`; the emitters put the result into their format's fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from omniroute.types import JSONDict

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""From least to most."""
BUDGETS: dict[str, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 65536,
}
"""Tokens of thinking for an effort, before any model's own limits."""
_UP_TO: tuple[tuple[int, str], ...] = ((0, "none"), (2048, "low"), (8192, "medium"), (24576, "high"))
CLAUDE_MIN_BUDGET = 1024
CLAUDE_DEFAULT_MAX_TOKENS = 8192
_SHORT = 1024
"""Tokens of an answer below which Gemini's own dynamic thinking would take them all."""
_ANSWER_ROOM = 4096  # tokens left for the answer where max_tokens must be raised above a budget

_CLAUDE = re.compile(r"claude-(?:[a-z]+-)*(\d+)(?:[-.](\d{1,2}))?(?!\d)")
_NAMES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"gemini-[3-9](?!.*(?:image|tts|audio))"), "level"),
    (re.compile(r"gemini-2\.5(?!.*(?:image|tts|audio))"), "budget"),
    (re.compile(r"gemini-(?:1|2\.0)"), "none"),
    (re.compile(r"gpt-(?:[5-9]|oss)(?!.*-chat)"), "effort"),
    (re.compile(r"(?:^|/)o[1-9](?:-|$)"), "effort"),
    (re.compile(r"gpt-[34]|chatgpt-"), "none"),
)


def style_of(profile: ModelProfile) -> str:
    """`profile.reasoning`, or where that is "", what the names of the large vendors' models tell; else ""."""
    if profile.reasoning:
        return profile.reasoning
    name = profile.model.lower()
    version = claude_version(name)
    if version:
        return "adaptive" if version >= (4, 6) else "budget" if version >= (3, 7) else "none"
    return next((style for pattern, style in _NAMES if pattern.search(name)), "")


def claude_version(model: str) -> tuple[int, int] | None:
    """(major, minor) of a Claude model by its name, or None for any other model."""
    found = _CLAUDE.search(model.lower())
    return (int(found[1]), int(found[2] or 0)) if found else None


def effort_of(r: ir.ReasoningRequest) -> str | None:
    """The effort that the client asked for, one of `EFFORTS`; a budget is put into the nearest word.

    None: the client leaves it to the model.
    """
    if r.enabled is False:
        return "none"
    if r.effort in EFFORTS:
        return r.effort
    if r.budget is not None and r.budget >= 0:
        return next((effort for limit, effort in _UP_TO if r.budget <= limit), "xhigh")
    return "medium" if r.enabled and r.budget is None else None


def budget_of(r: ir.ReasoningRequest) -> int | None:
    """Tokens of thinking that the client asked for, 0 for none at all; an effort is put into tokens.

    None: the client leaves it to the model.
    """
    if r.enabled is False:
        return 0
    if r.budget is not None:
        return r.budget if r.budget >= 0 else None
    effort = effort_of(r)
    return BUDGETS[effort] if effort is not None else None


def is_asked(r: ir.ReasoningRequest) -> bool:
    """Whether the client expressly wants thinking, which then goes before sampling fields that forbid it."""
    return effort_of(r) not in (None, "none") or r.budget == -1


# ---- OpenAI ------------------------------------------------------------------------------------------------


def for_openai(r: ir.ReasoningRequest | None, profile: ModelProfile) -> str | None:
    """`reasoning_effort` (Chat) or `reasoning.effort` (Responses); None: leave it out.

    Only for models that are known to take it: the others refuse the whole request.
    """
    if r is None or style_of(profile) != "effort":
        return None
    effort = effort_of(r)
    return "xhigh" if effort == "max" else effort


# ---- Gemini ------------------------------------------------------------------------------------------------


def for_gemini(
    r: ir.ReasoningRequest | None, profile: ModelProfile, limit: int | None = None
) -> JSONDict | None:
    """`generationConfig.thinkingConfig`, or None to leave it out. Never both a budget and a level.

    Gemini 2.5: `thinkingBudget` within the model's range, left out for a budget of -1 (dynamic). Gemini 3:
    `thinkingLevel`. Models that do not think refuse the object, so an unknown model gets none.

    `limit`: the client's `maxOutputTokens`, into which thoughts count. A budget leaves half of it for the answer, and a
    short answer is given with as little thinking as can be, asked for or not: else it would be nothing but thoughts.
    """
    style, model = style_of(profile), profile.model.lower()
    short = limit is not None and limit < _SHORT
    if style not in ("budget", "level") or (r is None and not short):
        return None
    r = r or ir.ReasoningRequest(enabled=False)
    config: JSONDict = {}
    if style == "level":
        effort = effort_of(r)
        if effort is not None:
            config["thinkingLevel"] = _gemini_level(effort, model)
    else:
        budget = 0 if short else budget_of(r)
        if budget is not None:
            config["thinkingBudget"] = _gemini_budget(min(budget, (limit or budget * 2) // 2), model)
    if config.get("thinkingBudget") == 0:
        return config  # to show thoughts as well would be refused
    if r.visible is not None:
        config["includeThoughts"] = r.visible
    elif is_asked(r):
        config["includeThoughts"] = True
    return config or None


def _gemini_budget(budget: int, model: str) -> int:
    if "pro" in model:
        return min(max(budget, 128), 32768)
    if "lite" in model:
        return min(max(budget, 512), 24576) if budget else 0
    return min(budget, 24576)


def _gemini_level(effort: str, model: str) -> str:
    """The 3 Pro preview knows low and high only; 3.1 Pro adds medium, the Flash models minimal too."""
    if effort in ("none", "minimal"):
        return "low" if "pro" in model else "minimal"
    if effort == "medium" and "gemini-3-pro" in model:
        return "high"
    return effort if effort in ("low", "medium") else "high"


# ---- Claude ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeSituation:
    """What of a request decides whether Claude may think in it."""

    max_tokens: int | None = None
    """What the client asked for."""
    temperature: float | None = None
    forced_tool: bool = False
    """The tool choice is `any` or one tool."""
    prefill: bool = False
    """The last turn is the assistant's."""
    unproven_chain: bool = False
    """The last assistant turn calls tools and does not begin with a signed thinking block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeThinking:
    """The body's `thinking` and `output_config.effort`, None where left out, and the `max_tokens` to fit."""

    thinking: JSONDict | None
    effort: str | None
    max_tokens: int

    @property
    def active(self) -> bool:
        """With thinking on there is no temperature but 1, no top_k, and no top_p below 0.95."""
        return self.thinking is not None and self.thinking["type"] != "disabled"


def for_claude(
    r: ir.ReasoningRequest | None, profile: ModelProfile, situation: ClaudeSituation
) -> ClaudeThinking:
    """Thinking within Claude's constraints: 1024 <= budget < max_tokens, no forced tool, no prefill.

    A forced tool and a prefill are what the client needs to work, so they win over thinking. A max_tokens
    that the client set is never raised: the budget goes below it, or thinking goes. Models of style
    `adaptive` get an effort instead of a budget. An unknown model of an Anthropic endpoint gets a budget,
    which all clones read.
    """
    limit = profile.max_output_tokens
    max_tokens = situation.max_tokens
    style = style_of(profile)
    if r is None or style == "none":
        return _without(max_tokens, limit)
    if style == "adaptive":
        return _adaptive(r, situation, _without(max_tokens, limit))
    return _budgeted(r, situation, max_tokens, limit)


def _without(max_tokens: int | None, limit: int | None) -> ClaudeThinking:
    wanted = max_tokens if max_tokens is not None else limit or CLAUDE_DEFAULT_MAX_TOKENS
    return ClaudeThinking(thinking=None, effort=None, max_tokens=wanted)


def _adaptive(r: ir.ReasoningRequest, situation: ClaudeSituation, plain: ClaudeThinking) -> ClaudeThinking:
    effort = effort_of(r)
    word = {"none": None, "minimal": "low"}.get(effort or "", effort)
    if effort == "none":
        return ClaudeThinking(thinking={"type": "disabled"}, effort=None, max_tokens=plain.max_tokens)
    if situation.forced_tool or situation.prefill or not _wants_thoughts(r, situation):
        return ClaudeThinking(thinking=None, effort=word, max_tokens=plain.max_tokens)
    thinking: JSONDict = {"type": "adaptive", "display": "omitted" if r.visible is False else "summarized"}
    return ClaudeThinking(thinking=thinking, effort=word, max_tokens=plain.max_tokens)


def _budgeted(
    r: ir.ReasoningRequest, situation: ClaudeSituation, max_tokens: int | None, limit: int | None
) -> ClaudeThinking:
    budget = budget_of(r)
    if budget is None:
        budget = BUDGETS["medium"]
    blocked = situation.forced_tool or situation.prefill or situation.unproven_chain
    if budget == 0 or blocked or not _wants_thoughts(r, situation):
        return _without(max_tokens, limit)
    budget = max(budget, CLAUDE_MIN_BUDGET)
    if max_tokens is None:
        max_tokens = limit or max(CLAUDE_DEFAULT_MAX_TOKENS, budget + _ANSWER_ROOM)
    budget = min(budget, max_tokens - 1)
    if budget < CLAUDE_MIN_BUDGET:
        return _without(max_tokens, limit)
    return ClaudeThinking(
        thinking={"type": "enabled", "budget_tokens": budget}, effort=None, max_tokens=max_tokens
    )


def _wants_thoughts(r: ir.ReasoningRequest, situation: ClaudeSituation) -> bool:
    """A client that only likes to see thoughts, if there are any, keeps its temperature."""
    if is_asked(r):
        return True
    return r.visible is not False and situation.temperature in (None, 1)
