"""Deepgram and AssemblyAI as wire formats: what they answer to anything but sound, and how they say what went wrong."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.wire import ir, json
from gateway.wire.base import ModelProfile, ProviderFormat, StreamParser
from gateway.wire.openai_chat import errors
from gateway.wire.transcription import deepgram
from omniroute.errors import InvalidRequest, UpstreamRefused
from omniroute.types import JSONDict


class SpeechFormat(ProviderFormat):
    """Its requests are written by the passage of `audio/transcriptions`, and by nothing else."""

    def upstream_path(self, model: str, stream: bool, array: bool = False) -> str:
        raise self._only_sound()

    def emit_request(self, request: ir.Request, profile: ModelProfile) -> JSONDict:
        raise self._only_sound()

    def stream_parser(self) -> StreamParser:
        raise self._only_sound()

    def _only_sound(self) -> UpstreamRefused:
        return UpstreamRefused(
            f"{self.label} only transcribes: POST /v1/audio/transcriptions",
            status=400,
            code="unsupported_operation",
            param="model",
        )

    def parse_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
        try:
            value = json.loads(body)
        except InvalidRequest:
            value = None
        known = deepgram.parse_error(status, value) if isinstance(value, dict) else None
        return known or errors.parse_error(status, body, headers)


class Deepgram(SpeechFormat):
    name = "deepgram"
    label = "Deepgram"


class AssemblyAI(SpeechFormat):
    name = "assemblyai"
    label = "AssemblyAI"
