"""OpenAI Responses: how it asks, and the whole answer. The stream is `responses_stream`."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from gateway.simulator.answer import Answer, Call
from gateway.simulator.formats import responses_stream
from gateway.simulator.formats.base import Dialect, Reply, Step, dump, logprob, part_texts
from gateway.simulator.question import BadRequest, JSONDict, Question, ToolOffer, get, need, objects

_TEXTS = ("input_text", "output_text", "text", "refusal")


class OpenAIResponses(Dialect):
    family = "openai"

    def read(self, body: JSONDict) -> Question:
        question = read_input(body)
        question.stream = get(body, "stream", bool, False)
        question.max_tokens = get(body, "max_output_tokens", int, 0, least=1) or None
        get(body, "temperature", float, 1.0, least=0)
        _read_choice(body.get("tool_choice"), question)
        effort = get(body, "reasoning", dict, {})
        question.reasoning = bool(effort) and effort.get("effort") != "none"
        wanted = get(get(body, "text", dict, {}), "format", dict, {})
        question.json_object = wanted.get("type") == "json_object"
        if wanted.get("type") == "json_schema":
            need(wanted, "name", str)
            question.schema = get(wanted, "schema", dict, {})
        if "message.output_text.logprobs" in (body.get("include") or []):
            question.top_logprobs = get(body, "top_logprobs", int, 0, least=0)
        return question

    def whole(self, reply: Reply) -> JSONDict:
        return response(reply, items_of(reply), _status(reply.answers[0]))

    def stream(self, reply: Reply) -> Iterator[Step]:
        items = items_of(reply)
        opening = response(reply, [], "in_progress")
        closing = response(reply, items, _status(reply.answers[0]))
        return responses_stream.steps(opening, items, closing, reply.answers[0])

    def stream_error(self, body: JSONDict) -> bytes:
        error = {
            "code": body["error"]["code"] or "server_error",
            "message": body["error"]["message"],
            "param": None,
        }
        event = {"type": "error", "sequence_number": 999, **error}
        return b"event: error\ndata: " + dump(event) + b"\n\n"


def read_input(body: JSONDict) -> Question:
    """What `responses` and `responses/input_tokens` share."""
    question = Question(model=need(body, "model", str), body=body)
    question.hear("system", get(body, "instructions", str, ""))
    given = body.get("input")
    if given is None:
        raise BadRequest("Missing required parameter: 'input'.", "input")
    for index, item in enumerate([{"role": "user", "content": given}] if isinstance(given, str) else given):
        if not isinstance(item, dict):
            raise BadRequest(f"Invalid type for 'input[{index}]': expected an object.", f"input[{index}]")
        _hear(item, f"input[{index}]", question)
    for tool in objects(body.get("tools") or [], "tools"):
        question.tools += _offers(tool)
    return question


def _hear(item: JSONDict, name: str, question: Question) -> None:
    kind = item.get("type", "message")
    if kind == "message":
        text, others = part_texts(item.get("content"), f"{name}.content", _TEXTS)
        question.hear("user" if item.get("role") == "user" else "other", text)
    elif str(kind).endswith("_output"):
        text, others = part_texts(item.get("output"), f"{name}.output", _TEXTS)
        question.hear("tool", text)
    elif kind == "additional_tools":
        question.tools += [offer for tool in item.get("tools", []) for offer in _offers(tool)]
        return
    else:
        return
    question.attachments += others


def _offers(tool: JSONDict) -> list[ToolOffer]:
    if tool.get("type") == "namespace":
        return [offer for inner in objects(tool.get("tools") or [], "tools") for offer in _offers(inner)]
    if tool.get("type") in ("function", "custom"):
        return [
            ToolOffer(need(tool, "name", str), get(tool, "parameters", dict, {}), tool["type"] == "custom")
        ]
    return []


def _read_choice(choice: Any, question: Question) -> None:
    if isinstance(choice, dict) and isinstance(choice.get("name"), str):
        question.choice, question.forced = "any", (choice["name"],)
    elif choice == "none":
        question.choice = "none"
    elif choice == "required":
        question.choice = "any"


def items_of(reply: Reply) -> list[JSONDict]:
    """The output, each item complete: reasoning, then the message, then the calls."""
    answer, items = reply.answers[0], list[JSONDict]()
    if answer.reasoning:
        text = "".join(answer.reasoning)
        item: JSONDict = {"id": f"rs_{reply.id}", "type": "reasoning", "summary": []}
        if (reply.question.body.get("reasoning") or {}).get("summary") or reply.behavior.think:
            item["summary"] = [{"type": "summary_text", "text": text}]
        if "reasoning.encrypted_content" in (reply.question.body.get("include") or []):
            item["encrypted_content"] = base64.b64encode(b"simulated:" + text.encode()).decode()
        items.append(item)
    if answer.pieces:
        message = {"id": f"msg_{reply.id}", "type": "message", "status": "completed", "role": "assistant"}
        items.append({**message, "content": [_part(answer, reply.question)]})
    return items + [_call(call) for call in answer.calls]


def _part(answer: Answer, question: Question) -> JSONDict:
    if answer.finish == "refusal":
        return {"type": "refusal", "refusal": answer.text}
    wanted = question.top_logprobs
    logprobs = [] if wanted is None else [logprob(piece, wanted) for piece in answer.pieces]
    return {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": logprobs}


def _call(call: Call) -> JSONDict:
    common = {"status": "completed", "call_id": f"call_{call.id}", "name": call.name}
    if call.custom:
        return {"id": f"ctc_{call.id}", "type": "custom_tool_call", "input": call.arguments, **common}
    return {"id": f"fc_{call.id}", "type": "function_call", "arguments": call.arguments, **common}


def _status(answer: Answer) -> str:
    return "incomplete" if answer.finish == "length" else "completed"


def _usage(reply: Reply) -> JSONDict:
    tokens = reply.tokens
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": 0},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.total,
    }


def response(reply: Reply, output: list[JSONDict], status: str) -> JSONDict:
    """The envelope with everything that the vendor echoes."""
    asked, done = reply.question.body, status != "in_progress"
    effort = asked.get("reasoning") or {}
    return {
        "id": f"resp_{reply.id}",
        "object": "response",
        "created_at": reply.created,
        "status": status,
        "background": False,
        "completed_at": reply.created if status == "completed" else None,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": reply.question.model,
        "output": output,
        "parallel_tool_calls": asked.get("parallel_tool_calls", True),
        "previous_response_id": asked.get("previous_response_id"),
        "prompt_cache_key": asked.get("prompt_cache_key"),
        "reasoning": {"effort": effort.get("effort"), "summary": effort.get("summary")},
        "safety_identifier": None,
        "service_tier": "default",
        "store": asked.get("store", True),
        "temperature": asked.get("temperature", 1.0),
        "text": asked.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": asked.get("tool_choice", "auto"),
        "tools": asked.get("tools") or [],
        "top_logprobs": asked.get("top_logprobs", 0),
        "top_p": asked.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": _usage(reply) if done and not reply.behavior.no_usage else None,
        "user": None,
        "metadata": asked.get("metadata") or {},
    }
