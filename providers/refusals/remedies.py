"""What can be done about a refused request, as a value that a row can hold and a `Quirk` can do."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from providers.spec import Quirk

Kind = Literal["drop", "rename", "clamp", "one_of", "messages", "edit", "trait"]

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""From least to most."""
_OTHERS = ("default", "auto")
"""Words for "think as you like", in the place of an effort."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change to a request. `field` is a path (`providers.paths`), or the name of an edit or trait.

    `value`: the new name (rename), [least, most] with null for no limit (clamp), the allowed words (one_of).
    """

    kind: Kind
    field: str
    value: Any = None
    lasting: bool = True
    """Holds for later requests too. False: the refusal speaks of this conversation or of two fields together."""

    def __str__(self) -> str:
        match self.kind:
            case "drop":
                return f"without {self.field}"
            case "rename":
                return f"{self.value} instead of {self.field}"
            case "clamp":
                return f"{self.field} {_range(*self.value)}"
            case "one_of":
                return f"{self.field} one of {', '.join(self.value)}"
        return self.field.replace("_", " ")


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"


def quirk_of(remedy: Remedy, model: str, format: str) -> Quirk:
    """The remedy for one model, by the provider's own id of it, and one wire format."""
    return Quirk(models=(glob.escape(model),), formats=(format,), **_operation(remedy))


def _operation(remedy: Remedy) -> dict[str, Any]:
    field, value = remedy.field, remedy.value
    match remedy.kind:
        case "drop":
            return {"drop": (field,)}
        case "rename":
            return {"rename": {field: value}}
        case "clamp":
            return {"clamp": {field: tuple(value)}}
        case "one_of":
            return {
                "map_values": {field: {word: nearest(word, value) for word in EFFORTS if word not in value}}
            }
        case "messages":
            return {"messages": (field,)}
        case "edit":
            return {"edits": (field,)}
        case "trait":
            return {"traits": {field: True}}


def nearest(word: str, allowed: Sequence[str]) -> str:
    """The allowed word nearest to an effort, the lesser of two. Only "none" turns thinking off, if it can."""
    rank = EFFORTS.index(word)
    known = [other for other in EFFORTS if other in allowed]
    thinking = [other for other in known if other != "none"]
    if word != "none" and not thinking:
        known = [other for other in _OTHERS if other in allowed] or known
        return known[0]
    return min(thinking or known, key=lambda other: (abs(EFFORTS.index(other) - rank), EFFORTS.index(other)))
