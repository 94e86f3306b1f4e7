"""The legacy `/v1/completions` on top of chat: a prompt in, text out.

A body becomes a chat body; the reply, as the neutral form has it, becomes a `text_completion`. Only the text of
the answer is shown: reasoning and tool calls have no place here.
"""

from __future__ import annotations

import time
from typing import Any

from gateway.wire import ir, json
from gateway.wire.base import StreamEmitter
from gateway.wire.openai_chat import OpenAIChat
from gateway.wire.openai_chat.errors import emit_stream_error
from gateway.wire.openai_chat.finish import emit_finish
from gateway.wire.openai_chat.response import new_id
from gateway.wire.openai_chat.usage import emit_usage
from gateway.wire.sse import DONE, encode
from omniroute.errors import GatewayError, InvalidRequest, UpstreamBroken
from omniroute.types import JSONDict, Usage

ECHO = "openai_completions.echo"
"""Key in `Request.extra`: the prompt, which the reply repeats."""
SYSTEM = "_system"
"""Instructions that the gateway adds to the body. No client can: names with an underscore are the gateway's own."""
_SAME = (
    "model",
    "stream",
    "stream_options",
    "max_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
    "reasoning_effort",
)


class OpenAICompletions(OpenAIChat):
    """A format of clients only: a provider is asked in chat, so the answer always goes through the neutral form."""

    name = "openai_completions"
    label = "OpenAI Completions (legacy)"
    provider_format = "openai_chat"
    understood = OpenAIChat.understood | {"prompt", "echo", "suffix", "best_of"}

    def parse_request(self, body: JSONDict, model: str, stream: bool) -> ir.Request:
        request = super().parse_request(to_chat(body), model, stream)
        remember_echo(request, body)
        return request

    def emit_response(self, response: ir.Response, request: ir.Request) -> JSONDict:
        return emit_response(response, request)

    def stream_emitter(self, request: ir.Request) -> StreamEmitter:
        return CompletionsEmitter(request)


# ---- Request ---------------------------------------------------------------------------------------------


def to_chat(body: JSONDict) -> JSONDict:
    """A chat body that asks the same. Raise `InvalidRequest` for what chat models cannot do.

    Those are: several prompts, prompts of token numbers, `suffix` and `best_of` above `n`.
    """
    prompt = read_prompt(body)
    if body.get("suffix"):
        raise InvalidRequest("suffix is not supported: chat models only continue a text", param="suffix")
    best_of, n = body.get("best_of"), body.get("n")
    if isinstance(best_of, int) and best_of > (n if isinstance(n, int) else 1):
        raise InvalidRequest("best_of above n is not supported", param="best_of")
    system = [{"role": "system", "content": body[SYSTEM]}] if body.get(SYSTEM) else []
    chat: JSONDict = {"messages": [*system, {"role": "user", "content": prompt}]}
    chat.update({name: body[name] for name in _SAME if body.get(name) is not None})
    logprobs = body.get("logprobs")
    if isinstance(logprobs, int) and not isinstance(logprobs, bool):
        chat["logprobs"] = True
        chat["top_logprobs"] = logprobs
    return chat


def read_prompt(body: JSONDict) -> str:
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if isinstance(prompt, str):
        if prompt:
            return prompt
        raise InvalidRequest("prompt must not be empty", param="prompt")
    if isinstance(prompt, list) and prompt and all(isinstance(item, str) for item in prompt):
        raise InvalidRequest(
            "Only one prompt a request is supported: send one request for each", param="prompt"
        )
    if isinstance(prompt, list) and prompt:
        raise InvalidRequest("A prompt of token numbers is not supported: send text", param="prompt")
    raise InvalidRequest("prompt is required and must be a string", param="prompt")


def remember_echo(request: ir.Request, body: JSONDict) -> None:
    """Call this with the parsed chat request before the reply is emitted."""
    if body.get("echo") is True:
        request.extra[ECHO] = read_prompt(body)


# ---- Reply -----------------------------------------------------------------------------------------------


