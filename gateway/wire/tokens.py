"""How many input tokens a request has, where no provider can be asked (docs/protocol-notes.md, Counting)."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterable

from gateway.wire import ir, json

CHARACTERS_PER_TOKEN = 4.0
_TOKENS_PER_FOREIGN_BYTE = 0.4
"""On top, for each byte that UTF-8 needs beyond one: 0.65 a Cyrillic letter, 1.05 a Chinese one."""
_REQUEST = 3
_MESSAGE = 4
_TOOL = 8
_TOOLS = 300
"""What the vendors' own prompts about tools cost, about."""
_IMAGE = 1600
_PIXELS_PER_TOKEN = 750
_SMALLEST_IMAGE = 64
_BYTES_PER_PAGE = 60_000
_TOKENS_PER_PAGE = 2000
_AUDIO_BYTES_PER_TOKEN = 500


def estimate(request: ir.Request) -> int:
    """Input tokens of the whole request, from the lengths of its texts and the sizes of its media.

    Within some 20 % for English text and source code, and with any vendor's tokenizer; never 0.
    """
    tokens = float(_REQUEST) + sum(_text(part.text) for part in request.system)
    for message in request.messages:
        tokens += _MESSAGE + sum(map(_part, message.parts))
    if request.tools:
        tokens += _TOOLS + sum(map(_tool, request.tools))
    if request.response_format and request.response_format.schema:
        tokens += _json(request.response_format.schema)
    return max(round(tokens), 1)


def estimate_texts(texts: Iterable[str]) -> int:
    return max(round(sum(map(_text, texts))), 1)


def _text(text: str) -> float:
    tokens = len(text) / CHARACTERS_PER_TOKEN
    if not text.isascii():
        tokens += (len(text.encode("utf-8", "surrogatepass")) - len(text)) * _TOKENS_PER_FOREIGN_BYTE
    return tokens


def _json(value: object) -> float:
    return len(json.dumps(value)) / CHARACTERS_PER_TOKEN


def _tool(tool: ir.Tool) -> float:
    described = _text(tool.name) + _text(tool.description or "")
    return _TOOL + described + (_json(tool.parameters) if tool.parameters else 0)


def _part(part: ir.Part) -> float:
    match part:
        case ir.Text() | ir.Refusal():
            return _text(part.text)
        case ir.Reasoning():
            return _text(part.text) + len(part.redacted or "") / CHARACTERS_PER_TOKEN
        case ir.ToolCall():
            return _MESSAGE + _text(part.name) + _text(part.arguments)
        case ir.ToolResult():
            return _MESSAGE + sum(map(_part, part.parts))
        case ir.Image():
            return _image(part.data)
        case ir.File():
            return _text(part.text) if part.text is not None else _document(part.data)
        case ir.Audio():
            return len(part.data or "") * 0.75 / _AUDIO_BYTES_PER_TOKEN
        case ir.Unknown():
            return _json(part.raw)


def _document(data: str | None) -> float:
    pages = len(data or "") * 0.75 / _BYTES_PER_PAGE
    return max(pages, 1) * _TOKENS_PER_PAGE


def _image(data: str | None) -> float:
    size = _dimensions(data) if data else None
    if size is None:
        return _IMAGE
    return min(max(size[0] * size[1] / _PIXELS_PER_TOKEN, _SMALLEST_IMAGE), _IMAGE)


def _dimensions(data: str) -> tuple[int, int] | None:
    """(width, height) of a PNG, GIF or JPEG by its header, or None."""
    try:
        head = base64.b64decode(data[:65536])
    except (binascii.Error, ValueError):
        return None
    if head.startswith(b"\x89PNG") and len(head) >= 24:
        return struct.unpack(">II", head[16:24])
    if head.startswith(b"GIF8") and len(head) >= 10:
        return struct.unpack("<HH", head[6:10])
    return _jpeg_dimensions(head) if head.startswith(b"\xff\xd8") else None


def _jpeg_dimensions(head: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(head) and head[position] == 0xFF:
        marker, length = head[position + 1], int.from_bytes(head[position + 2 : position + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[position + 5 : position + 9])
            return width, height
        position += 2 + length
    return None
