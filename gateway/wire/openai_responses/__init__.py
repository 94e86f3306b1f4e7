"""OpenAI Responses, the format that Codex and the Agents SDK speak."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway.wire import ir
from gateway.wire.base import Inspection, ModelProfile, Rules, StreamEmitter, StreamParser, Tap, WireFormat
from gateway.wire.openai_responses import errors, sealed, tap
from gateway.wire.sse import ServerEvent, comment
from omniroute.errors import GatewayError, UpstreamRefused
from omniroute.types import Fields, InboundRequest, JSONDict

_UNDERSTOOD = (
    "model input instructions stream stream_options tools tool_choice text reasoning parallel_tool_calls "
    "max_output_tokens temperature top_p top_logprobs include user metadata service_tier store "
    "prompt_cache_key prompt_cache_retention safety_identifier"
)
_TRUE = msgspec.Raw(b"true")


def in_background(inbound: InboundRequest) -> bool:
    """Whether the answer is to be made without waiting for it."""
    return inbound.format == "openai_responses" and inbound.fields.get("background") == _TRUE


class OpenAIResponses(WireFormat):
    name = "openai_responses"
    label = "OpenAI Responses"
    understood = frozenset(_UNDERSTOOD.split())
    vendor = "openai"
    keepalive = comment("keep-alive")
    rules = Rules(tool_id=r".{1,64}", custom_tools=True)

    def upstream_path(self, model: str, stream: bool, array: bool = False) -> str:
        return "/responses"

    def patch(self, fields: Fields, model: str, stream: bool) -> None:
        """`model`; and without what the gateway sealed for another vendor, which this one would refuse."""
        fields["model"] = model
        items = fields.get("input")
        if isinstance(items, msgspec.Raw):
            fields["input"] = sealed.without_sealed(items)

    def tap(self, inbound: InboundRequest) -> Tap:
        return tap.ResponsesTap(in_background(inbound))

    def inspect(self, body: bytes) -> Inspection:
        return tap.inspect(body)

    def is_end(self, event: ServerEvent) -> bool:
        return tap.is_end(event)

    def parse_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
        return errors.parse_error(status, body, headers)

    def emit_error(self, error: GatewayError) -> JSONDict:
        return errors.emit_error(error)

    def emit_stream_error(self, error: GatewayError) -> bytes:
        return errors.emit_stream_error(error)

    def parse_request(self, body: JSONDict, model: str, stream: bool) -> ir.Request:
        from gateway.wire.openai_responses.request import parse_request

        return parse_request(body, model, stream)

    def emit_request(self, request: ir.Request, profile: ModelProfile) -> JSONDict:
        from gateway.wire.openai_responses.request import emit_request

        return emit_request(request, profile)

    def unsaid_stops(self, stops: list[str]) -> list[str]:
        return stops

    def parse_response(self, body: JSONDict) -> ir.Response:
        from gateway.wire.openai_responses.response import parse_response

        return parse_response(body)

    def emit_response(self, response: ir.Response, request: ir.Request) -> JSONDict:
        from gateway.wire.openai_responses.response import emit_response

        return emit_response(response, request)

    def stream_parser(self) -> StreamParser:
        from gateway.wire.openai_responses.stream import ResponsesStreamParser

        return ResponsesStreamParser()

    def stream_emitter(self, request: ir.Request) -> StreamEmitter:
        from gateway.wire.openai_responses.emitter import ResponsesStreamEmitter

        return ResponsesStreamEmitter(request)
