"""Turns of typed parts into chat messages. `messages.py` is the way back.

An emitted turn gives its tool results first, each as a message of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.wire import ir
from gateway.wire.arguments import as_json
from gateway.wire.history import mark_error
from gateway.wire.openai_chat import calls, thinking
from gateway.wire.openai_chat.emission import MARK, Emission, emit_part
from gateway.wire.openai_chat.keep import CHAT, SHAPE, restore
from omniroute.types import JSONDict

OWN_FIELDS = ("content", "tool_calls", "function_call")
"""Fields whose parts keep their own differences."""
_USER_ONLY = (ir.Image, ir.Audio, ir.File)
"""Media that a turn of the model cannot hold: they move to the user's next turn."""
_BILLING = "x-anthropic-billing-header"
"""First system block of Claude Code. It changes with every request and defeats other vendors' caches."""
ECHOES = frozenset({"deepseek", "glm", "kimi", "kimi-coding", "minimax"})
"""Providers that want `reasoning_content` back with its tool calls (docs/protocol-notes.md, Parameters)."""
TAKES_REFUSALS = frozenset({"openai"})
"""Elsewhere the field is ignored, and the model would not know what it had said."""
FLAT = frozenset({"cerebras", "deepseek", "nvidia", "perplexity"})
"""Providers some of whose models take text only as one string."""
PREFILLS = {"deepseek": "prefix", "kimi": "partial", "kimi-coding": "partial"}
"""The field that makes the model's last turn the beginning of its answer (docs/protocol-notes.md, Messages).
Mistral's is a quirk of its row, since it refuses such a turn otherwise; to everybody else the turn is history."""


@dataclass(slots=True)
class _Writer:
    """Holds back the media of tool results until the whole batch of results is written."""

    emission: Emission
    messages: list[JSONDict] = field(default_factory=list)
    media: list[JSONDict] = field(default_factory=list)

    def add(self, message: ir.Message) -> None:
        results = [part for part in message.parts if isinstance(part, ir.ToolResult)]
        for result in results:
            self.messages.append(emit_result(result, self.emission))
            self.media += _result_media(result, self.emission)
        turn = emit_turn(message, self.emission)
        if turn or not results:
            self._flush(turn)
        self.messages += turn
        if message.role == "assistant" and not self.emission.native:
            media = [part for part in message.parts if isinstance(part, _USER_ONLY)]
            self.media += [value for part in media if (value := emit_part(part, self.emission)) is not None]

    def _flush(self, turn: list[JSONDict]) -> None:
        """Into the user's next turn, or as one of its own before a turn of the model."""
        if not self.media:
            return
        if turn and turn[0]["role"] == "user":
            content = turn[0]["content"]
            texts = [{"type": "text", "text": content}] if isinstance(content, str) else content
            turn[0]["content"] = [*self.media, *texts]
        else:
            self.messages.append({"role": "user", "content": self.media})
        self.media = []

    def finish(self) -> list[JSONDict]:
        self._flush([])
        return self.messages


def emit_messages(request: ir.Request, emission: Emission) -> list[JSONDict]:
    writer = _Writer(emission)
    writer.messages = _emit_system(request.system, emission)
    for message in request.messages:
        writer.add(message)
    messages = writer.finish()
    if not emission.native and messages and all(m["role"] in ("system", "developer") for m in messages):
        messages[-1] = {"role": "user", "content": messages[-1]["content"]}
    if not emission.native:
        _mark_prefill(messages, PREFILLS.get(emission.profile.provider))
    return messages


def _mark_prefill(messages: list[JSONDict], field: str | None) -> None:
    last = messages[-1] if messages else {}
    if field and last.get("role") == "assistant" and last["content"] and "tool_calls" not in last:
        last[field] = True


def _emit_system(system: list[ir.Text], emission: Emission) -> list[JSONDict]:
    messages: list[JSONDict] = []
    foreign = [t for t in system if SHAPE not in t.extra and t.text and not t.text.startswith(_BILLING)]
    if foreign:
        blocks = [emit_part(text, emission) or {} for text in foreign]
        marked = any(MARK in block for block in blocks)
        content = blocks if marked else "\n\n".join(text.text for text in foreign)
        messages.append({"role": "system", "content": content})
    for number, text in enumerate(system):
        shape = text.extra.get(SHAPE)
        if shape:
            parts: list[ir.Part] = list(system[number : number + shape["texts"]])
            messages += emit_turn(ir.Message(shape["role"], parts, shape["extra"]), emission)
    return messages


