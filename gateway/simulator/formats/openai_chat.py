"""Chat Completions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import Any

from gateway.simulator.answer import Answer, Call, pieces_of
from gateway.simulator.formats.base import Dialect, Reply, Step, logprob, part_texts, sse
from gateway.simulator.question import (
    BadRequest,
    JSONDict,
    Question,
    ToolOffer,
    get,
    need,
    objects,
    stop_list,
)

_FINISH = {"stop_sequence": "stop", "refusal": "stop"}
_HEARD = {"user": "user", "tool": "tool", "function": "tool"}


class OpenAIChat(Dialect):
    family = "openai"

    def read(self, body: JSONDict) -> Question:
        question = read_common(body)
        question.top_logprobs = (
            get(body, "top_logprobs", int, 0) if get(body, "logprobs", bool, False) else None
        )
        question.max_tokens = get(body, "max_completion_tokens", int, 0, least=1) or question.max_tokens
        messages = objects(need(body, "messages", list), "messages")
        if not messages:
            raise BadRequest("Invalid 'messages': empty array.", "messages")
        for index, message in enumerate(messages):
            if not isinstance(message.get("role"), str):
                raise BadRequest(
                    f"Missing required parameter: 'messages[{index}].role'.", f"messages[{index}].role"
                )
            text, others = part_texts(
                message.get("content"), f"messages[{index}].content", ("text", "refusal")
            )
            question.hear(_HEARD.get(message["role"], "other"), text)
            question.attachments += others
        _read_tools(body, question)
        _read_response_format(body, question)
        question.reasoning = get(body, "reasoning_effort", str, "none") != "none"
        return question

    def whole(self, reply: Reply) -> JSONDict:
        choices = []
        for index, answer in enumerate(reply.answers):
            message: JSONDict = {
                "role": "assistant",
                "content": answer.text or None,
                "refusal": None,
                "annotations": [],
            }
            if answer.finish == "refusal":
                message |= {"content": None, "refusal": answer.text}
            if answer.reasoning:
                message["reasoning_content"] = "".join(answer.reasoning)
            if answer.calls:
                message["tool_calls"] = [_call(call) for call in answer.calls]
            choices.append(
                {
                    "index": index,
                    "message": message,
                    "logprobs": _logprobs(answer.pieces, reply.question),
                    "finish_reason": _FINISH.get(answer.finish, answer.finish),
                }
            )
        body = {**_envelope(reply, "chat.completion"), "choices": choices}
        return body if reply.behavior.no_usage else {**body, "usage": usage(reply)}

    def stream(self, reply: Reply) -> Iterator[Step]:
        envelope = _envelope(reply, "chat.completion.chunk")
        told = {"usage": None} if reply.question.include_usage else {}
        rows = [_deltas(index, answer, reply.question) for index, answer in enumerate(reply.answers)]
        for choice in chain.from_iterable(zip_longest(*rows)):
            if choice is not None:
                content = bool(choice["delta"]) and "role" not in choice["delta"]
                yield Step(sse({**envelope, "choices": [choice], **told}), content)
        if reply.question.include_usage and not reply.behavior.no_usage:
            yield Step(sse({**envelope, "choices": [], "usage": usage(reply)}))
        if not reply.behavior.no_done:
            yield Step(sse(b"[DONE]"))

    def stream_error(self, body: JSONDict) -> bytes:
        return sse(body)


def read_common(body: JSONDict) -> Question:
    """What Chat Completions and the older Completions share."""
    options = get(body, "stream_options", dict, {})
    get(body, "temperature", float, 1.0, least=0)
    return Question(
        model=need(body, "model", str),
        body=body,
        stream=get(body, "stream", bool, False),
        n=get(body, "n", int, 1, least=1),
        max_tokens=get(body, "max_tokens", int, 0, least=1) or None,
        stop=stop_list(body.get("stop"), "stop"),
        include_usage=bool(options.get("include_usage")),
    )


def usage(reply: Reply) -> JSONDict:
    tokens = reply.tokens
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.total,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _envelope(reply: Reply, kind: str) -> JSONDict:
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": kind,
        "created": reply.created,
        "model": reply.question.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }


def _read_tools(body: JSONDict, question: Question) -> None:
    for index, tool in enumerate(objects(body.get("tools") or [], "tools")):
        inner = get(tool, "function", dict, {}) or get(tool, "custom", dict, {})
        if not isinstance(inner.get("name"), str):
            path = f"tools[{index}].{tool.get('type', 'function')}.name"
            raise BadRequest(f"Missing required parameter: '{path}'.", path)
        schema = get(inner, "parameters", dict, {})
        question.tools.append(ToolOffer(inner["name"], schema, tool.get("type") == "custom"))
    choice = body.get("tool_choice")
    if choice is not None and not question.tools:
        raise BadRequest("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    if isinstance(choice, dict):
        question.choice, question.forced = "any", _named(choice)
    elif choice in ("none", "required"):
        question.choice = "none" if choice == "none" else "any"


def _named(choice: JSONDict) -> tuple[str, ...]:
    if choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools", {}).get("tools", [])
        return tuple(name for tool in allowed for name in _named(tool))
    inner = choice.get("function") or choice.get("custom") or {}
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise BadRequest(
            "Missing required parameter: 'tool_choice.function.name'.", "tool_choice.function.name"
        )
    return (inner["name"],)


def _read_response_format(body: JSONDict, question: Question) -> None:
    wanted = get(body, "response_format", dict, {})
    question.json_object = wanted.get("type") == "json_object"
    if wanted.get("type") == "json_schema":
        named = need(wanted, "json_schema", dict)
        need(named, "name", str)
        question.schema = get(named, "schema", dict, {})


def _call(call: Call) -> JSONDict:
    if call.custom:
        return {
            "id": f"call_{call.id}",
            "type": "custom",
            "custom": {"name": call.name, "input": call.arguments},
        }
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": f"call_{call.id}", "type": "function", "function": function}


def _logprobs(pieces: list[str], question: Question) -> JSONDict | None:
    if question.top_logprobs is None:
        return None
    return {"content": [logprob(piece, question.top_logprobs) for piece in pieces], "refusal": None}


def _deltas(index: int, answer: Answer, question: Question) -> list[JSONDict]:
    """One choice's chunks: role, reasoning, text, calls, finish."""

    def choice(delta: JSONDict, pieces: list[str] | None = None, finish: str | None = None) -> JSONDict:
        logprobs = _logprobs(pieces, question) if pieces else None
        return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}

    said = "refusal" if answer.finish == "refusal" else "content"
    choices = [choice({"role": "assistant", "content": "", "refusal": None})]
    choices += [choice({"reasoning_content": piece}) for piece in answer.reasoning]
    choices += [choice({said: piece}, [piece]) for piece in answer.pieces]
    for position, call in enumerate(answer.calls):
        choices += [choice({"tool_calls": [delta]}) for delta in _call_deltas(position, call)]
    choices.append(choice({}, finish=_FINISH.get(answer.finish, answer.finish)))
    return choices


def _call_deltas(position: int, call: Call) -> Iterator[JSONDict]:
    kind, field = ("custom", "input") if call.custom else ("function", "arguments")
    head: dict[str, Any] = {"name": call.name, field: ""}
    yield {"index": position, "id": f"call_{call.id}", "type": kind, kind: head}
    for piece in pieces_of(call.arguments):
        yield {"index": position, kind: {field: piece}}
