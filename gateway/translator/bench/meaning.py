"""What a request asks and what an answer says, whatever the format: what must be the same after a translation."""

from __future__ import annotations

import json
from typing import Any

from gateway.simulator.question import Question
from gateway.wire import ir
from gateway.wire.base import WireFormat
from gateway.wire.sse import Decoder
from omniroute.types import JSONDict

_FINISH = {"stop_sequence": "stop", "pause": "stop"}
"""Not every format tells these apart."""


def of_question(question: Question) -> JSONDict:
    """As the simulated provider read it, which knows nothing of `gateway.wire`."""
    return {
        "texts": sorted(_settled(text) for text in question.prompt if text.strip()),
        "last words": question.text,
        "tool results": [_json(result) for result in question.results],
        "attachments": question.attachments,
        "tools": {tool.name: sorted(tool.schema.get("properties") or {}) for tool in question.tools},
        "tool choice": [question.choice, *question.forced],
        "schema": sorted((question.schema or {}).get("properties") or {}),
        "reasoning": question.reasoning,
        "streamed": question.stream,
    }


def of_reply(reply: ir.Response) -> JSONDict:
    candidate = reply.candidates[0] if reply.candidates else ir.Candidate()
    usage = reply.usage
    return {
        "text": _settled(
            "".join(part.text for part in candidate.parts if isinstance(part, ir.Text | ir.Refusal))
        ),
        "reasoning": "".join(part.text for part in candidate.parts if isinstance(part, ir.Reasoning)).strip(),
        "tool calls": [
            {"name": part.name, "arguments": _json(part.arguments or "{}")}
            for part in candidate.parts
            if isinstance(part, ir.ToolCall)
        ],
        "finish reason": _FINISH.get(candidate.finish_reason or "", candidate.finish_reason),
        "usage": {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "from cache": usage.cache_read_tokens,
        }
        if usage
        else None,
    }


def read_whole(body: bytes, format: WireFormat) -> ir.Response:
    """Raise `GatewayError` for what is no answer."""
    return format.parse_response(json.loads(body))


def read_stream(stream: bytes, format: WireFormat) -> ir.Response:
    """Raise `BrokenStream` for one that is not complete."""
    decoder, parser = Decoder(), format.stream_parser()
    events = [found for event in decoder.feed(stream) + decoder.flush() for found in parser.feed(event)]
    return ir.fold([*events, *parser.close()])


def difference(expected: JSONDict, got: JSONDict) -> list[JSONDict]:
    """Where two of these differ: `what`, `expected`, `got`."""
    return [
        {"what": name, "expected": expected[name], "got": got.get(name)}
        for name in expected
        if expected[name] != got.get(name)
    ]


def _settled(text: str) -> str:
    """A space behind a colon in JSON says nothing: Gemini's tool results are values, everybody else's are text."""
    return text.replace('": ', '":')


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
