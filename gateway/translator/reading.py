"""Pasted text into values, with the place of a mistake."""

from __future__ import annotations

import json as standard_json
from typing import Any

import msgspec

from gateway.wire import json
from omniroute.errors import InvalidRequest, RequestTooLarge

MAX_TEXT = 4 * 1024 * 1024
"""Bytes of a body that may be pasted: pictures are part of bodies."""


class BrokenBody(InvalidRequest):
    """What was pasted is no JSON. `line` and `column` count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{message}: line {line}, column {column}", param="body", code="invalid_json")
        self.line, self.column = line, column


def packed(body: str | dict[str, Any] | list[Any]) -> bytes:
    """As bytes. Raise `RequestTooLarge`, `BrokenBody` for text that is not Unicode."""
    if isinstance(body, str):
        try:
            data = body.encode()
        except UnicodeEncodeError as error:
            raise BrokenBody("Half of a surrogate pair", 1, error.start + 1) from None
    else:
        data = json.dumps(body)
    if len(data) > MAX_TEXT:
        raise RequestTooLarge(f"The body has more than {MAX_TEXT // 1024 // 1024} MB")
    return data


def value_of(data: bytes) -> Any:
    """Raise `BrokenBody`, `InvalidRequest` for JSON that is too deep."""
    text = data.decode("utf-8", "replace")
    if not text.strip():
        raise BrokenBody("There is nothing to translate")
    try:
        standard_json.loads(text, parse_constant=_refuse)
    except standard_json.JSONDecodeError as error:
        raise BrokenBody(error.msg, error.lineno, error.colno) from None
    except ValueError as error:
        raise BrokenBody(str(error)) from None
    except RecursionError:
        raise InvalidRequest("The JSON is nested too deeply", param="body") from None
    return json.loads(data)


def object_of(data: bytes) -> dict[str, Any]:
    """Raise `InvalidRequest` for anything but a JSON object."""
    value = value_of(data)
    if not isinstance(value, dict):
        raise InvalidRequest("A body is a JSON object", param="body")
    return value


def pretty(data: bytes) -> str:
    """JSON over several lines, its numbers and escapes as they came; other text as it is."""
    try:
        return msgspec.json.format(data, indent=2).decode("utf-8", "replace")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data.decode("utf-8", "replace")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
