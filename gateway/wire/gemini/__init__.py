"""Gemini generateContent, as the Gemini API, Vertex and the Gemini CLI speak it."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.wire import ir, json
from gateway.wire.base import (
    Inspection,
    ModelProfile,
    Rules,
    StreamDecoder,
    StreamEmitter,
    StreamParser,
    Tap,
    WireFormat,
)
from gateway.wire.gemini import array as array_stream
from gateway.wire.gemini import errors, sealed, tap
from gateway.wire.sse import Decoder
from omniroute.errors import GatewayError, UpstreamRefused
from omniroute.types import Fields, InboundRequest, JSONDict

_UNDERSTOOD = (
    "model contents systemInstruction system_instruction generationConfig generation_config tools toolConfig "
    "tool_config"
)


class Gemini(WireFormat):
    """The model is part of the path, and a stream is another method: a body says neither."""

    name = "gemini"
    label = "Gemini generateContent"
    understood = frozenset(_UNDERSTOOD.split())
    keepalive = b"\n\n"
    """Google's own SDKs and litellm take a comment for a piece of JSON; all of them pass over blank lines."""
    rules = Rules(
        tool_name=r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}",
        tool_id=r".{1,128}",
        merge_roles=True,
        user_first=True,
    )

    def upstream_path(self, model: str, stream: bool, array: bool = False) -> str:
        from gateway.wire.gemini.listing import model_path

        method = ":streamGenerateContent" if stream else ":generateContent"
        return model_path(model) + method + ("?alt=sse" if stream and not array else "")

    def patch(self, fields: Fields, model: str, stream: bool) -> None:
        """Without what the gateway sealed for other vendors, which Google would refuse."""
        fields.pop("model", None)
        sealed.remove_sealed(fields, model)

    def tap(self, inbound: InboundRequest) -> Tap:
        return tap.GeminiTap()

    def decoder(self, array: bool) -> StreamDecoder:
        return array_stream.Decoder() if array else Decoder()

    def inspect(self, body: bytes) -> Inspection:
        return tap.inspect(body)

    def parse_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
        return errors.parse_error(status, body, headers)

    def emit_error(self, error: GatewayError) -> JSONDict:
        return errors.emit_error(error)

    def emit_stream_error(self, error: GatewayError) -> bytes:
        return errors.emit_stream_error(error)

    def emit_array_error(self, error: GatewayError, first: bool) -> bytes:
        return array_stream.frame(json.dumps(errors.emit_error(error)), first) + array_stream.END

    def parse_request(self, body: JSONDict, model: str, stream: bool) -> ir.Request:
        from gateway.wire.gemini.request import parse_request

        return parse_request(body, model, stream)

    def emit_request(self, request: ir.Request, profile: ModelProfile) -> JSONDict:
        from gateway.wire.gemini.request import emit_request

        return emit_request(request, profile)

    def unsaid_stops(self, stops: list[str]) -> list[str]:
        from gateway.wire.gemini.config import MAX_STOPS

        return [stop for stop in stops if stop][MAX_STOPS:]

    def parse_response(self, body: JSONDict) -> ir.Response:
        from gateway.wire.gemini.response import parse_response

        return parse_response(body)

    def emit_response(self, response: ir.Response, request: ir.Request) -> JSONDict:
        from gateway.wire.gemini.response import emit_response

        return emit_response(response, request)

    def stream_parser(self) -> StreamParser:
        from gateway.wire.gemini.stream import GeminiStreamParser

        return GeminiStreamParser()

    def stream_emitter(self, request: ir.Request) -> StreamEmitter:
        from gateway.wire.gemini.emitter import GeminiStreamEmitter

        return GeminiStreamEmitter(request)
