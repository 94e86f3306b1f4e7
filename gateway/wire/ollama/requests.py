"""A body of Ollama's as one of OpenAI's chat."""

from __future__ import annotations

from typing import Any

from gateway.wire import json
from gateway.wire.media import build_data_uri, image_type
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

UNDERSTOOD = frozenset(
    {"model", "messages", "tools", "format", "options", "stream", "think", "reasoning_effort", "keep_alive"}
)
_OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "stop": "stop",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
"""The rest of `options` (context size, threads, ...) is of a model that runs here."""
_EFFORTS: dict[Any, str] = {True: "medium", False: "none"}


def to_chat(body: JSONDict) -> JSONDict:
    """Raise `InvalidRequest`, naming the field."""
    chat: JSONDict = {"model": body.get("model"), "messages": _messages(body.get("messages"))}
    if body.get("tools"):
        chat["tools"] = body["tools"]
    options = body.get("options")
    if isinstance(options, dict):
        chat.update({name: options[own] for own, name in _OPTIONS.items() if options.get(own) is not None})
        limit = options.get("num_predict")
        if isinstance(limit, int) and limit > 0:  # -1: no limit, -2: until the context is full
            chat["max_tokens"] = limit
    if wanted := _response_format(body.get("format")):
        chat["response_format"] = wanted
    if effort := _effort(body):
        chat["reasoning_effort"] = effort
    return chat


def _effort(body: JSONDict) -> Any:
    """`think` is a switch or a level; the gateway's own policy writes `reasoning_effort`."""
    if body.get("reasoning_effort"):
        return body["reasoning_effort"]
    think = body.get("think")
    return _EFFORTS[think] if isinstance(think, bool) else think


def _response_format(format: Any) -> JSONDict | None:
    if format == "json":
        return {"type": "json_object"}
    if isinstance(format, dict) and format:
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": format}}
    return None


def _messages(given: Any) -> list[JSONDict]:
    if not isinstance(given, list):
        raise InvalidRequest("messages must be a list", param="messages")
    messages: list[JSONDict] = []
    waiting: list[tuple[str, str]] = []
    """Id and function of the calls that have no result yet."""
    for place, message in enumerate(given):
        if not isinstance(message, dict):
            raise InvalidRequest(f"messages.{place} must be an object", param="messages")
        if message.get("role") == "tool":
            messages.append(_result(message, waiting))
            continue
        calls = [
            _call(call, f"call_{place}_{number}")
            for number, call in enumerate(message.get("tool_calls") or [])
        ]
        waiting += [(call["id"], call["function"]["name"]) for call in calls]
        turn = {"role": message.get("role"), "content": _content(message)}
        if isinstance(message.get("thinking"), str):
            turn["reasoning_content"] = message["thinking"]
        messages.append({**turn, "tool_calls": calls} if calls else turn)
    return messages


def _content(message: JSONDict) -> Any:
    text, images = message.get("content") or "", message.get("images")
    if not isinstance(images, list) or not images:
        return text
    pictures = [
        {"type": "image_url", "image_url": {"url": build_data_uri(image_type(None, image), image)}}
        for image in images
        if isinstance(image, str)
    ]
    return [*([{"type": "text", "text": text}] if text else []), *pictures]


def _call(call: Any, id: str) -> JSONDict:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise InvalidRequest("tool_calls need a function with a name", param="messages")
    arguments = json.dumps(function.get("arguments") or {}).decode()
    own = call.get("id")
    return {
        "id": own if isinstance(own, str) and own else id,
        "type": "function",
        "function": {"name": function["name"], "arguments": arguments},
    }


def _result(message: JSONDict, waiting: list[tuple[str, str]]) -> JSONDict:
    """Of the call that it names, else of the oldest that waits."""
    name, id = message.get("tool_name") or message.get("name"), message.get("tool_call_id")
    fitting = (
        [each for each in waiting if each[0] == id]
        or [each for each in waiting if each[1] == name]
        or waiting
    )
    if fitting:
        call = fitting[0]
        waiting.remove(call)
        id = call[0]
    return {"role": "tool", "tool_call_id": id or "call_0", "content": message.get("content") or ""}
