"""Request-wide policies: what the administrator adds to every request, whatever its format and target.

A pure transform of the client's request, applied once, before it is routed. So it holds for requests that go on as
bytes and for translated ones alike. Only what a policy touches is decoded; with no policy set nothing is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from gateway.policies import thinking
from gateway.policies.thinking import ThinkingPolicy
from gateway.wire import json
from gateway.wire.gemini.fields import spelled
from gateway.wire.openai_chat.completions import SYSTEM
from omniroute.types import Fields, InboundRequest

SKIP = "_skipSystemPrompt"
"""Body flag of OmniRoute's clients: true leaves the system prompt away for this request."""
SEPARATOR = "\n\n"
"""Between the client's own instructions and the administrator's."""
_SYSTEM_ROLES = ("system", "developer")
_SYSTEM_MARKS = (b'"system"', b'"developer"')


@dataclass(frozen=True, slots=True)
class Policies:
    """`system_prompt` is appended to the client's own; "" is none."""

    system_prompt: str = ""
    thinking: ThinkingPolicy = field(default_factory=ThinkingPolicy)

    @property
    def active(self) -> bool:
        return bool(self.system_prompt) or self.thinking.active


def apply(inbound: InboundRequest, policies: Policies) -> InboundRequest:
    """The request as the policies want it; the same object where they change nothing.

    Top-level fields that begin with an underscore are the gateway's own and go no further (strict providers refuse
    the whole request for them). Counting tokens is left alone otherwise. Raise `InvalidRequest` where a field that
    a policy has to read is no JSON.
    """
    internal = [name for name in inbound.fields if name.startswith("_")]
    if not internal and not policies.active and not thinking.is_wanted(inbound):
        return inbound
    fields: Fields = {name: value for name, value in inbound.fields.items() if name not in internal}
    whose = inbound.thinking
    if inbound.operation == "generate":
        if policies.system_prompt and not json.field(dict(inbound.fields), SKIP):
            _INJECT[inbound.format](fields, policies.system_prompt)
        whose = thinking.rewrite(fields, inbound, policies.thinking)
    return replace(inbound, fields={name: _raw(value) for name, value in fields.items()}, thinking=whose)


def _raw(value: Any) -> msgspec.Raw:
    return value if isinstance(value, msgspec.Raw) else msgspec.Raw(json.dumps(value))


# ---- System prompt, by format ----------------------------------------------------------------------------------------
# Appended, never put in front: a provider's cache of the client's prefix stays valid. What has an unexpected shape is
# left alone, and for the provider to judge.


def _into_messages(fields: Fields, prompt: str) -> None:
    """At the end of the leading instructions, else of the first ones, else as a first message of its own."""
    messages = json.items(fields.get("messages"))
    if messages is None:
        return
    place = _instructions(messages)
    if place is None:
        fields["messages"] = [{"role": "system", "content": prompt}, *messages]
        return
    message = json.value(messages[place])
    extended = _extended(message.get("content"), prompt, {"type": "text", "text": prompt})
    if extended is not None:
        messages[place] = {**message, "content": extended}
        fields["messages"] = messages


def _instructions(messages: list[Any]) -> int | None:
    """The index of the message that the prompt belongs into. It stays the same while the conversation grows."""
    found = None
    for index, raw in enumerate(messages):
        if _has_system_role(raw):
            found = index
        elif found is not None:
            break
    return found


def _has_system_role(raw: Any) -> bool:
    if isinstance(raw, msgspec.Raw) and not any(mark in bytes(raw) for mark in _SYSTEM_MARKS):
        return False
    message = json.value(raw)
    return isinstance(message, dict) and message.get("role") in _SYSTEM_ROLES


def _extended(content: Any, prompt: str, block: Any) -> Any:
    """A string or an array of blocks with the prompt at its end; None for anything else."""
    if content is None or content == "" or content == []:
        return prompt
    if isinstance(content, str):
        return content + SEPARATOR + prompt
    return [*content, block] if isinstance(content, list) else None


def _into_system(fields: Fields, prompt: str) -> None:
    raw = fields.get("system")
    blocks = json.items(raw)  # their bytes stay as they are, and with them what is cached of them
    block = {"type": "text", "text": prompt}
    extended = _extended(json.value(raw) if blocks is None else blocks, prompt, block)
    if extended is not None:
        fields["system"] = extended


def _into_instructions(fields: Fields, prompt: str) -> None:
    given = json.field(fields, "instructions")
    if given is None or isinstance(given, str):
        fields["instructions"] = _extended(given, prompt, None)


def _into_system_instruction(fields: Fields, prompt: str) -> None:
    """Beside cached content Gemini refuses an instruction; the cache holds the one that counts."""
    if "cachedContent" in fields or "cached_content" in fields:
        return
    name = spelled(fields, "systemInstruction")
    given, part = json.field(fields, name), {"text": prompt}
    if not given:
        fields[name] = {"parts": [part]}
    elif isinstance(given, str):
        fields[name] = given + SEPARATOR + prompt
    elif isinstance(given, dict) and "parts" not in given:
        fields[name] = {"parts": [given, part]}
    elif isinstance(given, dict):
        parts = given["parts"] or []
        fields[name] = {**given, "parts": [*(parts if isinstance(parts, list) else [parts]), part]}


def _beside_prompt(fields: Fields, prompt: str) -> None:
    """The legacy endpoint has no instructions; its translation to chat has."""
    fields[SYSTEM] = prompt


_INJECT: dict[str, Callable[[Fields, str], None]] = {
    "openai_chat": _into_messages,
    "openai_completions": _beside_prompt,
    "ollama": _into_messages,
    "openai_responses": _into_instructions,
    "anthropic_messages": _into_system,
    "gemini": _into_system_instruction,
}
