"""An answer in Ollama's words: whole, and as lines of JSON."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from gateway.wire import ir, json
from gateway.wire.base import StreamEmitter
from omniroute.errors import GatewayError, UpstreamBroken
from omniroute.types import JSONDict, Usage


def line(value: JSONDict) -> bytes:
    return json.dumps(value) + b"\n"


KEEPALIVE = line({"message": {"role": "assistant", "content": ""}, "done": False})
"""Readers take a line that is no JSON for an error."""


def emit_error(error: GatewayError) -> JSONDict:
    return {"error": error.message}


def emit_response(response: ir.Response, request: ir.Request) -> JSONDict:
    candidate = response.candidates[0] if response.candidates else ir.Candidate()
    text, thinking, calls = "", "", []
    for part in candidate.parts:
        match part:
            case ir.Text() | ir.Refusal():
                text += part.text
            case ir.Reasoning():
                thinking += part.text
            case ir.ToolCall():
                calls.append(_call(part.name, part.arguments))
    message: JSONDict = {"role": "assistant", "content": text}
    if thinking:
        message["thinking"] = thinking
    if calls:
        message["tool_calls"] = calls
    end = _end(candidate.finish_reason, response.usage, 0)
    return {**_envelope(response.model or request.model), "message": message, **end}


def _envelope(model: str) -> JSONDict:
    moment = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"model": model, "created_at": moment}


def _end(reason: ir.FinishReason | None, usage: Usage | None, nanoseconds: int) -> JSONDict:
    return {
        "done": True,
        "done_reason": "length" if reason == "length" else "stop",
        "total_duration": nanoseconds,
        "load_duration": 0,
        "prompt_eval_count": usage.input_tokens if usage else 0,
        "prompt_eval_duration": 0,
        "eval_count": usage.output_tokens if usage else 0,
        "eval_duration": nanoseconds,
    }


def _call(name: str, arguments: str) -> JSONDict:
    try:
        value: Any = json.loads(arguments.encode()) if arguments else {}
    except GatewayError:
        value = arguments
    return {"function": {"name": name, "arguments": value if isinstance(value, dict) else {"input": value}}}


class OllamaEmitter(StreamEmitter):
    """Calls are told whole: Ollama's have no pieces. Of several candidates the first one is shown."""

    def __init__(self, request: ir.Request) -> None:
        self._model = request.model
        self._started = time.monotonic_ns()
        self._fields: dict[int, str] = {}
        """Of a message, by the part that is open."""
        self._calls: dict[int, list[str]] = {}
        """Name and pieces of the arguments."""
        self._usage: Usage | None = None
        self._reason: ir.FinishReason | None = None
        self._failed = False

    def emit(self, event: ir.Event) -> bytes:
        match event:
            case ir.Started():
                self._usage, self._model = event.usage or self._usage, event.model or self._model
            case ir.UsageReported():
                self._usage = event.usage
            case ir.Errored():
                self._failed = True
                return line({"error": event.message})
            case ir.PartStarted(candidate=0):
                return self._begin(event.index, event.part)
            case ir.PartDelta(candidate=0):
                return self._add(event.index, event.text)
            case ir.PartEnded(candidate=0):
                return self._tell_call(event.index)
            case ir.Finished(candidate=0):
                self._reason = event.reason
                return b"".join(map(self._tell_call, list(self._calls)))
        return b""

    def close(self) -> bytes:
        if self._failed:
            return b""
        if self._reason is None:
            return line(emit_error(UpstreamBroken("The stream ended before the answer was complete")))
        end = _end(self._reason, self._usage, time.monotonic_ns() - self._started)
        return line({**_envelope(self._model), "message": {"role": "assistant", "content": ""}, **end})

    def _begin(self, index: int, part: ir.Part) -> bytes:
        match part:
            case ir.ToolCall():
                self._calls[index] = [part.name, part.arguments]
                return b""
            case ir.Text() | ir.Refusal():
                self._fields[index] = "content"
            case ir.Reasoning():
                self._fields[index] = "thinking"
            case _:
                return b""
        return self._add(index, part.text)

    def _add(self, index: int, text: str) -> bytes:
        if index in self._calls:
            self._calls[index].append(text)
        elif text and (field := self._fields.get(index)):
            return self._message({"content": "", field: text})
        return b""

    def _tell_call(self, index: int) -> bytes:
        name, *pieces = self._calls.pop(index, [""])
        return self._message({"content": "", "tool_calls": [_call(name, "".join(pieces))]}) if name else b""

    def _message(self, said: JSONDict) -> bytes:
        return line({**_envelope(self._model), "message": {"role": "assistant", **said}, "done": False})
