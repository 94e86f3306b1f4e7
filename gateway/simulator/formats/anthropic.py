"""Anthropic Messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from gateway.simulator.answer import Answer, Call, pieces_of
from gateway.simulator.formats.base import Dialect, Reply, Step, part_texts, sse
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

_STOP = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_ROLES = ("user", "assistant", "system")


class AnthropicMessages(Dialect):
    family = "anthropic"
    required_headers = ("anthropic-version",)

    def read(self, body: JSONDict) -> Question:
        question = read_conversation(body)
        question.max_tokens = need(body, "max_tokens", int)
        if question.max_tokens < 1:
            raise BadRequest("max_tokens: Input should be greater than or equal to 1", "max_tokens")
        question.stream = get(body, "stream", bool, False)
        question.stop = stop_list(body.get("stop_sequences"), "stop_sequences")
        get(body, "temperature", float, 1.0, least=0)
        question.reasoning = get(body, "thinking", dict, {}).get("type") in ("enabled", "adaptive")
        wanted = get(body, "output_config", dict, {}).get("format") or get(body, "output_format", dict, {})
        if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
            question.schema = get(wanted, "schema", dict, {})
        return question

    def whole(self, reply: Reply) -> JSONDict:
        answer = reply.answers[0]
        body = _message(reply)
        body["content"] = _blocks(answer, reply.question)
        body["stop_reason"], body["stop_sequence"] = (
            _STOP.get(answer.finish, answer.finish),
            answer.stop_sequence,
        )
        if reply.behavior.no_usage:
            del body["usage"]
        return body

    def stream(self, reply: Reply) -> Iterator[Step]:
        answer = reply.answers[0]
        message = _message(reply)
        message["usage"] = {**message["usage"], "output_tokens": 1}
        yield _event("message_start", message=message)
        for index, (block, deltas) in enumerate(_streamed(answer, reply.question)):
            yield _event("content_block_start", index=index, content_block=block)
            if index == 0:
                yield _event("ping")
            for delta in deltas:
                yield _event("content_block_delta", content=True, index=index, delta=delta)
            yield _event("content_block_stop", index=index)
        stop = {"stop_reason": _STOP.get(answer.finish, answer.finish), "stop_sequence": answer.stop_sequence}
        yield _event(
            "message_delta", delta=stop, usage={} if reply.behavior.no_usage else _final_usage(reply)
        )
        if not reply.behavior.no_done:
            yield _event("message_stop")

    def stream_error(self, body: JSONDict) -> bytes:
        return sse(body, "error")


def read_conversation(body: JSONDict) -> Question:
    """What `messages` and `count_tokens` share."""
    question = Question(model=need(body, "model", str), body=body)
    system, _ = part_texts(body.get("system"), "system", ("text",))
    question.hear("system", system)
    messages = objects(need(body, "messages", list), "messages")
    if not messages:
        raise BadRequest("messages: at least one message is required", "messages")
    for index, message in enumerate(messages):
        if message.get("role") not in _ROLES:
            raise BadRequest(
                f"messages.{index}.role: Input should be 'user' or 'assistant'", f"messages.{index}.role"
            )
        _hear(message, f"messages.{index}.content", question)
    for index, tool in enumerate(objects(body.get("tools") or [], "tools")):
        if not isinstance(tool.get("name"), str):
            raise BadRequest(f"tools.{index}.name: Field required", f"tools.{index}.name")
        question.tools.append(ToolOffer(tool["name"], get(tool, "input_schema", dict, {})))
    choice = get(body, "tool_choice", dict, {})
    if choice.get("type") in ("any", "tool"):
        question.choice, question.forced = "any", tuple(filter(None, [choice.get("name")]))
    elif choice.get("type") == "none":
        question.choice = "none"
    return question


def _hear(message: JSONDict, name: str, question: Question) -> None:
    content = message.get("content")
    if content is None:
        raise BadRequest(f"{name}: Field required", name)
    results = [part for part in content if isinstance(part, dict) and part.get("type") == "tool_result"]
    rest = [part for part in content if part not in results] if isinstance(content, list) else content
    for result in results:
        text, others = part_texts(result.get("content"), name, ("text",))
        question.hear("tool", text)
        question.attachments += others
    if not rest:
        return
    text, _ = part_texts(rest, name, ("text",))
    role = "user" if message["role"] == "user" and not results else "other"
    question.hear(role, text)
    if isinstance(rest, list):
        question.attachments += sum(
            isinstance(p, dict) and p.get("type") in ("image", "document") for p in rest
        )


def _message(reply: Reply) -> JSONDict:
    tokens = reply.tokens
    return {
        "id": f"msg_{reply.id}",
        "type": "message",
        "role": "assistant",
        "model": reply.question.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": tokens.input - tokens.cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": tokens.cached,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": tokens.output,
            "service_tier": "standard",
        },
    }


def _final_usage(reply: Reply) -> JSONDict:
    tokens = reply.tokens
    return {
        "input_tokens": tokens.input - tokens.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
    }


def _signature(answer: Answer) -> str:
    return base64.b64encode(b"simulated:" + "".join(answer.reasoning).encode()).decode()


def _shown(answer: Answer, question: Question) -> list[str]:
    return [] if get(question.body, "thinking", dict, {}).get("display") == "omitted" else answer.reasoning


def _call(call: Call, arguments: JSONDict) -> JSONDict:
    return {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": arguments}


def _blocks(answer: Answer, question: Question) -> list[JSONDict]:
    blocks: list[JSONDict] = []
    if answer.reasoning:
        thought = "".join(_shown(answer, question))
        blocks.append({"type": "thinking", "thinking": thought, "signature": _signature(answer)})
    if answer.pieces:
        blocks.append({"type": "text", "text": answer.text})
    return blocks + [_call(call, json.loads(call.arguments)) for call in answer.calls]


def _streamed(answer: Answer, question: Question) -> Iterator[tuple[JSONDict, list[JSONDict]]]:
    """Each block as it starts, and its deltas."""
    if answer.reasoning:
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _shown(answer, question)]
        deltas.append({"type": "signature_delta", "signature": _signature(answer)})
        yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if answer.pieces:
        yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in answer.pieces]
    for call in answer.calls:
        pieces = ["", *pieces_of(call.arguments)]
        yield _call(call, {}), [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _event(name: str, content: bool = False, **fields: object) -> Step:
    return Step(sse({"type": name, **fields}, name), content)
