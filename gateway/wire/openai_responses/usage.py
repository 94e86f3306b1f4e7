"""`usage` of this format (docs/protocol-notes.md, Usage)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from gateway.wire import ir, priced, tokens
from omniroute.types import JSONDict, Usage

_CHARACTERS_PER_TOKEN = 4
_USD_PER_TICK = Decimal("1e-10")
"""xAI's `cost_in_usd_ticks`."""


class _Input(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Output(msgspec.Struct):
    reasoning_tokens: int | None = None


class UsageBody(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Input | None = None
    output_tokens_details: _Output | None = None
    cost: float | None = None  # OpenRouter: USD
    cost_in_usd_ticks: int | None = None

    def to_usage(self, service_tier: Any = None, web_searches: int = 0) -> Usage:
        read, produced = self.input_tokens_details, self.output_tokens_details
        return Usage(
            input_tokens=self.input_tokens or 0,
            output_tokens=self.output_tokens or 0,
            cache_read_tokens=(read and read.cached_tokens) or 0,
            cache_write_tokens=(read and read.cache_write_tokens) or 0,
            reasoning_tokens=(produced and produced.reasoning_tokens) or 0,
            cost=self._reported_cost(),
            priced_apart=priced.apart(web_searches=web_searches),
            service_tier=priced.tier(service_tier),
        )

    def _reported_cost(self) -> Decimal | None:
        if self.cost is not None:
            return Decimal(str(self.cost))
        return self.cost_in_usd_ticks * _USD_PER_TICK if self.cost_in_usd_ticks else None


def usage_in(response: JSONDict) -> Usage | None:
    """Of a whole response, with what is priced apart."""
    return parse_usage(
        response.get("usage"), response.get("service_tier"), priced.searches(response.get("output"))
    )


def parse_usage(value: object, service_tier: Any = None, web_searches: int = 0) -> Usage | None:
    """None for an answer that reports no usage, or one that nobody can read."""
    if not isinstance(value, dict) or not value:
        return None
    try:
        body = msgspec.convert(value, UsageBody, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
    return body.to_usage(service_tier, web_searches)


def estimate_usage(request: ir.Request, output: list[JSONDict]) -> Usage:
    """For a provider that reports none: clients of this format cannot do without."""
    said = sum(_length(item) for item in output)
    return Usage(tokens.estimate(request), round(said / _CHARACTERS_PER_TOKEN), estimated=True)


def _length(item: JSONDict) -> int:
    texts = [item.get("arguments"), item.get("input")]
    listed = [value for value in (item.get("content"), item.get("summary")) if isinstance(value, list)]
    for part in [part for value in listed for part in value]:
        texts += [part.get("text"), part.get("refusal")] if isinstance(part, dict) else []
    return sum(len(text) for text in texts if isinstance(text, str))


def usage_object(usage: Usage | None, kept: Any) -> JSONDict | None:
    """The provider's own object as long as it says the same."""
    if usage is not None and isinstance(kept, dict):
        usage = replace(usage, priced_apart=(), service_tier="")
    if isinstance(kept, dict) and parse_usage(kept) == usage:
        return kept
    return None if usage is None else emit_usage(usage)


def emit_usage(usage: Usage) -> JSONDict:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
