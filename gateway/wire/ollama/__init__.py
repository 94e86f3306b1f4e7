"""Ollama's `api/chat`: a format of clients only. A body becomes one of OpenAI's chat; a stream is lines of JSON.

Facts: github.com/ollama/ollama, docs/api.md. A stream is the default; calls have no ids, results come in their order.
"""

from __future__ import annotations

from gateway.wire import ir
from gateway.wire.base import StreamEmitter
from gateway.wire.ollama import answers, requests
from gateway.wire.openai_chat import OpenAIChat
from omniroute.errors import GatewayError
from omniroute.types import JSONDict


class Ollama(OpenAIChat):
    name = "ollama"
    label = "Ollama"
    provider_format = "openai_chat"
    understood = requests.UNDERSTOOD
    keepalive = answers.KEEPALIVE
    stream_type = "application/x-ndjson"

    def parse_request(self, body: JSONDict, model: str, stream: bool) -> ir.Request:
        return super().parse_request(requests.to_chat(body), model, stream)

    def emit_response(self, response: ir.Response, request: ir.Request) -> JSONDict:
        return answers.emit_response(response, request)

    def stream_emitter(self, request: ir.Request) -> StreamEmitter:
        return answers.OllamaEmitter(request)

    def emit_error(self, error: GatewayError) -> JSONDict:
        return answers.emit_error(error)

    def emit_stream_error(self, error: GatewayError) -> bytes:
        return answers.line(answers.emit_error(error))
