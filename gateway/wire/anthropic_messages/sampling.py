"""Thinking, max_tokens and the sampling fields, which depend on one another."""

from __future__ import annotations

from gateway.wire import ir, reasoning
from gateway.wire.base import ModelProfile
from omniroute.types import JSONDict


def emit_thinking(request: ir.Request, profile: ModelProfile, body: JSONDict) -> None:
    """Complete a body that has its messages, tools and tool choice."""
    messages = body["messages"]
    choice = body.get("tool_choice", {})
    decided = reasoning.for_claude(
        request.reasoning,
        profile,
        reasoning.ClaudeSituation(
            max_tokens=request.max_output_tokens,
            temperature=request.temperature,
            forced_tool=choice.get("type") in ("any", "tool"),
            prefill=bool(messages) and messages[-1]["role"] == "assistant",
            unproven_chain=_is_unproven_chain(messages),
        ),
    )
    body["max_tokens"] = decided.max_tokens
    if decided.thinking is not None:
        body["thinking"] = decided.thinking
    if decided.effort is not None:
        body.setdefault("output_config", {})["effort"] = decided.effort
    _emit_sampling(request, profile, decided.active, body)


def _is_unproven_chain(messages: list[JSONDict]) -> bool:
    """Does the conversation go on after tool calls that do not begin with a signed thinking block?"""
    last = next((message for message in reversed(messages) if message["role"] == "assistant"), None)
    if last is None or isinstance(last["content"], str):
        return False
    kinds = [block["type"] for block in last["content"]]
    return "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")


def _emit_sampling(request: ir.Request, profile: ModelProfile, thinks: bool, body: JSONDict) -> None:
    """Within 0 and 1; not both temperature and top_p, which Claude 4.1 and newer refuse; none from 4.7 on."""
    version = reasoning.claude_version(profile.model) or (0, 0)
    sampling = {
        "temperature": None if request.temperature is None else min(max(request.temperature, 0), 1),
        "top_p": request.top_p,
        "top_k": request.top_k,
    }
    fixed = thinks or version >= (4, 7)
    for key, value in sampling.items():
        if value is None:
            continue
        if (fixed and not (key == "temperature" and value == 1)) or (
            key == "top_p" and "temperature" in body
        ):
            request.dropped.append(key)
        else:
            body[key] = value
