"""The conversation of a foreign request as Claude takes it: instructions, then turns of two roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gateway.wire import ir, reasoning
from gateway.wire.anthropic_messages.parts import BlockWriter, own_fields
from gateway.wire.base import ModelProfile
from omniroute.types import JSONDict

_MEDIA = (ir.Image, ir.File, ir.Audio)
_EMPTY_TURN = "."
"""Claude refuses blank text, and a turn of the user cannot be left away without changing who speaks next."""
_CONTINUE = "Continue."


def emit_system(
    system: list[ir.Text], billing: dict[int, ir.Text], as_string: bool, writer: BlockWriter
) -> list[JSONDict] | str:
    if as_string and len(system) == 1 and not billing:
        return system[0].text
    parts: list[ir.Part] = list(system)
    for number, part in sorted(billing.items()):
        parts.insert(number, part)
    return writer.blocks(parts)


def hoist_system(request: ir.Request) -> tuple[ir.Request, list[JSONDict]]:
    """Instructions from all over the conversation go to its front: Claude's turns have two roles."""
    texts = list(request.system)
    messages: list[ir.Message] = []
    for message in request.messages:
        if message.role in ("system", "developer"):
            texts += [part for part in message.parts if isinstance(part, ir.Text)]
        else:
            messages.append(message)
    blocks: list[JSONDict] = [
        {"type": "text", "text": text.text, **own_fields(text.extra)} for text in texts if text.text.strip()
    ]
    return replace(request, messages=messages), blocks


def emit_messages(request: ir.Request, writer: BlockWriter, profile: ModelProfile) -> list[JSONDict]:
    turns: list[tuple[str, list[JSONDict]]] = []
    for message in _hand_over_media(request.messages):
        role = "assistant" if message.role == "assistant" else "user"
        blocks = writer.blocks(message.parts)
        if not blocks and role == "assistant":
            continue
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((role, blocks))
    if turns and turns[-1][0] == "assistant":
        _prepare_prefill(turns, profile)
    return [{"role": role, "content": _content(role, blocks)} for role, blocks in turns]


def _hand_over_media(messages: list[ir.Message]) -> Iterator[ir.Message]:
    """Claude makes no pictures: what another model drew is shown by the user, in the next turn."""
    media: list[ir.Part] = []
    for message in messages:
        if message.role != "assistant":
            yield replace(message, parts=[*message.parts, *media]) if media else message
            media = []
            continue
        media += [part for part in message.parts if isinstance(part, _MEDIA)]
        if media:
            message = replace(message, parts=[part for part in message.parts if not isinstance(part, _MEDIA)])
        yield message
    if media:
        yield ir.Message("user", media)


def _content(role: str, blocks: list[JSONDict]) -> list[JSONDict] | str:
    """Results of tools before everything else, as Claude demands; one plain text as a string."""
    if not blocks:
        return _EMPTY_TURN
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    if role == "user":
        return sorted(blocks, key=lambda block: block["type"] != "tool_result")
    return blocks


def _prepare_prefill(turns: list[tuple[str, list[JSONDict]]], profile: ModelProfile) -> None:
    """A beginning that the model shall continue: without trailing white space, and only where supported."""
    last = turns[-1][1][-1]
    if last["type"] == "text":
        turns[-1][1][-1] = {**last, "text": last["text"].rstrip()}
    if reasoning.style_of(profile) == "adaptive":
        turns.append(("user", [{"type": "text", "text": _CONTINUE}]))
