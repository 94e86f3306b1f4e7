"""Kiro (Amazon CodeWhisperer): a conversation state in, a binary event stream out. No client speaks it."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.wire import ir
from gateway.wire.base import ModelProfile, ProviderFormat, Rules, StreamDecoder, StreamParser
from gateway.wire.kiro import errors
from omniroute.errors import UpstreamRefused
from omniroute.types import JSONDict


class Kiro(ProviderFormat):
    name = errors.NAME
    label = "Kiro"
    always_streams = True
    inlines_media = True
    rules = Rules(
        tool_name=r"[a-zA-Z][a-zA-Z0-9_-]{0,63}",
        merge_roles=True,
        user_first=True,
        filler="continue",
    )

    def upstream_path(self, model: str, stream: bool, array: bool = False) -> str:
        return "/generateAssistantResponse"

    def decoder(self, array: bool) -> StreamDecoder:
        from gateway.wire.kiro.frames import Decoder

        return Decoder()

    def emit_request(self, request: ir.Request, profile: ModelProfile) -> JSONDict:
        from gateway.wire.kiro.request import emit_request

        return emit_request(request, profile)

    def unsaid_stops(self, stops: list[str]) -> list[str]:
        return stops

    def stream_parser(self) -> StreamParser:
        return self.parser_for(ModelProfile())

    def parser_for(self, profile: ModelProfile) -> StreamParser:
        from gateway.wire.kiro.stream import KiroStreamParser

        return KiroStreamParser(profile)

    def parse_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
        return errors.parse_error(status, body, headers)
