"""OpenAI Chat Completions, the format that most providers speak."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway.wire import ir, json
from gateway.wire.base import Inspection, ModelProfile, Rules, StreamEmitter, StreamParser, Tap, WireFormat
from gateway.wire.openai_chat import errors, tap
from gateway.wire.sse import DONE, ServerEvent, comment
from omniroute.errors import GatewayError, UpstreamRefused
from omniroute.types import Fields, InboundRequest, JSONDict

_ASKED = (b'"include_usage":true', b'"include_usage": true')

_UNDERSTOOD = (
    "model messages stream stream_options max_tokens max_completion_tokens stop n temperature top_p top_k "
    "seed frequency_penalty presence_penalty logprobs top_logprobs tools tool_choice functions "
    "function_call parallel_tool_calls response_format reasoning_effort reasoning thinking user metadata "
    "service_tier store prompt_cache_key prompt_cache_retention safety_identifier web_search_options"
)


class OpenAIChat(WireFormat):
    name = "openai_chat"
    label = "OpenAI Chat Completions"
    keepalive = comment("keep-alive")
    understood = frozenset(_UNDERSTOOD.split())
    rules = Rules(tool_id=r".{1,40}", custom_tools=False)

    def upstream_path(self, model: str, stream: bool, array: bool = False) -> str:
        return "/chat/completions"

    def patch(self, fields: Fields, model: str, stream: bool) -> None:
        fields["model"] = model
        if not stream:
            return
        options = fields.get("stream_options")
        if isinstance(options, msgspec.Raw) and any(asked in bytes(options) for asked in _ASKED):
            return
        chosen = json.loads(options) if isinstance(options, msgspec.Raw) else options
        fields["stream_options"] = {**(chosen if isinstance(chosen, dict) else {}), "include_usage": True}

    def tap(self, inbound: InboundRequest) -> Tap:
        options = json.field(dict(inbound.fields), "stream_options")
        return tap.ChatTap(isinstance(options, dict) and options.get("include_usage") is True)

    def inspect(self, body: bytes) -> Inspection:
        return tap.inspect(body)

    def is_end(self, event: ServerEvent) -> bool:
        return event.data == DONE

    def parse_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
        return errors.parse_error(status, body, headers)

    def emit_error(self, error: GatewayError) -> JSONDict:
        return errors.emit_error(error)

    def emit_stream_error(self, error: GatewayError) -> bytes:
        return errors.emit_stream_error(error)

    def parse_request(self, body: JSONDict, model: str, stream: bool) -> ir.Request:
        from gateway.wire.openai_chat.request import parse_request

        return parse_request(body, model, stream)

    def emit_request(self, request: ir.Request, profile: ModelProfile) -> JSONDict:
        from gateway.wire.openai_chat.request import emit_request

        return emit_request(request, profile)

    def unsaid_stops(self, stops: list[str]) -> list[str]:
        from gateway.wire.openai_chat.request import MAX_STOPS

        return stops[MAX_STOPS:]

    def parse_response(self, body: JSONDict) -> ir.Response:
        from gateway.wire.openai_chat.response import parse_response

        return parse_response(body)

    def emit_response(self, response: ir.Response, request: ir.Request) -> JSONDict:
        from gateway.wire.openai_chat.response import emit_response

        return emit_response(response, request)

    def stream_parser(self) -> StreamParser:
        from gateway.wire.openai_chat.stream import ChatStreamParser

        return ChatStreamParser()

    def stream_emitter(self, request: ir.Request) -> StreamEmitter:
        from gateway.wire.openai_chat.emitter import ChatStreamEmitter

        return ChatStreamEmitter(request)