def emit_response(response: ir.Response, request: ir.Request) -> JSONDict:
    body = _envelope(response.id, response.created, response.model or request.model)
    echo = request.extra.get(ECHO, "")
    body["choices"] = [
        _choice(number, candidate, echo) for number, candidate in enumerate(response.candidates)
    ]
    if response.usage is not None:
        body["usage"] = emit_usage(response.usage)
    return body


def _envelope(identity: str, created: int | None, model: str) -> JSONDict:
    return {
        "id": new_id(identity, "cmpl"),
        "object": "text_completion",
        "created": created or int(time.time()),
        "model": model,
        "choices": [],
    }


def _choice(number: int, candidate: ir.Candidate, echo: str) -> JSONDict:
    said = [part.text for part in candidate.parts if isinstance(part, ir.Text | ir.Refusal)]
    return {
        "text": echo + "".join(said),
        "index": number,
        "logprobs": legacy_logprobs(candidate.logprobs, len(echo)),
        "finish_reason": finish_word(candidate.finish_reason),
    }


def finish_word(reason: ir.FinishReason | None) -> str:
    """`tool_calls` is not a word of this endpoint."""
    word = emit_finish(reason)
    return "stop" if word == "tool_calls" else word


def legacy_logprobs(logprobs: JSONDict | None, offset: int = 0) -> JSONDict | None:
    """Chat's list of tokens as the four lists of old."""
    content = (logprobs or {}).get("content")
    if not isinstance(content, list):
        return None
    lists: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    for entry in content:
        if not isinstance(entry, dict):
            continue
        token = str(entry.get("token", ""))
        top = entry.get("top_logprobs")
        lists["tokens"].append(token)
        lists["token_logprobs"].append(entry.get("logprob"))
        lists["top_logprobs"].append(
            {str(item.get("token")): item.get("logprob") for item in top if isinstance(item, dict)}
            if isinstance(top, list)
            else {}
        )
        lists["text_offset"].append(offset)
        offset += len(token)
    return lists


class CompletionsEmitter(StreamEmitter):
    """`request` is the parsed chat request."""

    def __init__(self, request: ir.Request) -> None:
        self._model = request.model
        self._wants_usage = bool(request.include_usage)
        self._echo = request.extra.get(ECHO, "")
        self._envelope = _envelope("", None, request.model)
        self._shown: set[tuple[int, int]] = set()
        self._begun: set[int] = set()
        self._usage: Usage | None = None
        self._finished = self._failed = False

    def emit(self, event: ir.Event) -> bytes:
        match event:
            case ir.Started():
                self._usage = event.usage or self._usage
                self._envelope = _envelope(event.id, event.created, event.model or self._model)
            case ir.PartStarted(part=ir.Text(text=text) | ir.Refusal(text=text)):
                self._shown.add((event.candidate, event.index))
                return self._begin(event.candidate) + (self._chunk(event.candidate, text) if text else b"")
            case ir.PartDelta() if (event.candidate, event.index) in self._shown:
                return self._chunk(event.candidate, event.text)
            case ir.Finished():
                self._finished = True
                logprobs = legacy_logprobs(event.logprobs, len(self._echo))
                begun = self._begin(event.candidate)
                return begun + self._chunk(event.candidate, "", finish_word(event.reason), logprobs)
            case ir.UsageReported():
                self._usage = event.usage
            case ir.Errored():
                self._failed = True
                return emit_stream_error(GatewayError(event.message, status=event.status, code=event.code))
        return b""

    def close(self) -> bytes:
        if self._failed:
            return b""
        if not self._finished:
            return emit_stream_error(UpstreamBroken("The stream ended before the answer was complete"))
        usage = b""
        if self._wants_usage and self._usage is not None:
            usage = encode(json.dumps({**self._envelope, "usage": emit_usage(self._usage)}))
        return usage + encode(DONE)

    def _begin(self, candidate: int) -> bytes:
        if candidate in self._begun:
            return b""
        self._begun.add(candidate)
        return self._chunk(candidate, self._echo) if self._echo else b""

    def _chunk(
        self, candidate: int, text: str, finish: str | None = None, logprobs: JSONDict | None = None
    ) -> bytes:
        choice = {"text": text, "index": candidate, "logprobs": logprobs, "finish_reason": finish}
        return encode(json.dumps({**self._envelope, "choices": [choice]}))
