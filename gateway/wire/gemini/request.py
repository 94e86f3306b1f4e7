"""generateContent requests: `parse_request` beside `emit_request`."""

from __future__ import annotations

import hashlib
from typing import Any

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from gateway.wire.depth import shallow
from gateway.wire.gemini import config as generation
from gateway.wire.gemini.contents import emit_contents
from gateway.wire.gemini.fields import FORMAT, as_list, as_object, get, is_gemini_3, others, own, spelled
from gateway.wire.gemini.parts import Style, parse_part
from gateway.wire.gemini.thoughts import Thoughts
from gateway.wire.gemini.tools import emit_choice, emit_tools, parse_choice, parse_tools
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_KNOWN = frozenset({"contents", "systemInstruction", "tools", "toolConfig", "generationConfig"})
_ROLES: dict[Any, ir.Role] = {"user": "user", "model": "assistant", "function": "user", "system": "system"}
_UNSAYABLE = ("user", "metadata", "service_tier")


@shallow
def parse_request(body: JSONDict, model: str, stream: bool) -> ir.Request:
    contents = get(body, "contents")
    if not isinstance(contents, list | dict):
        raise InvalidRequest("contents must be a list of contents", param="contents")
    tools = parse_tools(body.get("tools"))
    return ir.Request(
        model=model,
        messages=parse_contents(as_list(contents)),
        stream=stream,
        system=parse_system(get(body, "systemInstruction")),
        tools=tools,
        tool_choice=parse_choice(get(body, "toolConfig"), tools),
        extra={FORMAT: {"body": {key: value for key, value in body.items() if key != "contents"}}},
        **generation.read_config(get(body, "generationConfig")),
    )


def parse_system(raw: Any) -> list[ir.Text]:
    """A Content, a bare part or a string."""
    if raw is None:
        return []
    if isinstance(raw, str):
        return [ir.Text(raw)]
    content = as_object(raw, "systemInstruction")
    parts = as_list(content.get("parts")) if "parts" in content else [content]
    texts = [parse_part(part, "systemInstruction.parts") for part in parts if part]
    return [part for part in texts if isinstance(part, ir.Text)]


def parse_contents(contents: list[Any]) -> list[ir.Message]:
    calls, thoughts = _Calls(), Thoughts()
    messages: list[ir.Message] = []
    for number, raw in enumerate(contents):
        param = f"contents[{number}]"
        if not isinstance(raw, dict):
            raise InvalidRequest(f"{param} must be an object", param=param)
        given = raw.get("role") or "user"
        if not isinstance(given, str) or given not in _ROLES:
            raise InvalidRequest(f"{param}.role must be user or model, not {given!r}", param=f"{param}.role")
        said = as_list(raw.get("parts"))
        parts = [parse_part(part, f"{param}.parts") for part in said]
        calls.pair(parts)
        if _ROLES[given] == "assistant":
            parts = thoughts.read(said, parts)
        else:
            thoughts = Thoughts()
        messages.append(ir.Message(_ROLES[given], parts, {FORMAT: raw}))
    return messages


class _Calls:
    """Ids for calls without one, the same each time this conversation is sent, and the results' calls."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting: list[ir.ToolCall] = []

    def pair(self, parts: list[ir.Part]) -> None:
        for part in parts:
            if isinstance(part, ir.ToolCall):
                self._count += 1
                part.id = part.id or made_id("request", self._count, part.name)
                self._waiting.append(part)
            elif isinstance(part, ir.ToolResult):
                self._answer(part)

    def _answer(self, result: ir.ToolResult) -> None:
        fits = [call for call in self._waiting if result.call_id and call.id == result.call_id]
        fits = fits or [call for call in self._waiting if call.name == result.name]
        if fits:
            self._waiting.remove(fits[0])
            result.call_id, result.name = fits[0].id, result.name or fits[0].name
        elif not result.call_id:
            self._count += 1
            result.call_id = made_id("orphan", self._count, result.name or "")


def made_id(*seed: object) -> str:
    """`call_` and 24 hex digits, the same for the same seed."""
    return "call_" + hashlib.sha256(repr(seed).encode("utf-8", "replace")).hexdigest()[:24]


@shallow
def emit_request(request: ir.Request, profile: ModelProfile) -> JSONDict:
    raw: JSONDict = own(request.extra).get("body") or {}
    style = _style(profile)
    system = list(request.system)
    contents = emit_contents(request.messages, style, is_gemini_3(profile.model), system, request.dropped)
    if generation.asks_in_words(request, profile) and request.response_format is not None:
        system.append(ir.Text(generation.json_in_words(request.response_format)))
    if not contents and FORMAT not in request.extra:  # Gemini refuses a request of instructions alone
        contents = [{"role": "user", "parts": [{"text": text.text} for text in system] or [{"text": " "}]}]
        system = []
    body: JSONDict = {"contents": contents}
    pieces = {
        "systemInstruction": _emit_system(system, raw),
        "tools": _emit_tools(request, raw),
        "toolConfig": _emit_choice(request, raw),
        "generationConfig": _emit_config(request, profile, raw),
    }
    for key, value in pieces.items():
        if value is not _UNSET:
            body[spelled(raw, key)] = value
    body |= others(raw, _KNOWN)
    _note(request)
    return body


_UNSET: Any = object()


def _style(profile: ModelProfile) -> Style:
    modern = is_gemini_3(profile.model)
    return Style(
        ids=modern, media_in_results=modern, vendor=profile.vendor or FORMAT, unsigned_thoughts=False
    )


def _emit_system(system: list[ir.Text], raw: JSONDict) -> Any:
    given = get(raw, "systemInstruction")
    if _is_given(raw, "systemInstruction") and parse_system(given) == system:
        return raw[spelled(raw, "systemInstruction")]
    texts = [{"text": text.text} for text in system if text.text]
    return {"parts": texts} if texts else _UNSET


def _emit_tools(request: ir.Request, raw: JSONDict) -> Any:
    if _is_given(raw, "tools") and parse_tools(raw["tools"]) == request.tools:
        return raw["tools"]
    return emit_tools(request.tools, request.dropped) or _UNSET


def _emit_choice(request: ir.Request, raw: JSONDict) -> Any:
    given = get(raw, "toolConfig")
    if _is_given(raw, "toolConfig") and parse_choice(given, request.tools) == request.tool_choice:
        return raw[spelled(raw, "toolConfig")]
    return emit_choice(request.tool_choice, as_object(given, "toolConfig"), request.tools) or _UNSET


def _emit_config(request: ir.Request, profile: ModelProfile, raw: JSONDict) -> Any:
    given = get(raw, "generationConfig")
    if _is_given(raw, "generationConfig"):
        read = generation.read_config(given)
        if all(getattr(request, name) == value for name, value in read.items()):
            return raw[spelled(raw, "generationConfig")]
    emitted = generation.emit_config(request, profile, as_object(given, "generationConfig"))
    return emitted or _UNSET


def _is_given(raw: JSONDict, key: str) -> bool:
    return spelled(raw, key) in raw


def _note(request: ir.Request) -> None:
    request.dropped += [name for name in _UNSAYABLE if getattr(request, name) is not None]
    if request.parallel_tool_calls is False and request.tools:
        request.dropped.append("parallel_tool_calls")
