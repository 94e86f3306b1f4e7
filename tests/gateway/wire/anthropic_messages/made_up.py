"""What the tests of this format share."""

import base64

from gateway.wire import get_format, ir
from gateway.wire.base import ModelProfile
from omniroute.types import JSONDict

FORMAT = get_format("anthropic_messages")
NAME = "anthropic_messages"
SONNET = ModelProfile(model="claude-sonnet-4-5", vendor="anthropic")
OPUS = ModelProfile(model="claude-opus-4-7", vendor="anthropic")
HAIKU_3 = ModelProfile(model="claude-3-haiku-20240307", vendor="anthropic")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
PDF = base64.b64encode(b"%PDF-1.4 made up").decode()
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def foreign(*messages: ir.Message, **fields) -> ir.Request:
    turns = list(messages) or [ir.Message("user", [ir.Text("Hi")])]
    return ir.Request("asked-for", turns, **fields)


def emit(request: ir.Request, profile: ModelProfile = SONNET) -> JSONDict:
    return FORMAT.emit_request(request, profile)


def user(*parts: ir.Part) -> ir.Message:
    return ir.Message("user", list(parts))


def assistant(*parts: ir.Part) -> ir.Message:
    return ir.Message("assistant", list(parts))
