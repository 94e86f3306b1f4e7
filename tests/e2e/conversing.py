"""One conversation in every client format: what is asked and what is answered, in the neutral form."""

from __future__ import annotations

from typing import Any

import httpx

from gateway.wire import get_format, ir, json
from gateway.wire.base import ModelProfile
from gateway.wire.sse import Decoder
from tests.e2e.server import Gateway

FORMATS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
STYLES = dict(zip(FORMATS, ("effort", "effort", "budget", "budget"), strict=True))
"""How a client of each asks for thoughts."""


def user(*parts: ir.Part | str) -> ir.Message:
    return ir.Message("user", [ir.Text(part) if isinstance(part, str) else part for part in parts])


def send(gateway: Gateway, format: str, request: ir.Request, **headers: str) -> httpx.Response:
    client = get_format(format)
    body = client.emit_request(request, ModelProfile(model=request.model, reasoning=STYLES[format]))
    path = {
        "openai_chat": "/v1/chat/completions",
        "openai_responses": "/v1/responses",
        "anthropic_messages": "/v1/messages",
        "gemini": f"/v1beta/models/{request.model}:"
        + ("streamGenerateContent?alt=sse" if request.stream else "generateContent"),
    }[format]
    if format == "gemini":
        body.pop("model", None)
    return gateway.http.post(
        path, content=json.dumps(body), headers={"content-type": "application/json", **headers}
    )


def read(format: str, answer: httpx.Response, stream: bool) -> ir.Response:
    assert answer.status_code == 200, answer.text
    client = get_format(format)
    if not stream:
        return client.parse_response(answer.json())
    decoder, parser = Decoder(), client.stream_parser()
    events = [
        found for event in [*decoder.feed(answer.content), *decoder.flush()] for found in parser.feed(event)
    ]
    return ir.fold([*events, *parser.close()])


def ask(
    gateway: Gateway, format: str, model: str, *messages: ir.Message, stream: bool = False, **more: Any
) -> ir.Response:
    request = ir.Request(model, list(messages), stream=stream, include_usage=stream or None, **more)
    return read(format, send(gateway, format, request), stream)


def text_of(response: ir.Response) -> str:
    return "".join(part.text for part in response.candidates[0].parts if isinstance(part, ir.Text))
