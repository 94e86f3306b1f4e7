"""Requests: one conversation state whose last turn is the user's (docs/protocol-notes.md, Kiro).

There is no role for instructions and no field for a wish about tools: both become text before the first turn. `Rules`
of this format have made the turns alternate by now, each call with its result in the next turn.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from gateway.wire import ir, json, media, schema
from gateway.wire import reasoning as thoughts
from gateway.wire.arguments import parse_object
from gateway.wire.base import ModelProfile
from omniroute.types import JSONDict

FILLER = "continue"
"""What a turn says that must be there and has nothing to say."""
NO_TEXT = "(no text)"
ORIGIN = "AI_EDITOR"
MAX_DESCRIPTION = 10_000
_FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_CLAUDE_ID = re.compile(r"(claude-[a-z]+-\d+)-(\d{1,2})(?!\d)")
_DATE = re.compile(r"-20\d{6}$")
_NAMESPACE = uuid.UUID("6f1d0c8e-4a57-5e0b-9d8e-5d6f0c1b7a42")
_UNSAYABLE = (
    "top_k",
    "seed",
    "n",
    "frequency_penalty",
    "presence_penalty",
    "logprobs",
    "top_logprobs",
    "parallel_tool_calls",
    "metadata",
    "user",
    "service_tier",
)


def emit_request(request: ir.Request, profile: ModelProfile) -> JSONDict:
    model = model_id(profile.model or request.model)
    emitter = _Turns(model, profile, request.dropped)
    turns = [emitter.turn(message) for message in request.messages]
    if not turns or "userInputMessage" not in turns[-1]:
        turns.append(emitter.user(ir.Message("user", [])))
    thinking = _thinking(request, profile)
    _put_first(turns, _instructions(request, thinking))
    current = turns[-1]["userInputMessage"]
    tools = _tools(request)
    if tools:
        current.setdefault("userInputMessageContext", {})["tools"] = tools
    body: JSONDict = {
        "conversationState": {
            "chatTriggerType": "MANUAL",
            "conversationId": _conversation(request),
            "currentMessage": {"userInputMessage": current},
            "history": turns[:-1],
        }
    }
    if further := _further(request, thinking):
        body["additionalModelRequestFields"] = further
    if config := _config(request, sampling="thinking" not in further):
        body["inferenceConfig"] = config
    request.dropped.extend(name for name in _UNSAYABLE if getattr(request, name) not in (None, []))
    return body


def model_id(model: str) -> str:
    """`claude-sonnet-4-5-20250929` and `claude-sonnet-4-5[1m]` -> `claude-sonnet-4.5`: versions have dots here."""
    plain = _DATE.sub("", model.removesuffix("[1m]"))
    return _CLAUDE_ID.sub(r"\1.\2", plain)


def _conversation(request: ir.Request) -> str:
    """The same for every turn of a conversation, so that the service finds what it has cached."""
    first = next((message for message in request.messages if message.role == "user"), None)
    seed = _text_of(first.parts) if first else ""
    return str(uuid.uuid5(_NAMESPACE, seed.encode("utf-8", "replace").decode()))


class _Turns:
    """Messages into turns. `dropped` takes note of what cannot be said."""

    def __init__(self, model: str, profile: ModelProfile, dropped: list[str]) -> None:
        self._model, self._dropped = model, dropped
        self._vision = profile.vision and "claude" in model
        """Only Claude sees."""

    def turn(self, message: ir.Message) -> JSONDict:
        return self._assistant(message) if message.role == "assistant" else self.user(message)

    def _assistant(self, message: ir.Message) -> JSONDict:
        said: JSONDict = {"content": _text_of(message.parts) or NO_TEXT}
        calls = [part for part in message.parts if isinstance(part, ir.ToolCall)]
        if calls:
            said["toolUses"] = [
                {"toolUseId": call.id, "name": call.name, "input": parse_object(call.arguments)}
                for call in calls
            ]
        return {"assistantResponseMessage": said}

    def user(self, message: ir.Message) -> JSONDict:
        parts = list(_shown(message.parts))
        said: JSONDict = {"content": self._content(parts), "modelId": self._model, "origin": ORIGIN}
        pictures = [*parts, *(p for part in parts if isinstance(part, ir.ToolResult) for p in part.parts)]
        images = [image for part in pictures if (image := self._image(part)) is not None]
        if images:
            said["images"] = images
        results = [_result(part) for part in parts if isinstance(part, ir.ToolResult)]
        if results:
            said["userInputMessageContext"] = {"toolResults": results}
        return {"userInputMessage": said}

    def _content(self, parts: list[ir.Part]) -> str:
        texts = [text for part in parts if (text := self._text(part))]
        return "\n\n".join(texts) or FILLER

    def _text(self, part: ir.Part) -> str:
        match part:
            case ir.Text() | ir.Refusal():
                return part.text
            case ir.File():
                return self._file(part)
            case ir.Audio():
                self._dropped.append("audio")
            case ir.Unknown():
                self._dropped.append(part.type)
        return ""

    def _file(self, part: ir.File) -> str:
        text = part.text
        if text is None and part.data is not None and (part.media_type or "").startswith("text/"):
            content = media.decode_base64(part.data)
            text = content.decode("utf-8", "replace") if content is not None else None
        if text is None:
            self._dropped.append("file")
            return f"[file {part.filename or part.title or ''} left out]".replace(" ]", "]")
        name = part.filename or part.title
        return f"{name}:\n{text}" if name else text

    def _image(self, part: ir.Part) -> JSONDict | None:
        if not isinstance(part, ir.Image):
            return None
        kind = _FORMATS.get(media.image_type(part.media_type, part.data)) if part.data else None
        if kind is None or not self._vision:
            self._dropped.append("image")
            return None
        return {"format": kind, "source": {"bytes": part.data}}


def _shown(parts: list[ir.Part]) -> list[ir.Part]:
    """A picture that came as a file is a picture."""
    return [
        ir.Image(part.media_type, part.data, part.url)
        if isinstance(part, ir.File) and (part.media_type or "").startswith("image/")
        else part
        for part in parts
    ]


def _result(part: ir.ToolResult) -> JSONDict:
    return {
        "toolUseId": part.call_id,
        "status": "error" if part.is_error else "success",
        "content": [{"text": _text_of(part.parts) or NO_TEXT}],
    }


def _text_of(parts: list[ir.Part]) -> str:
    texts = (part.text for part in parts if isinstance(part, ir.Text | ir.Refusal | ir.File))
    return "\n\n".join(text for text in texts if text)


# ---- Instructions ----------------------------------------------------------------------------------------


def _put_first(turns: list[JSONDict], text: str) -> None:
    """Before what the user says first."""
    if text:
        first = next(turn["userInputMessage"] for turn in turns if "userInputMessage" in turn)
        first["content"] = f"{text}\n\n{first['content']}"


def _instructions(request: ir.Request, thinking: JSONDict) -> str:
    texts = [part.text for part in request.system if part.text]
    if "budget_tokens" in thinking:
        budget = thinking["budget_tokens"]
        mode = f"<thinking_mode>enabled</thinking_mode><max_thinking_length>{budget}</max_thinking_length>"
        texts.insert(0, mode)
    if request.response_format is not None and request.response_format.kind != "text":
        texts.append(_json_only(request.response_format))
    choice = request.tool_choice
    if choice is not None and choice.mode == "any":
        names = " or ".join(choice.names)
        texts.append(
            f"Answer by calling the tool {names}." if names else "Answer by calling one of the tools."
        )
    return "\n\n".join(texts)


def _json_only(wanted: ir.ResponseFormat) -> str:
    text = "Answer with one JSON object and nothing else."
    if wanted.schema is None:
        return text
    return f"{text} It must match this JSON schema:\n{json.dumps(wanted.schema).decode()}"


def _thinking(request: ir.Request, profile: ModelProfile) -> JSONDict:
    """Claude's `thinking` object: a budget goes into the text, the adaptive kind into a field. {}: none."""
    asked, model = request.reasoning, profile.model or request.model
    if asked is None or thoughts.claude_version(model) is None:
        return {}
    situation = thoughts.ClaudeSituation(
        max_tokens=request.max_output_tokens, temperature=request.temperature
    )
    wanted = thoughts.for_claude(asked, profile, situation)
    if not wanted.active or wanted.thinking is None:
        return {}
    return {**wanted.thinking, "$effort": wanted.effort, "$max_tokens": wanted.max_tokens}


