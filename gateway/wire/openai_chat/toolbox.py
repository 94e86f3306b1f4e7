"""Tools, the choice among them, and the format of the answer (docs/protocol-notes.md, Tools and Structured output)."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.openai_chat.content import mark_cached
from gateway.wire.openai_chat.emission import Emission
from gateway.wire.openai_chat.keep import CHAT, SHAPE, difference, restore
from gateway.wire.schema import for_openai, is_strict
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

LEGACY = "legacy"
KNOWS_ALLOWED_TOOLS = frozenset({"openai"})
_CHOICES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}


# ---- Tools -----------------------------------------------------------------------------------------------


def parse_tools(body: JSONDict) -> list[ir.Tool]:
    tools = [_parse_tool(raw, f"tools[{n}]") for n, raw in enumerate(_list(body.get("tools"), "tools"))]
    for number, raw in enumerate(_list(body.get("functions"), "functions")):
        tool = _parse_function({"type": "function", "function": raw}, f"functions[{number}]")
        tool.extra[SHAPE] = LEGACY
        tools.append(tool)
    if isinstance(body.get("web_search_options"), dict):
        tools.append(ir.Tool("web_search", kind="hosted", format=CHAT))
    return tools


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidRequest(f"{where} must be a list", param=where)
    return value


def _parse_tool(raw: Any, where: str) -> ir.Tool:
    if not isinstance(raw, dict):
        raise InvalidRequest(f"{where} must be an object", param=where)
    kind = raw.get("type", "function")
    if kind == "function" or "input_schema" in raw:
        return _parse_function(raw, where)
    if kind == "custom":
        return _parse_custom(raw, where)
    return ir.Tool(str(kind), kind="hosted", format=CHAT, raw=raw)


def _parse_function(raw: JSONDict, where: str) -> ir.Tool:
    """Also the flat forms of Responses and Messages, which some editors post here."""
    function = raw.get("function", raw)
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise InvalidRequest(f"{where}.function.name must be a string", param=f"{where}.function.name")
    parameters = function.get("parameters", function.get("input_schema"))
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidRequest(
            f"{where}.function.parameters must be an object", param=f"{where}.function.parameters"
        )
    description, strict = function.get("description"), function.get("strict")
    tool = ir.Tool(
        name,
        description=description if isinstance(description, str) else None,
        parameters=parameters,
        strict=strict if isinstance(strict, bool) else None,
    )
    return _keep(tool, raw)


def _parse_custom(raw: JSONDict, where: str) -> ir.Tool:
    custom = raw.get("custom", raw)
    name = custom.get("name") if isinstance(custom, dict) else None
    if not isinstance(name, str) or not name:
        raise InvalidRequest(f"{where}.custom.name must be a string", param=f"{where}.custom.name")
    description, form = custom.get("description"), custom.get("format")
    grammar = form.get("grammar", form) if isinstance(form, dict) and form.get("type") == "grammar" else None
    tool = ir.Tool(name, description=description if isinstance(description, str) else None, kind="custom")
    if isinstance(grammar, dict):
        tool.grammar = {"type": "grammar", **grammar}
    return _keep(tool, raw)


def _keep(tool: ir.Tool, raw: JSONDict) -> ir.Tool:
    kept = difference(raw, _emit_own(tool))
    if kept:
        tool.extra[CHAT] = kept
    mark_cached(tool.extra, raw)
    return tool


def _emit_own(tool: ir.Tool) -> JSONDict:
    said: JSONDict = {"name": tool.name}
    if tool.description is not None:
        said["description"] = tool.description
    if tool.kind == "custom":
        if tool.grammar is not None:
            grammar = {key: value for key, value in tool.grammar.items() if key != "type"}
            said["format"] = {"type": "grammar", "grammar": grammar}
        return {"type": "custom", "custom": said}
    if tool.parameters is not None:
        said["parameters"] = tool.parameters
    if tool.strict is not None:
        said["strict"] = tool.strict
    return {"type": "function", "function": said}


def emit_tools(tools: list[ir.Tool], emission: Emission) -> JSONDict:
    """`tools`, and `functions` where a client of old sent those."""
    listed: list[JSONDict] = []
    functions: list[JSONDict] = []
    for tool in tools:
        if tool.kind == "hosted":
            if tool.format != CHAT:
                emission.drop(f"tools.{tool.name}")
            elif tool.raw is not None:  # a search has none: `web_search_options` asks for it
                listed.append(tool.raw)
            continue
        emitted = restore(_emit_own(tool), tool.extra.get(CHAT))
        if not emission.native:
            _complete(emitted)
        if tool.extra.get(SHAPE) == LEGACY:
            functions.append(emitted["function"])
        else:
            listed.append(emitted)
    fields = {"tools": listed, "functions": functions}
    return {name: value for name, value in fields.items() if value}


def _complete(emitted: JSONDict) -> None:
    """Servers differ in what they make of a function without parameters; an empty object pleases all."""
    function = emitted.get("function")
    if function is None:
        return
    strict = function.pop("strict", None)
    function["parameters"] = for_openai(function.get("parameters"), strict)
    if strict and is_strict(function["parameters"]):
        function["strict"] = True


# ---- Choice ----------------------------------------------------------------------------------------------


def parse_choice(body: JSONDict) -> ir.ToolChoice | None:
    """None for a form that is not known; the top level keeps it for its own format."""
    value = body.get("tool_choice")
    if value is None and "function_call" in body:
        value = body["function_call"]
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            return ir.ToolChoice("any", (value["name"],), {SHAPE: LEGACY})
        mode = _CHOICES.get(value) if isinstance(value, str) else None
        return ir.ToolChoice(mode, (), {SHAPE: LEGACY}) if mode else None  # type: ignore[arg-type]
    if isinstance(value, str):
        mode = _CHOICES.get(value)
        return ir.ToolChoice(mode) if mode else None  # type: ignore[arg-type]
    if not isinstance(value, dict):
        return None
    return _parse_choice_object(value)


def _parse_choice_object(value: JSONDict) -> ir.ToolChoice | None:
    kind = value.get("type")
    if kind == "allowed_tools":
        allowed = value.get("allowed_tools", value)
        if not isinstance(allowed, dict) or not isinstance(allowed.get("tools"), list):
            return None
        names = tuple(name for tool in allowed["tools"] if isinstance(tool, dict) and (name := _named(tool)))
        mode = "any" if allowed.get("mode") == "required" else "auto"
        return ir.ToolChoice(mode, names, {SHAPE: value}) if names else None  # type: ignore[arg-type]
    name = _named(value)
    if name:
        return ir.ToolChoice("any", (name,), {SHAPE: "custom"} if kind == "custom" else {})
    mode = _CHOICES.get(str(kind)) or ""
    return ir.ToolChoice(mode) if mode else None  # type: ignore[arg-type]


def _named(value: JSONDict) -> str | None:
    inner = value.get("function") or value.get("custom") or value
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) and name else None


def emit_choice(choice: ir.ToolChoice, tools: list[ir.Tool]) -> Any:
    if choice.mode == "none":
        return "none"
    if not choice.names:
        return "required" if choice.mode == "any" else "auto"
    kinds = {tool.name: tool.kind for tool in tools}
    if choice.mode == "any" and len(choice.names) == 1:
        name = choice.names[0]
        if choice.extra.get(SHAPE) == LEGACY:
            return {"name": name}
        kind = "custom" if kinds.get(name) == "custom" or choice.extra.get(SHAPE) == "custom" else "function"
        return {"type": kind, kind: {"name": name}}
    allowed = [{"type": "function", "function": {"name": name}} for name in choice.names]
    mode = "required" if choice.mode == "any" else "auto"
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}


def narrow(request: ir.Request, emission: Emission) -> tuple[list[ir.Tool], ir.ToolChoice | None]:
    """Only OpenAI knows a list of allowed tools: elsewhere the others are not offered."""
    choice, tools = request.tool_choice, request.tools
    if emission.native or choice is None or not choice.names:
        return tools, choice
    if len(tools) > 1 and {tool.name for tool in tools if tool.kind != "hosted"} <= set(choice.names):
        return tools, ir.ToolChoice(choice.mode)
    if emission.profile.provider in KNOWS_ALLOWED_TOOLS:
        return tools, choice
    if choice.mode == "any" and len(choice.names) == 1:
        return tools, choice
    return [tool for tool in tools if tool.name in choice.names], ir.ToolChoice(choice.mode)


# ---- Answer format ---------------------------------------------------------------------------------------


def parse_response_format(value: Any) -> ir.ResponseFormat | None:
    """None for a form that is not known; the top level keeps it for its own format."""
    kind = value.get("type") if isinstance(value, dict) else None
    beside = value.get("schema") if isinstance(value, dict) else None
    if kind in ("json_schema", "json_object") and isinstance(beside, dict):  # Together, Fireworks, llama.cpp
        wanted = ir.ResponseFormat("json_schema", schema=beside)
    elif kind in ("text", "json_object"):
        wanted = ir.ResponseFormat(kind)
    elif kind == "json_schema" and isinstance(value.get("json_schema"), dict):
        said = value["json_schema"]
        schema, strict = said.get("schema", _unwrapped(said)), said.get("strict")
        wanted = ir.ResponseFormat(
            "json_schema",
            name=said["name"] if isinstance(said.get("name"), str) else None,
            description=said["description"] if isinstance(said.get("description"), str) else None,
            schema=schema if isinstance(schema, dict) else None,
            strict=strict if isinstance(strict, bool) else None,
        )
    else:
        return None
    kept = difference(value, emit_response_format(wanted, native=True))
    if kept:
        wanted.extra[CHAT] = kept
    return wanted


def _unwrapped(said: JSONDict) -> JSONDict | None:
    """The schema whose keywords stand where its wrapper's fields should, as vLLM and TGI let them."""
    schema = {key: item for key, item in said.items() if key not in ("name", "description", "strict")}
    return schema if {"type", "properties", "$ref", "anyOf"} & schema.keys() else None


def emit_response_format(wanted: ir.ResponseFormat, native: bool) -> JSONDict:
    if wanted.kind != "json_schema":
        return restore({"type": wanted.kind}, wanted.extra.get(CHAT))
    said: JSONDict = {}
    if wanted.name is not None or not native:
        said["name"] = wanted.name or "response"
    if wanted.description is not None:
        said["description"] = wanted.description
    if wanted.schema is not None:
        said["schema"] = wanted.schema if native else for_openai(wanted.schema, wanted.strict)
    if native and wanted.strict is not None:
        said["strict"] = wanted.strict
    elif wanted.strict and is_strict(said.get("schema")):
        said["strict"] = True
    return restore({"type": "json_schema", "json_schema": said}, wanted.extra.get(CHAT))
