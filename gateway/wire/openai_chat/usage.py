"""Token counts of Chat Completions, as vendors spell them (docs/protocol-notes.md, Usage)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from gateway.wire import priced
from omniroute.types import JSONDict, Usage

_USD_PER_TICK = Decimal("1e-10")
"""xAI's `cost_in_usd_ticks`."""


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class UsageBody(msgspec.Struct):
    """`usage` and what vendors add to it (docs/protocol-notes.md, Usage)."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek
    cached_tokens: int | None = None  # Moonshot
    cost: float | dict[str, Any] | None = None  # OpenRouter: USD; Perplexity: an object
    is_byok: Any = None
    cost_details: Any = None
    cost_in_usd_ticks: int | None = None  # xAI
    reasoning_tokens: int | None = None  # Perplexity: these three beside completion_tokens
    citation_tokens: int | None = None
    num_search_queries: int | None = None
    service_tier: Any = None  # Mistral

    def to_usage(self, service_tier: Any = None) -> Usage:
        prompt = self.prompt_tokens or 0
        details, produced = self.prompt_tokens_details, self.completion_tokens_details
        cached = (
            (details and details.cached_tokens) or self.prompt_cache_hit_tokens or self.cached_tokens or 0
        )
        output, reasoning = self._produced(prompt)
        return Usage(
            input_tokens=prompt,
            output_tokens=output,
            cache_read_tokens=cached,
            cache_write_tokens=(details and details.cache_write_tokens) or 0,
            reasoning_tokens=reasoning,
            cost=self._reported_cost(),
            priced_apart=priced.apart(
                input_audio_tokens=details.audio_tokens if details else 0,
                output_audio_tokens=produced.audio_tokens if produced else 0,
                output_citation_tokens=self.citation_tokens,
                web_searches=self.num_search_queries,
            ),
            service_tier=priced.tier(service_tier or self.service_tier),
        )

    def _produced(self, prompt: int) -> tuple[int, int]:
        """(all output tokens, those that reason). xAI counts reasoning, and Perplexity also citations, beside
        `completion_tokens`; everybody else inside of it, and so does Together, which spells it as Perplexity does."""
        completion, details = self.completion_tokens or 0, self.completion_tokens_details
        reasoning = (details and details.reasoning_tokens) or 0
        if not reasoning and (self.reasoning_tokens or self.citation_tokens):
            reasoning = self.reasoning_tokens or 0
            is_perplexity = self.citation_tokens is not None or self.num_search_queries is not None
            if is_perplexity or reasoning > completion:
                completion += reasoning + (self.citation_tokens or 0)
            return completion, reasoning
        if reasoning and self.total_tokens == prompt + completion + reasoning:
            completion += reasoning
        return completion, reasoning

    def _reported_cost(self) -> Decimal | None:
        if self.cost_in_usd_ticks:  # 0 from Azure's Grok, which is not free
            return self.cost_in_usd_ticks * _USD_PER_TICK
        if isinstance(self.cost, dict):
            # Perplexity adds it up at the end of a stream: until then it says 0.
            return _usd(self.cost.get("total_cost")) or None
        cost = _usd(self.cost)
        if cost is not None and self.is_byok is True and isinstance(self.cost_details, dict):
            # OpenRouter over the customer's own key: `cost` is its fee, the vendor bills the rest.
            cost += _usd(self.cost_details.get("upstream_inference_cost")) or 0
        return cost


def _usd(value: Any) -> Decimal | None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6
    return Decimal(str(value)) if number else None


_COUNTS = (
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens", "cached_tokens",
    "reasoning_tokens", "citation_tokens", "num_search_queries", "cost_in_usd_ticks",
)  # fmt: skip


def parse_usage(value: Any, service_tier: Any = None) -> Usage | None:
    if not isinstance(value, dict) or not value:
        return None
    try:
        body = msgspec.convert(value, UsageBody)
    except (msgspec.ValidationError, UnicodeEncodeError):
        body = _convert_loosely(value)
    if body.prompt_tokens is None and body.completion_tokens is None:
        return None
    return body.to_usage(service_tier)


def _convert_loosely(value: JSONDict) -> UsageBody:
    """Counts of a wrong type are left out, the rest is taken."""
    known: JSONDict = {name: _count(value.get(name)) for name in _COUNTS}
    known |= {name: value.get(name) for name in ("is_byok", "cost_details", "service_tier")}
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        details = value.get(name)
        if isinstance(details, dict):
            known[name] = {key: _count(count) for key, count in details.items()}
    if isinstance(value.get("cost"), int | float | dict) and not isinstance(value["cost"], bool):
        known["cost"] = value["cost"]
    return msgspec.convert(known, UsageBody)


def _count(value: Any) -> int | None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1 << 53
    return int(value) if number else None


def usage_in(body: JSONDict) -> Usage | None:
    """Of a whole reply or of a chunk; Groq's streams have it in `x_groq`."""
    usage = parse_usage(body.get("usage"), body.get("service_tier"))
    groq = body.get("x_groq")
    return usage if usage is not None or not isinstance(groq, dict) else parse_usage(groq.get("usage"))


def emit_usage(usage: Usage) -> JSONDict:
    prompt_details = {"cached_tokens": usage.cache_read_tokens, "audio_tokens": 0}
    if usage.cache_write_tokens:
        prompt_details["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
