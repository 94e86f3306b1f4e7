"""Which fields of a body make no difference in the other format: each is taken out, and the rest translated again.

So the list is what translating does, and not what somebody wrote down about it. Where taking a field out changes the
outcome, what is in it is tried, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from omniroute.errors import GatewayError

Translate = Callable[[Any], Any]
"""A body into its counterpart. Raise `GatewayError` for one that is not complete."""

MAX_TRIALS = 400
MAX_SECONDS = 1.0
_NOTHING: tuple[Any, ...] = (None, False, "", "auto", "text")
"""What says nothing: leaving it away is saying it."""
_FORM = frozenset(
    {
        *(
            "model",
            "type",
            "object",
            "role",
            "id",
            "call_id",
            "tool_call_id",
            "tool_use_id",
            "index",
            "created",
        ),
        *("status", "finish_reason", "finishReason", "stop_reason", "total_tokens", "totalTokenCount"),
        *("media_type", "mimeType"),
    }
)
"""What says how a thing is written, or what the rest says as well; not what is meant."""


class Losses:
    """Of one body, which is changed and restored on the way. `is_complete` tells whether every field was tried."""

    def __init__(self, body: Any, translate: Translate) -> None:
        self._body, self._translate = body, translate
        self._made = translate(body)
        self._volatile = set(_differences(self._made, translate(body)))
        self._ends = time.monotonic() + MAX_SECONDS
        self._trials = 0
        self.is_complete = True
        self.paths = list(self._search(body, ""))

    def _search(self, value: Any, path: str) -> Iterator[str]:
        for key, place in list(_places(value, path)):
            item = value[key]
            if key in _FORM or _says_nothing(item):
                continue
            if self._trials >= MAX_TRIALS or time.monotonic() > self._ends:
                self.is_complete = False
                return
            if self._is_idle(value, key):
                yield place
            elif isinstance(item, dict | list):
                yield from self._search(item, place)

    def _is_idle(self, holder: Any, key: Any) -> bool:
        """Whether the outcome is the same without it."""
        self._trials += 1
        before = holder.copy()
        del holder[key]
        try:
            made = self._translate(self._body)
            return not set(_differences(self._made, made)) - self._volatile
        except (GatewayError, LookupError, TypeError, ValueError, AttributeError):
            return False  # without it the body is none
        finally:
            if isinstance(holder, dict):
                holder.clear()
                holder.update(before)
            else:
                holder[:] = before


def _places(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    if isinstance(value, dict):
        yield from ((name, f"{path}.{name}" if path else str(name)) for name in value)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        yield from ((index, f"{path}[{index}]") for index in range(len(value)))


def _says_nothing(item: Any) -> bool:
    return (not isinstance(item, dict | list) and item in _NOTHING) or item in ([], {})


def _differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Places where two outcomes differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            if name not in one or name not in other:
                yield f"{path}.{name}"
            else:
                yield from _differences(one[name], other[name], f"{path}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from _differences(*pair, f"{path}[{index}]")
    elif one != other:
        yield path
