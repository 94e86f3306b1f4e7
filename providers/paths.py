"""Places in a request body: `generationConfig.thinkingConfig.thinkingBudget`, `messages.*.reasoning_content`.

A `*` stands for every item of a list. Only what lies on the way is decoded; everything else keeps its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from omniroute.types import Fields
from providers.edits.base import UNREADABLE, value

ABSENT: Any = object()
"""What a change returns to take a value out."""
EACH = "*"
Change = Callable[[Any], Any]
"""Gets a plain value, returns the new one, or `ABSENT`."""

_split_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_split_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def change(fields: Fields, path: str, edit: Change) -> None:
    """Give every value at `path` to `edit` and put what it returns in its place. Absent values stay absent."""
    name, *rest = path.split(".")
    if name not in fields:
        return
    new = _changed(fields[name], rest, edit)
    if new is ABSENT:
        del fields[name]
    elif new is not fields[name]:
        fields[name] = new


def delete(fields: Fields, path: str) -> None:
    change(fields, path, lambda _: ABSENT)


def _changed(given: Any, rest: Sequence[str], edit: Change) -> Any:
    """The very `given` where nothing changes, so that its bytes stay."""
    if not rest:
        old = value(given)
        new = edit(old) if old is not UNREADABLE else old
        return given if new is old or (new is not ABSENT and new == old) else new
    if isinstance(given, msgspec.Raw) and _lacks(given, rest):
        return given
    step, *further = rest
    if step == EACH:
        items = _items(given)
        if items is None:
            return given
        changed = [_changed(item, further, edit) for item in items]
        if all(new is old for new, old in zip(changed, items, strict=True)):
            return given
        return [item for item in changed if item is not ABSENT]
    inner = _object(given)
    if inner is None or step not in inner:
        return given
    new = _changed(inner[step], further, edit)
    if new is inner[step]:
        return given
    if new is ABSENT:
        return {name: item for name, item in inner.items() if name != step}
    return {**inner, step: new}


def _lacks(raw: msgspec.Raw, rest: Sequence[str]) -> bool:
    """A long conversation is not taken apart for a name that it does not hold."""
    name = next((step for step in reversed(rest) if step != EACH), None)
    return name is not None and name.isascii() and f'"{name}"'.encode() not in bytes(raw)


def _object(given: Any) -> dict[str, Any] | None:
    if isinstance(given, msgspec.Raw):
        try:
            return _split_object(given)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            given = value(given)
    return given if isinstance(given, dict) else None


def _items(given: Any) -> list[Any] | None:
    if isinstance(given, msgspec.Raw):
        try:
            return list(_split_list(given))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            given = value(given)
    return given if isinstance(given, list) else None