def emit_turn(message: ir.Message, emission: Emission) -> list[JSONDict]:
    """The turn without its tool results; nothing for a turn that held no more than those."""
    if message.role == "assistant":
        emitted = _emit_model_turn(message, emission)
    else:
        parts = [part for part in message.parts if not isinstance(part, ir.ToolResult)]
        if not parts and message.parts:
            return []
        content = _emit_content(parts, message, emission)
        emitted = {"role": _role(message, emission), "content": "" if content is None else content}
        if not emission.native and not content:
            return []
    return [restore(emitted, message.extra.get(CHAT), OWN_FIELDS)]


def _role(message: ir.Message, emission: Emission) -> str:
    own = CHAT in message.extra or SHAPE in message.extra
    if message.role == "developer" and not own and emission.profile.provider != "openai":
        return "system"
    return message.role


def _emit_model_turn(message: ir.Message, emission: Emission) -> JSONDict:
    shown = [part for part in message.parts if not isinstance(part, ir.ToolCall | ir.ToolResult)]
    if not emission.native and emission.profile.provider not in TAKES_REFUSALS:
        shown = [ir.Text(part.text) if isinstance(part, ir.Refusal) else part for part in shown]
    reasoning = [part for part in shown if isinstance(part, ir.Reasoning) and part.extra.get(SHAPE) != "part"]
    emitted: JSONDict = {"role": "assistant", "content": _emit_content(shown, message, emission)}
    refusals = [part.text for part in shown if isinstance(part, ir.Refusal)]
    if refusals and not isinstance(emitted["content"], list):
        emitted["refusal"] = "".join(refusals)
    tool_calls = [part for part in message.parts if isinstance(part, ir.ToolCall)]
    if not emission.native:
        tool_calls = [replace(call, arguments=as_json(call.arguments)) for call in tool_calls]
    emitted.update(calls.emit_calls(tool_calls, emission.native, emission.profile.vendor == "gemini"))
    if not emission.native:
        _echo_reasoning(emitted, reasoning, bool(tool_calls), emission)
        if not tool_calls and emitted["content"] is None and "refusal" not in emitted:
            emitted["content"] = ""
    images = [part for part in shown if isinstance(part, ir.Image) and part.extra.get(SHAPE) == "images"]
    if images and emission.native:
        emitted["images"] = [emit_part(image, emission) for image in images]
    return emitted


def _echo_reasoning(
    emitted: JSONDict, reasoning: list[ir.Reasoning], has_calls: bool, emission: Emission
) -> None:
    """Strict servers refuse the unknown field, others insist on it."""
    provider = emission.profile.provider
    if provider == "openrouter":
        details = thinking.emit_details(reasoning)
        if details:
            emitted["reasoning_details"] = details
    elif provider in ECHOES and has_calls:
        emitted["reasoning_content"] = thinking.joined(reasoning) or " "
    elif reasoning:
        emission.drop("reasoning.history")


def _emit_content(parts: Iterable[ir.Part], message: ir.Message, emission: Emission) -> Any:
    """A string where one text says it all or the provider takes no more; None for nothing."""
    own_list = message.extra.get(SHAPE) == "list"
    taken = [
        p for p in parts if p.extra.get(SHAPE) != "images" and (own_list or not isinstance(p, ir.Refusal))
    ]
    if not emission.native:
        taken = [p for p in taken if not isinstance(p, ir.Text) or p.text]
        if message.role == "assistant":
            taken = [p for p in taken if not isinstance(p, _USER_ONLY)]
    emitted = [value for part in taken if (value := emit_part(part, emission)) is not None]
    if own_list:
        return emitted
    if any(value.get("type") != "text" or MARK in value for value in emitted):
        return emitted
    texts = [value["text"] for value in emitted]
    if len(texts) > 1 and message.role in ("user", "assistant") and emission.profile.provider not in FLAT:
        return [{"type": "text", "text": text} for text in texts]
    return "\n\n".join(texts) if texts else None


def emit_result(result: ir.ToolResult, emission: Emission) -> JSONDict:
    own_list = result.extra.get(SHAPE) == "list"
    content: Any
    if own_list:
        content = [value for part in result.parts if (value := emit_part(part, emission)) is not None]
    else:
        content = "\n".join(part.text for part in result.parts if isinstance(part, ir.Text))
        if result.is_error:
            content = mark_error(content)
    emitted: JSONDict = {"role": "tool", "tool_call_id": result.call_id, "content": content}
    return restore(emitted, result.extra.get(CHAT), OWN_FIELDS)


def _result_media(result: ir.ToolResult, emission: Emission) -> list[JSONDict]:
    if emission.native:
        return []
    media = [part for part in result.parts if not isinstance(part, ir.Text)]
    return [value for part in media if (value := emit_part(part, emission)) is not None]
