"""What the edits share: their registries, and values that are decoded only where somebody looks at them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from omniroute.registry import Registry
from omniroute.types import Fields

Item = dict[str, Any]
"""A message or a tool. Its values are `msgspec.Raw` or plain; an edit never changes one in place."""
ItemsEdit = Callable[[list[Item]], list[Item]]
"""Returns the very list that it got where it has nothing to change, so that the bytes stay as they came."""
BodyEdit = Callable[[Fields], None]


@dataclass(frozen=True, slots=True)
class ListEdit:
    apply: ItemsEdit
    needles: tuple[bytes, ...] = ()
    """One of these is in every list that the edit is about; none: it looks at all of them."""


MESSAGE_EDITS: Registry[ListEdit] = Registry("message edit")
TOOL_EDITS: Registry[ListEdit] = Registry("tool edit")
BODY_EDITS: Registry[BodyEdit] = Registry("body edit")

UNREADABLE: Any = object()
"""In place of JSON that does not decode: left as it is, for the provider to refuse."""

_decode = msgspec.json.Decoder().decode
_split = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("out of range")
    return number


_lenient = json.JSONDecoder(parse_float=_finite)


def value(raw: Any) -> Any:
    """The plain value of a field, or `UNREADABLE`. Lone surrogates, which clients do send, are read."""
    if not isinstance(raw, msgspec.Raw):
        return raw
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _lenient.decode(bytes(raw).decode())
    except (ValueError, RecursionError):
        return UNREADABLE


def items(raw: Any) -> list[Item] | None:
    """A list of objects with their values undecoded, ready to be changed; None where it is something else."""
    if isinstance(raw, msgspec.Raw):
        try:
            return _split(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raw = value(raw)
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        return None
    return [dict(item) for item in raw]


def text_of(content: Any) -> str:
    """The text of a message's content: the string, or its text parts line by line."""
    content = value(content)
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def message_edit(name: str, *needles: bytes) -> Callable[[ItemsEdit], ItemsEdit]:
    def add(edit: ItemsEdit) -> ItemsEdit:
        MESSAGE_EDITS.register(name)(ListEdit(edit, needles))
        return edit

    return add


def tool_edit(name: str, *needles: bytes) -> Callable[[ItemsEdit], ItemsEdit]:
    def add(edit: ItemsEdit) -> ItemsEdit:
        TOOL_EDITS.register(name)(ListEdit(edit, needles))
        return edit

    return add


def each_message(name: str, *needles: bytes) -> Callable[[Callable[[Item], Item | None]], ItemsEdit]:
    """Register an edit of single messages: it returns the very message, another, or None to leave it out."""

    def add(edit: Callable[[Item], Item | None]) -> ItemsEdit:
        def apply(messages: list[Item]) -> list[Item]:
            edited = [edit(message) for message in messages]
            if all(new is old for new, old in zip(edited, messages, strict=True)):
                return messages
            return [message for message in edited if message is not None]

        return message_edit(name, *needles)(apply)

    return add
