"""`usageMetadata`, which counts thoughts beside the candidates and tool prompts beside the prompt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.wire import json, priced
from gateway.wire.gemini.fields import get
from omniroute.types import JSONDict, Usage


class _Modality(msgspec.Struct, rename="camel"):
    modality: str | None = None
    token_count: int | None = None


class UsageBody(msgspec.Struct, rename="camel"):
    """docs/protocol-notes.md, Usage."""

    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    prompt_tokens_details: list[_Modality] | None = None
    tool_use_prompt_tokens_details: list[_Modality] | None = None
    cache_tokens_details: list[_Modality] | None = None
    candidates_tokens_details: list[_Modality] | None = None
    service_tier: Any = None

    def to_usage(self) -> Usage:
        thoughts = self.thoughts_token_count or 0
        prompt = [*(self.prompt_tokens_details or ()), *(self.tool_use_prompt_tokens_details or ())]
        cached, made = self.cache_tokens_details or (), self.candidates_tokens_details or ()
        return Usage(
            input_tokens=(self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            output_tokens=(self.candidates_token_count or 0) + thoughts,
            cache_read_tokens=self.cached_content_token_count or 0,
            reasoning_tokens=thoughts,
            priced_apart=priced.apart(
                input_audio_tokens=_of(prompt, "AUDIO"),
                input_image_tokens=_of(prompt, "IMAGE", "DOCUMENT"),
                input_video_tokens=_of(prompt, "VIDEO"),
                cache_audio_read_tokens=_of(cached, "AUDIO"),
                cache_image_read_tokens=_of(cached, "IMAGE", "DOCUMENT"),
                cache_video_read_tokens=_of(cached, "VIDEO"),
                output_audio_tokens=_of(made, "AUDIO"),
                output_image_tokens=_of(made, "IMAGE", "DOCUMENT"),
                output_video_tokens=_of(made, "VIDEO"),
            ),
            service_tier=priced.tier(self.service_tier),
        )


def _of(details: Iterable[_Modality], *modalities: str) -> int:
    return sum(each.token_count or 0 for each in details if each.modality in modalities)


_COUNTS = (
    "promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "cachedContentTokenCount",
    "toolUsePromptTokenCount",
)  # fmt: skip
_DETAILS = (
    "promptTokensDetails", "toolUsePromptTokensDetails", "cacheTokensDetails", "candidatesTokensDetails",
)  # fmt: skip


def parse_usage(raw: Any) -> Usage | None:
    """None where nothing is counted. Counts of a wrong type are left out, the rest is taken."""
    if not isinstance(raw, dict):
        return None
    body: JSONDict = {key: _count(get(raw, key)) for key in _COUNTS}
    for key in _DETAILS:
        details = get(raw, key)
        if isinstance(details, list):
            body[key] = [
                {"modality": str(each.get("modality")), "tokenCount": _count(get(each, "tokenCount"))}
                for each in details
                if isinstance(each, dict)
            ]
    body["serviceTier"] = get(raw, "serviceTier")
    usage = msgspec.convert(body, UsageBody).to_usage()
    return None if usage == Usage() else usage


def _count(value: Any) -> int:
    return json.integer(value) or 0


def emit_usage(usage: Usage) -> JSONDict:
    thoughts = min(usage.reasoning_tokens, usage.output_tokens)
    body: JSONDict = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.output_tokens - thoughts,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if thoughts:
        body["thoughtsTokenCount"] = thoughts
    if usage.cache_read_tokens:
        body["cachedContentTokenCount"] = usage.cache_read_tokens
    return body
