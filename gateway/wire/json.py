"""JSON for foreign bodies: msgspec where it can, the standard library where clients send what strict JSON forbids."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec

from omniroute.errors import InvalidRequest
from omniroute.types import Fields, JSONDict


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_split_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_lenient = json.JSONDecoder(parse_constant=_refuse_constant)
_SPACE = " \t\r\n"


def split(body: bytes) -> dict[str, msgspec.Raw]:
    """The top level of an object; its values keep their bytes. Raise `InvalidRequest` if it is no JSON object."""
    try:
        return _split(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _split_leniently(body)


def loads(body: bytes | msgspec.Raw) -> Any:
    """Raise `InvalidRequest`, saying where the text stops being JSON."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        # Lone surrogates (a string cut inside of an emoji) are legal to the standard library and not to msgspec.
        return _lenient.decode(_text(body))
    except RecursionError:
        raise InvalidRequest("The JSON is nested too deeply") from None
    except ValueError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from None


def dumps(value: Any) -> bytes:
    """Compact JSON. `msgspec.Raw` values keep their bytes; a lone surrogate is escaped as it came."""
    try:
        return _encode(value)
    except (UnicodeEncodeError, msgspec.EncodeError, ValueError, OverflowError, RecursionError):
        return b"".join(_pieces(value))


def field(fields: Fields, name: str) -> Any:
    """The decoded value of one top-level field, or None."""
    return value(fields.get(name))


def value(raw: Any) -> Any:
    """Decoded, if it still has its bytes."""
    return loads(raw) if isinstance(raw, msgspec.Raw) else raw


def items(raw: Any) -> list[Any] | None:
    """A new list of what a list holds, each item with its bytes where possible; None for anything else."""
    if isinstance(raw, msgspec.Raw):
        if not bytes(raw).startswith(b"["):
            return None
        try:
            return list(_split_list(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raw = loads(raw)
    return list(raw) if isinstance(raw, list) else None


def integer(value: Any) -> int | None:
    """A number without a fraction, also where it is written with one: proxies in JavaScript or Lua make 1 a 1.0."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1 << 53 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def decode_all(fields: Fields) -> JSONDict:
    """The whole body, decoded."""
    return {name: loads(value) if isinstance(value, msgspec.Raw) else value for name, value in fields.items()}


def _text(body: bytes | msgspec.Raw) -> str:
    try:
        return bytes(body).decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The body is not UTF-8: {error.reason} at byte {error.start}") from None


def _split_leniently(body: bytes) -> dict[str, msgspec.Raw]:
    value = loads(body)
    if not isinstance(value, dict):
        raise InvalidRequest("The request body must be a JSON object")
    text = _text(body)
    fields: dict[str, msgspec.Raw] = {}
    position = _skip(text, text.index("{") + 1)
    while text[position] != "}":
        key, position = _lenient.raw_decode(text, position)
        start = _skip(text, _skip(text, position) + 1)  # behind the colon
        _, end = _lenient.raw_decode(text, start)
        fields[key] = msgspec.Raw(text[start:end].encode())
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return fields


def _skip(text: str, position: int) -> int:
    while text[position] in _SPACE:
        position += 1
    return position


def _pieces(value: Any) -> list[bytes]:
    if isinstance(value, msgspec.Raw):
        return [bytes(value)]
    if isinstance(value, dict):
        pieces = [b"{"]
        for key, item in value.items():
            pieces += [b"," if len(pieces) > 1 else b"", json.dumps(key).encode(), b":", *_pieces(item)]
        return [*pieces, b"}"]
    if isinstance(value, list | tuple):
        pieces = [b"["]
        for item in value:
            pieces += [b"," if len(pieces) > 1 else b"", *_pieces(item)]
        return [*pieces, b"]"]
    return [json.dumps(value).encode()]
