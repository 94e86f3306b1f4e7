"""Finish reasons and log probabilities (docs/protocol-notes.md, Finish reasons)."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.gemini.fields import as_list, get
from omniroute.types import JSONDict

_REASONS: dict[str, ir.FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "pause",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
}
"""Everything else is a fault of the model: MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, OTHER, ..."""
_NUMBERS: dict[int, ir.FinishReason] = {
    1: "stop",
    2: "length",
    3: "content_filter",
    4: "content_filter",
    6: "content_filter",
    7: "content_filter",
    8: "content_filter",
}
"""As Vertex answers requests that ask for enums as numbers. From 6 on its numbers are not Google AI's."""
_WORDS: dict[ir.FinishReason, str] = {"length": "MAX_TOKENS", "content_filter": "SAFETY", "error": "OTHER"}


def parse_finish(reason: Any, has_calls: bool) -> ir.FinishReason | None:
    """None while the model has not stopped."""
    if isinstance(reason, int) and reason:
        found = _NUMBERS.get(reason, "error")
    elif isinstance(reason, str) and reason not in ("", "FINISH_REASON_UNSPECIFIED"):
        found = _REASONS.get(reason.upper(), "error")
    else:
        return None
    return "tool_calls" if found in ("stop", "error") and has_calls else found


def emit_finish(reason: ir.FinishReason) -> str:
    return _WORDS.get(reason, "STOP")


def parse_logprobs(raw: Any) -> JSONDict | None:
    """`logprobsResult` as OpenAI Chat's `logprobs`."""
    if not isinstance(raw, dict):
        return None
    tops = as_list(get(raw, "topCandidates"))
    content = []
    for number, chosen in enumerate(as_list(get(raw, "chosenCandidates"))):
        if not isinstance(chosen, dict):
            continue
        top = tops[number] if number < len(tops) and isinstance(tops[number], dict) else {}
        known = [item for item in as_list(top.get("candidates")) if isinstance(item, dict)]
        content.append({**_token(chosen), "top_logprobs": [_token(item) for item in known]})
    return {"content": content, "refusal": None} if content else None


def _token(item: JSONDict) -> JSONDict:
    token = str(item.get("token") or "")
    return {
        "token": token,
        "logprob": get(item, "logProbability") or 0.0,
        "bytes": list(token.encode("utf-8", "replace")),
    }


def emit_logprobs(logprobs: JSONDict | None) -> JSONDict | None:
    tokens = [item for item in as_list((logprobs or {}).get("content")) if isinstance(item, dict)]
    if not tokens:
        return None
    return {
        "chosenCandidates": [_candidate(item) for item in tokens],
        "topCandidates": [
            {
                "candidates": [
                    _candidate(top) for top in as_list(item.get("top_logprobs")) if isinstance(top, dict)
                ]
            }
            for item in tokens
        ],
    }


def _candidate(item: JSONDict) -> JSONDict:
    return {"token": item.get("token"), "logProbability": item.get("logprob")}
