"""The text of a custom tool out of the JSON that stands for it, `{"input": "..."}`, whole or streamed."""

from __future__ import annotations

import json
import re
from typing import Any

from gateway.wire import json as wire_json

_HEAD = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_HEAD_LIMIT = 64
_WHOLE_CHARACTERS = re.compile(r'(?:[^"\\]+|\\[^u]|\\u[0-9a-fA-F]{4})*', re.DOTALL)
_HIGH_SURROGATE_AT_END = re.compile(r"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2})$")
_BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrtu])|\\u(?![0-9a-fA-F]{4})')


def wrap(text: str) -> str:
    """The arguments that say `text` to a function with one string `input`."""
    return wire_json.dumps({"input": text}).decode()


def as_arguments(text: str) -> str:
    """For a call that may be a function's after all: an object is taken as it is."""
    try:
        return text if isinstance(json.loads(text), dict) else wrap(text)
    except (ValueError, RecursionError):
        return wrap(text)


def unwrap(arguments: str) -> str:
    """The free text in a finished call's arguments. A model that left the schema is taken at its word."""
    try:
        value: Any = json.loads(arguments)
    except (ValueError, RecursionError):
        unwrapper = Unwrapper()
        return unwrapper.feed(arguments) + unwrapper.end() if _HEAD.match(arguments) else arguments
    if isinstance(value, dict):
        value = value.get("input", next(iter(value.values())) if len(value) == 1 else value)
    return value if isinstance(value, str) else wire_json.dumps(value).decode()


class Unwrapper:
    """`unwrap` for arguments that come in pieces, cut anywhere. An odd beginning waits for `end`."""

    __slots__ = ("_closed", "_inside", "_odd", "_rest")

    def __init__(self) -> None:
        self._rest = ""
        self._odd: list[str] = []
        self._inside = False
        self._closed = False

    def feed(self, piece: str) -> str:
        """The characters that are complete by now."""
        if self._closed:
            return ""
        if self._odd:
            self._odd.append(piece)
            return ""
        data = self._rest + piece
        if not self._inside:
            head = _HEAD.match(data)
            if head is None:
                self._wait(data)
                return ""
            self._inside = True
            data = data[head.end() :]
        match = _WHOLE_CHARACTERS.match(data)
        end = match.end() if match else 0
        self._closed = data[end : end + 1] == '"'
        half = None if self._closed else _HIGH_SURROGATE_AT_END.search(data, 0, end)
        end = half.start(1) if half else end
        self._rest = "" if self._closed else data[end:]
        return _unescape(data[:end])

    def _wait(self, data: str) -> None:
        if len(data) < _HEAD_LIMIT:
            self._rest = data
        else:
            self._odd, self._rest = [data], ""

    def end(self) -> str:
        rest, self._rest = "".join(self._odd) + self._rest, ""
        if self._inside:
            return "" if self._closed else _unescape(rest)
        return unwrap(rest) if rest else ""


def _unescape(escaped: str) -> str:
    if "\\" not in escaped:
        return escaped
    try:
        return str(json.loads(f'"{escaped}"', strict=False))
    except ValueError:
        pass
    try:
        return str(json.loads('"' + _BAD_ESCAPE.sub(lambda bad: "\\" + bad[0], escaped) + '"', strict=False))
    except ValueError:
        return escaped
