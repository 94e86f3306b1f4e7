"""Anthropic Messages, the format of Claude and of Claude Code."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.wire import ir
from gateway.wire.anthropic_messages import errors, tap
from gateway.wire.anthropic_messages.caching import limit_raw
from gateway.wire.anthropic_messages.foreign import remove_foreign
from gateway.wire.base import Inspection, ModelProfile, Rules, StreamEmitter, StreamParser, Tap, WireFormat
from gateway.wire.sse import ServerEvent, encode
from omniroute.errors import GatewayError, UpstreamRefused
from omniroute.types import Fields, InboundRequest, JSONDict

_UNDERSTOOD = (
    "model messages system stream max_tokens temperature top_p top_k stop_sequences tools tool_choice "
    "thinking output_config output_format metadata service_tier"
)


class AnthropicMessages(WireFormat):
    name = "anthropic_messages"
    label = "Anthropic Messages"
    keepalive = encode(b'{"type": "ping"}', "ping")
    vendor = "anthropic"
    understood = frozenset(_UNDERSTOOD.split())
    rules = Rules(merge_roles=True, user_first=True, filler=".")

    def upstream_path(self, model: str, stream: bool, array: bool = False) -> str:
        return "/messages"

    def patch(self, fields: Fields, model: str, stream: bool) -> None:
        fields["model"] = model
        remove_foreign(fields)
        limit_raw(fields)

    def tap(self, inbound: InboundRequest) -> Tap:
        return tap.AnthropicTap()

    def inspect(self, body: bytes) -> Inspection:
        return tap.inspect(body)

    def is_end(self, event: ServerEvent) -> bool:
        return event.name == b"message_stop" or event.data.startswith(tap.MESSAGE_STOP)

    def parse_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
        return errors.parse_error(status, body, headers)

    def emit_error(self, error: GatewayError) -> JSONDict:
        return errors.emit_error(error)

    def emit_stream_error(self, error: GatewayError) -> bytes:
        return errors.emit_stream_error(error)

    def parse_request(self, body: JSONDict, model: str, stream: bool) -> ir.Request:
        from gateway.wire.anthropic_messages.request import parse_request

        return parse_request(body, model, stream)

    def emit_request(self, request: ir.Request, profile: ModelProfile) -> JSONDict:
        from gateway.wire.anthropic_messages.request import emit_request

        return emit_request(request, profile)

    def unsaid_stops(self, stops: list[str]) -> list[str]:
        """Claude refuses blank ones."""
        return [stop for stop in stops if not stop.strip()]

    def parse_response(self, body: JSONDict) -> ir.Response:
        from gateway.wire.anthropic_messages.response import parse_response

        return parse_response(body)

    def emit_response(self, response: ir.Response, request: ir.Request) -> JSONDict:
        from gateway.wire.anthropic_messages.response import emit_response

        return emit_response(response, request)

    def stream_parser(self) -> StreamParser:
        from gateway.wire.anthropic_messages.stream import AnthropicStreamParser

        return AnthropicStreamParser()

    def stream_emitter(self, request: ir.Request) -> StreamEmitter:
        from gateway.wire.anthropic_messages.emitter import AnthropicStreamEmitter

        return AnthropicStreamEmitter(request)