def _further(request: ir.Request, thinking: JSONDict) -> JSONDict:
    if thinking.get("type") != "adaptive":
        return {}
    fields: JSONDict = {"thinking": {"type": "adaptive", "display": "summarized"}}
    if thinking["$effort"]:
        fields["output_config"] = {"effort": thinking["$effort"]}
    if request.max_output_tokens is not None:
        fields["max_tokens"] = thinking["$max_tokens"]
    return fields


def _config(request: ir.Request, *, sampling: bool) -> JSONDict:
    """A model that thinks by the new way takes neither temperature nor top_p."""
    fields: dict[str, Any] = {"maxTokens": request.max_output_tokens}
    if sampling:
        fields |= {"temperature": request.temperature, "topP": request.top_p}
    return {name: value for name, value in fields.items() if value is not None}


# ---- Tools -----------------------------------------------------------------------------------------------


def _tools(request: ir.Request) -> list[JSONDict]:
    """Also those that only the history knows: it must not name a tool that is not offered."""
    wanted = [tool for tool in request.tools if tool.kind != "hosted"]
    choice = request.tool_choice
    if choice is not None and (choice.mode == "none" or (choice.names and choice.mode == "any")):
        wanted = [tool for tool in wanted if choice.mode == "any" and tool.name in choice.names]
    request.dropped.extend(f"tools.{tool.name}" for tool in request.tools if tool.kind == "hosted")
    offered = [_specification(tool.name, tool.description, tool.parameters) for tool in wanted]
    known = {tool.name for tool in wanted}
    called = dict.fromkeys(
        part.name
        for message in request.messages
        for part in message.parts
        if isinstance(part, ir.ToolCall) and part.name not in known
    )
    return offered + [_specification(name, "Not available any more.", None) for name in called]


def _specification(name: str, description: str | None, parameters: JSONDict | None) -> JSONDict:
    shape = schema.for_anthropic(parameters or {})
    shape.setdefault("required", [])
    said = (description or "").strip() or f"The tool {name}."
    return {
        "toolSpecification": {
            "name": name,
            "description": said[:MAX_DESCRIPTION],
            "inputSchema": {"json": shape},
        }
    }
