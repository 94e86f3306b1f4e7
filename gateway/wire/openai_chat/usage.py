"""Token counts of Chat Completions, as vendors spell them (facts/translators.md §2.3)."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.wire.openai_chat.tap import UsageBody
from omniroute.types import JSONDict, Usage

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens", "cached_tokens")


def parse_usage(value: Any) -> Usage | None:
    if not isinstance(value, dict) or not value:
        return None
    try:
        body = msgspec.convert(value, UsageBody)
    except msgspec.ValidationError:
        body = _convert_loosely(value)
    if body.prompt_tokens is None and body.completion_tokens is None:
        return None
    return body.to_usage()


def _convert_loosely(value: JSONDict) -> UsageBody:
    """Counts of a wrong type are left out, the rest is taken."""
    known: JSONDict = {name: _count(value.get(name)) for name in _COUNTS}
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        details = value.get(name)
        if isinstance(details, dict):
            known[name] = {key: _count(count) for key, count in details.items()}
    if isinstance(value.get("cost"), int | float):
        known["cost"] = value["cost"]
    return msgspec.convert(known, UsageBody)


def _count(value: Any) -> int | None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1 << 53
    return int(value) if number else None


def usage_in(body: JSONDict) -> Usage | None:
    """Of a whole reply or of a chunk; Groq's streams have it in `x_groq`."""
    usage = parse_usage(body.get("usage"))
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
