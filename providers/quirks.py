"""Make a body fit the provider: declared quirks, applied to an attempt's own copy of the body's top level.

Only what a quirk touches is decoded; everything else keeps its bytes. Without a matching quirk this costs
one look-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from omniroute.types import Fields
from providers.edits import body as body
from providers.edits import messages as messages
from providers.edits import tools as tools
from providers.edits.base import BODY_EDITS, MESSAGE_EDITS, TOOL_EDITS, ListEdit, items, value
from providers.spec import ProviderSpec, Quirk, matches

__all__ = ["BODY_EDITS", "MESSAGE_EDITS", "PROTECTED", "TOOL_EDITS", "apply", "quirks_of"]

PROTECTED = frozenset({"model", "messages", "input", "contents", "system", "stream"})
"""No quirk removes these: without them the request would be another one."""
_ABSENT: Any = object()


def apply(fields: Fields, spec: ProviderSpec, model: str, format: str) -> None:
    """Change `fields`, a body in wire format `format` for `model`, the provider's own id, in place."""
    for quirk in quirks_of(spec, model, format):
        _apply(fields, quirk)


@lru_cache(maxsize=8192)
def quirks_of(spec: ProviderSpec, model: str, format: str) -> tuple[Quirk, ...]:
    """The quirks that are about this model in this format, in the order of the spec."""
    return tuple(quirk for quirk in spec.quirks if format in quirk.formats and matches(quirk.models, model))


def _apply(fields: Fields, quirk: Quirk) -> None:
    for name in quirk.drop:
        if name not in PROTECTED:
            _delete(fields, name)
    for old, new in quirk.rename.items():
        if old in fields and old not in PROTECTED:
            moved = fields.pop(old)
            fields.setdefault(new, moved)
    for name, limits in quirk.clamp.items():
        _clamp(fields, name, limits)
    for name, wanted in quirk.force.items():
        _put(fields, name, wanted)
    for name, wanted in quirk.default.items():
        if _look(fields, name) is _ABSENT:
            _put(fields, name, wanted)
    for name, mapping in quirk.map_values.items():
        _map(fields, name, mapping)
    if quirk.messages:
        _edit_list(fields, "messages", [MESSAGE_EDITS.get(name) for name in quirk.messages])
    if quirk.tools:
        changed = _edit_list(fields, "tools", [TOOL_EDITS.get(name) for name in quirk.tools])
        if changed and not fields["tools"]:
            del fields["tools"]
            fields.pop("tool_choice", None)
    for name in quirk.edits:
        BODY_EDITS.get(name)(fields)


def _look(fields: Fields, path: str) -> Any:
    name, _, inner = path.partition(".")
    if name not in fields:
        return _ABSENT
    found = value(fields[name])
    if not inner:
        return found
    return found.get(inner, _ABSENT) if isinstance(found, dict) else _ABSENT


def _put(fields: Fields, path: str, wanted: Any) -> None:
    name, _, inner = path.partition(".")
    if not inner:
        fields[name] = wanted
        return
    outer = value(fields.get(name))
    if outer is None or isinstance(outer, dict):
        fields[name] = {**(outer or {}), inner: wanted}


def _delete(fields: Fields, path: str) -> None:
    name, _, inner = path.partition(".")
    if not inner:
        fields.pop(name, None)
    elif _look(fields, path) is not _ABSENT:
        fields[name] = {key: item for key, item in value(fields[name]).items() if key != inner}


def _clamp(fields: Fields, path: str, limits: tuple[float | None, float | None]) -> None:
    number = _look(fields, path)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return
    low, high = limits
    if low is not None and number < low:
        _put(fields, path, _whole(low, number))
    elif high is not None and number > high:
        _put(fields, path, _whole(high, number))


def _whole(limit: float, given: float) -> float:
    """A count stays a count."""
    return int(limit) if isinstance(given, int) and float(limit).is_integer() else limit


def _map(fields: Fields, path: str, mapping: Mapping[str, Any]) -> None:
    found = _look(fields, path)
    if isinstance(found, str) and found in mapping:
        _put(fields, path, mapping[found])


def _edit_list(fields: Fields, name: str, edits: list[ListEdit]) -> bool:
    """Whether anything changed."""
    raw = fields.get(name)
    if isinstance(raw, msgspec.Raw):
        text = bytes(raw)
        edits = [edit for edit in edits if not edit.needles or any(needle in text for needle in edit.needles)]
    if not edits or (original := items(raw)) is None:
        return False
    edited = original
    for edit in edits:
        edited = edit.apply(edited)
    if edited is original:
        return False
    fields[name] = edited
    return True
