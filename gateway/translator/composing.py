"""Requests that the translator's pages put together, and the calls that take them to the wire endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.edge.auth import Grant
from gateway.translator.outgoing import path_of
from gateway.translator.own_client import Ask
from gateway.translator.sample_requests import TOOLS
from gateway.wire import get_format, ir, json
from gateway.wire.base import ModelProfile
from omniroute.types import JSONDict

_HEADERS: dict[str, dict[str, str]] = {"anthropic_messages": {"anthropic-version": "2023-06-01"}}
MAX_OUTPUT_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody types into the chat tester."""

    format: str
    model: str
    text: str
    system: str = ""
    stream: bool = True
    tools: bool = False


def body_of(message: Message) -> JSONDict:
    """As a client of the format would write it: by the format's own emitter."""
    tools = [ir.Tool(name, said, schema) for name, (said, schema) in TOOLS.items()]
    request = ir.Request(
        model=message.model,
        messages=[ir.Message("user", [ir.Text(message.text)])],
        stream=message.stream,
        include_usage=True if message.stream else None,
        system=[ir.Text(message.system)] if message.system else [],
        tools=tools if message.tools else [],
        max_output_tokens=MAX_OUTPUT_TOKENS if message.format == "anthropic_messages" else None,
    )
    return get_format(message.format).emit_request(request, ModelProfile(model=message.model))


def ask(
    body: bytes,
    format: str,
    model: str,
    *,
    stream: bool,
    grant: Grant,
    address: str,
    headers: Mapping[str, str] | None = None,
) -> Ask:
    """`model` and `stream` matter where the format has them in the path."""
    path, _, query = path_of(format, model, stream).partition("?")
    return Ask(path, query, body, grant, address, {**_HEADERS.get(format, {}), **(headers or {})})


def with_model(body: JSONDict, format: str, model: str, stream: bool) -> bytes:
    """The body of a sample, for another model."""
    if format == "gemini":
        return json.dumps(body)
    return json.dumps({**body, "model": model, "stream": stream})
