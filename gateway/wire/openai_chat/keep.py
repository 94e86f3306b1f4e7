"""What a body said beyond the neutral form: the difference between it and what the neutral form would emit.

Every parser of this package emits what it just parsed and keeps the difference in `extra`, so that a body of
this format comes back equal by value, unknown fields, nulls and odd spellings included.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from omniroute.types import JSONDict

CHAT = "openai_chat"
SHAPE = "openai_chat.shape"
"""Key in `extra` for what concerns the outer form only, e.g. a content that was a list."""


_ABSENT = object()


def difference(original: JSONDict, canonical: JSONDict, skip: Collection[str] = ()) -> JSONDict:
    """Empty if both are equal. `skip` names fields that keep their own differences further down."""
    changed: JSONDict = {}
    inside: JSONDict = {}
    for key, value in original.items():
        if key in skip and not is_empty(value) and not is_empty(canonical.get(key)):
            continue
        mine = canonical.get(key, _ABSENT)
        if mine is value or (mine == value and type(mine) is type(value)):
            continue
        if isinstance(mine, dict) and isinstance(value, dict) and value:
            inside[key] = difference(value, mine)
        else:
            changed[key] = value
    gone = [key for key in canonical if key not in original]
    kept = {"set": changed, "inside": inside, "gone": gone}
    return {name: value for name, value in kept.items() if value}


def restore(canonical: JSONDict, kept: JSONDict | None, skip: Collection[str] = ()) -> JSONDict:
    """`canonical` with the difference applied, in place. A field of `skip` is replaced only where empty."""
    if not kept:
        return canonical
    for key in kept.get("gone", ()):
        if key not in skip or is_empty(canonical.get(key)):
            canonical.pop(key, None)
    for key, value in kept.get("set", {}).items():
        if key not in skip or is_empty(canonical.get(key)):
            canonical[key] = value
    for key, inner in kept.get("inside", {}).items():
        if isinstance(canonical.get(key), dict):
            restore(canonical[key], inner)
    return canonical


def is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)
