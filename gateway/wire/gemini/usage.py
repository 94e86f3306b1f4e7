"""`usageMetadata`, which counts thoughts beside the candidates and tool prompts beside the prompt."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.wire.gemini.fields import get
from omniroute.types import JSONDict, Usage


class UsageBody(msgspec.Struct, rename="camel"):
    """facts/translators.md §2.3."""

    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None

    def to_usage(self) -> Usage:
        thoughts = self.thoughts_token_count or 0
        return Usage(
            input_tokens=(self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            output_tokens=(self.candidates_token_count or 0) + thoughts,
            cache_read_tokens=self.cached_content_token_count or 0,
            reasoning_tokens=thoughts,
        )


def parse_usage(raw: Any) -> Usage | None:
    """None where nothing is counted."""
    if not isinstance(raw, dict):
        return None

    def count(key: str) -> int:
        value = get(raw, key)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    thoughts = count("thoughtsTokenCount")
    usage = Usage(
        input_tokens=count("promptTokenCount") + count("toolUsePromptTokenCount"),
        output_tokens=count("candidatesTokenCount") + thoughts,
        cache_read_tokens=count("cachedContentTokenCount"),
        reasoning_tokens=thoughts,
    )
    return None if usage == Usage() else usage


def emit_usage(usage: Usage) -> JSONDict:
    body: JSONDict = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": max(0, usage.output_tokens - usage.reasoning_tokens),
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if usage.reasoning_tokens:
        body["thoughtsTokenCount"] = usage.reasoning_tokens
    if usage.cache_read_tokens:
        body["cachedContentTokenCount"] = usage.cache_read_tokens
    return body
