"""A tool call's arguments as an object, for the formats that want one (docs/protocol-notes.md, Tools)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from gateway.wire import json
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

RAW = "_raw"
"""Where text that is no JSON at all goes, so that the model sees again what it wrote."""
VALUE = "value"
"""Where JSON that is no object goes."""

_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def parse_object(arguments: str) -> JSONDict:
    """Never fails: "" and null are {}, what can be repaired is, and anything else is wrapped.

    A text that was cut off is wrapped, too: completed, it could make a client run half of a command.
    """
    if not arguments or arguments.isspace():
        return {}
    value = _parse(arguments)
    if value is _BROKEN:
        return {RAW: arguments}
    if isinstance(value, str):  # encoded twice
        inner = _parse(value) if value.lstrip()[:1] in ("{", "[") else value
        value = inner if isinstance(inner, dict | list) else value
    if value is None:
        return {}
    return value if isinstance(value, dict) else {VALUE: value}


def as_json(arguments: str) -> str:
    """For histories, which many servers parse and refuse otherwise. The text of an object stays as it was written."""
    try:
        _decode_object(arguments)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return json.dumps(parse_object(arguments)).decode("utf-8", "surrogatepass")
    return arguments


_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_BROKEN = object()


def _parse(text: str) -> Any:
    for candidate in _readings(text):
        try:
            return json.loads(candidate.encode("utf-8", "surrogatepass"))
        except InvalidRequest:
            continue
    return _BROKEN


def _readings(text: str) -> list[str]:
    """The text, then the repairs of what models and servers do to it."""
    stripped = text.strip()
    if stripped.startswith("```"):
        stripped = stripped.strip("`").removeprefix("json").strip()
    readable = _escape_controls(stripped)
    return list(dict.fromkeys([text, stripped, readable, _without_trailing_commas(readable)]))


def _without_trailing_commas(text: str) -> str:
    """Strings are stepped over: a comma inside of one is text."""
    pieces, position = [], 0
    for match in _STRING.finditer(text):
        pieces += [text[position : match.start()], match.group()]
        position = match.end()
    pieces.append(text[position:])
    joined = "\0".join(pieces[::2])
    cleaned = _TRAILING_COMMA.sub(r"\1", joined).split("\0")
    strings = [*pieces[1::2], ""]
    return (
        "".join(a + b for a, b in zip(cleaned, strings, strict=True))
        if len(cleaned) == len(strings)
        else text
    )


def _escape_controls(text: str) -> str:
    """Raw line breaks inside of strings, which JSON forbids and models write."""

    def escape(match: re.Match[str]) -> str:
        said = match.group()
        return said.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")

    return _STRING.sub(escape, text)
