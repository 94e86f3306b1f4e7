"""Make a body fit the provider: declared quirks, applied to an attempt's own copy of the body's top level.

Only what a quirk touches is decoded; everything else keeps its bytes. Without a matching quirk this costs
one look-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec

from omniroute.types import Fields
from providers import paths
from providers.edits import body as body
from providers.edits import claude as claude
from providers.edits import copilot as copilot
from providers.edits import messages as messages
from providers.edits import thinking as thinking
from providers.edits import tools as tools
from providers.edits.base import BODY_EDITS, MESSAGE_EDITS, TOOL_EDITS, ListEdit, items, value
from providers.spec import ProviderSpec, Quirk, matches

__all__ = ["BODY_EDITS", "MESSAGE_EDITS", "PROTECTED", "TOOL_EDITS", "apply", "quirks_of", "traits_of"]

PROTECTED = frozenset({"model", "messages", "input", "contents", "system", "stream"})
"""No quirk removes these: without them the request would be another one."""


def apply(fields: Fields, spec: ProviderSpec, model: str, format: str) -> None:
    """Change `fields`, a body in wire format `format` for `model`, the provider's own id, in place."""
    for quirk in quirks_of(spec, model, format):
        _apply(fields, quirk)


@lru_cache(maxsize=8192)
def quirks_of(spec: ProviderSpec, model: str, format: str) -> tuple[Quirk, ...]:
    """The quirks that are about this model in this format, in the order of the spec."""
    return tuple(quirk for quirk in spec.quirks if format in quirk.formats and matches(quirk.models, model))


@lru_cache(maxsize=8192)
def traits_of(spec: ProviderSpec, model: str, format: str) -> dict[str, Any]:
    """What the model's quirks say to those who write its requests; not to be changed."""
    return {name: trait for quirk in quirks_of(spec, model, format) for name, trait in quirk.traits.items()}


def _apply(fields: Fields, quirk: Quirk) -> None:
    for name in quirk.drop:
        if name not in PROTECTED:
            paths.delete(fields, name)
    for old, new in quirk.rename.items():
        if old in fields and old not in PROTECTED:
            moved = fields.pop(old)
            if _look(fields, new) is paths.ABSENT:
                _put(fields, new, moved)
    for name, limits in quirk.clamp.items():
        paths.change(fields, name, partial(_clamped, limits))
    for name, wanted in quirk.force.items():
        _put(fields, name, wanted)
    for name, wanted in quirk.default.items():
        if _look(fields, name) is paths.ABSENT:
            _put(fields, name, wanted)
    for name, mapping in quirk.map_values.items():
        paths.change(fields, name, partial(_mapped, mapping))
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
        return paths.ABSENT
    if not inner:
        return fields[name]
    found = value(fields[name])
    return found.get(inner, paths.ABSENT) if isinstance(found, dict) else paths.ABSENT


def _put(fields: Fields, path: str, wanted: Any) -> None:
    name, _, inner = path.partition(".")
    if not inner:
        fields[name] = wanted
        return
    outer = value(fields.get(name))
    if outer is None or isinstance(outer, dict):
        fields[name] = {**(outer or {}), inner: wanted}


def _clamped(limits: tuple[float | None, float | None], number: Any) -> Any:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return number
    low, high = limits
    if low is not None and number < low:
        return _whole(low, number)
    return _whole(high, number) if high is not None and number > high else number


def _mapped(words: Mapping[str, Any], given: Any) -> Any:
    return words.get(given, given) if isinstance(given, str) else given


def _whole(limit: float, given: float) -> float:
    """A count stays a count."""
    return int(limit) if isinstance(given, int) and float(limit).is_integer() else limit


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
