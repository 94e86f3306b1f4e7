"""What a provider's raw answer says was used, read by hand: a second opinion, with nothing of the gateway's code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass
class Read:
    """`input` is the whole prompt, `output` all that was produced, reasoning included."""

    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0
    reasoning: int = 0
    cost: Decimal | None = None
    apart: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        return self.input, self.output, self.cached, self.written, self.reasoning


def usd(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def documents(response: dict[str, Any]) -> list[dict[str, Any]]:
    """The JSON objects of an answer: one, or those of a stream."""
    if isinstance(body := response.get("body"), dict):
        return [body]
    if isinstance(body, list):
        return body
    return list(_events(response["body_text"]))


def _events(text: str) -> Iterator[dict[str, Any]]:
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.startswith("data:") and (data := line[5:].strip()) != "[DONE]":
            yield json.loads(data)


def read(format: str, provider: str, found: list[dict[str, Any]]) -> Read | None:
    """None where the answer reports no usage."""
    return READERS[format](provider, found)


def _chat(provider: str, found: list[dict[str, Any]]) -> Read | None:
    usages = [each.get("usage") or each.get("x_groq", {}).get("usage") for each in found]
    usages = [usage for usage in usages if usage]
    if not usages:
        return None
    last = usages[-1]
    inside, made = last.get("prompt_tokens_details") or {}, last.get("completion_tokens_details") or {}
    answer = Read(
        input=last["prompt_tokens"],
        output=last.get("completion_tokens") or 0,
        cached=inside.get("cached_tokens") or last.get("prompt_cache_hit_tokens") or 0,
        written=inside.get("cache_write_tokens") or 0,
        reasoning=made.get("reasoning_tokens") or 0,
    )
    if provider == "xai" and last["total_tokens"] != answer.input + answer.output:
        answer.output += answer.reasoning
    if provider == "together":
        answer.reasoning = last.get("reasoning_tokens") or 0
    if provider == "perplexity":
        answer.reasoning = last.get("reasoning_tokens") or 0
        citations = last.get("citation_tokens") or 0
        answer.output += answer.reasoning + citations
        answer.apart |= {
            "output_citation_tokens": citations,
            "web_searches": last.get("num_search_queries") or 0,
        }
        answer.cost = usd((last.get("cost") or {}).get("total_cost") or None)
    if provider == "openrouter":
        answer.cost = usd(last.get("cost"))
        if last.get("is_byok"):
            answer.cost = (answer.cost or 0) + Decimal(str(last["cost_details"]["upstream_inference_cost"]))
    answer.apart["input_audio_tokens"] = inside.get("audio_tokens") or 0
    answer.apart["output_audio_tokens"] = made.get("audio_tokens") or 0
    return answer


def _responses(provider: str, found: list[dict[str, Any]]) -> Read | None:
    whole = [each.get("response", each) for each in found]
    ends = [each for each in whole if each.get("usage")]
    if not ends:
        return None
    usage = ends[-1]["usage"]
    ticks = usage.get("cost_in_usd_ticks")
    searches = [
        item
        for item in ends[-1]["output"]
        if item["type"] == "web_search_call"
        and (item.get("action") or {"type": "search"})["type"] == "search"
    ]
    return Read(
        input=usage["input_tokens"],
        output=usage["output_tokens"],
        cached=(usage.get("input_tokens_details") or {}).get("cached_tokens") or 0,
        written=(usage.get("input_tokens_details") or {}).get("cache_write_tokens") or 0,
        reasoning=(usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
        cost=ticks / Decimal(10**10) if ticks else usd(usage.get("cost")),
        apart={"web_searches": len(searches)},
    )


def _anthropic(provider: str, found: list[dict[str, Any]]) -> Read | None:
    told: dict[str, Any] = {}
    for each in found:
        usage = (each.get("message") or {}).get("usage") or each.get("usage")
        told |= {
            key: value for key, value in (usage or {}).items() if value not in (None, 0) or key not in told
        }
    if not told:
        return None
    read, written = told.get("cache_read_input_tokens") or 0, told.get("cache_creation_input_tokens") or 0
    return Read(
        input=told["input_tokens"] + read + written,
        output=told["output_tokens"],
        cached=read,
        written=written,
        reasoning=(told.get("output_tokens_details") or {}).get("thinking_tokens") or 0,
        apart={
            "cache_write_1h_tokens": (told.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0,
            "web_searches": (told.get("server_tool_use") or {}).get("web_search_requests") or 0,
        },
    )


def _gemini(provider: str, found: list[dict[str, Any]]) -> Read | None:
    usages = [each["usageMetadata"] for each in found if each.get("usageMetadata")]
    if not usages:
        return None
    last = usages[-1]
    thoughts = last.get("thoughtsTokenCount", 0)
    answer = Read(
        input=last.get("promptTokenCount", 0) + last.get("toolUsePromptTokenCount", 0),
        output=last.get("candidatesTokenCount", 0) + thoughts,
        cached=last.get("cachedContentTokenCount", 0),
        reasoning=thoughts,
    )
    for name, keys in _MODALITIES.items():
        modality = name.split("_")[1].upper()
        answer.apart[name] = sum(
            each.get("tokenCount", 0)
            for key in keys
            for each in last.get(key, [])
            if each["modality"] == modality or (modality == "IMAGE" and each["modality"] == "DOCUMENT")
        )
    return answer


_MODALITIES = {
    f"{prefix}_{modality}{suffix}_tokens": keys
    for modality in ("audio", "image", "video")
    for prefix, suffix, keys in (
        ("input", "", ("promptTokensDetails", "toolUsePromptTokensDetails")),
        ("cache", "_read", ("cacheTokensDetails",)),
        ("output", "", ("candidatesTokensDetails",)),
    )
}
READERS = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
