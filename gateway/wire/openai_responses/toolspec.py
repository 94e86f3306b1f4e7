"""Tools and tool choice (docs/protocol-notes.md, Tools)."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, schema
from gateway.wire.openai_responses import search, shell
from gateway.wire.openai_responses.fields import NAME, invalid, leftover, own, typed
from omniroute.types import JSONDict

_FUNCTION = ("type", "name", "description", "parameters", "strict")
_CUSTOM = ("type", "name", "description", "format")
_MODES: dict[str, Any] = {"auto": "auto", "required": "any", "any": "any", "none": "none"}


def parse_tools(value: Any, param: str = "tools") -> list[ir.Tool]:
    """Groups come out flat, each tool with its `namespace`."""
    tools: list[ir.Tool] = []
    for index, raw in enumerate(typed(value, list, param, "a list of tools")):
        tools += parse_tool(typed(raw, dict, f"{param}[{index}]", "an object"), f"{param}[{index}]")
    return tools


def parse_tool(raw: JSONDict, param: str) -> list[ir.Tool]:
    kind = typed(raw.get("type"), str, f"{param}.type", "a tool type such as 'function'")
    if kind == "function" and isinstance(
        raw.get("function"), dict
    ):  # Chat's shape, which some clients send here
        raw = {"type": kind, **raw["function"]}
    if kind == "function":
        parameters = raw.get("parameters")
        if parameters is not None:
            typed(parameters, dict, f"{param}.parameters", "a JSON schema")
        return [_tool(raw, param, _FUNCTION, parameters=parameters, strict=raw.get("strict"))]
    if kind == "custom":
        format = raw.get("format")
        grammar = format if isinstance(format, dict) and format.get("type") == "grammar" else None
        rest = () if grammar is not None else ("format",)
        return [
            _tool(raw, param, [key for key in _CUSTOM if key not in rest], kind="custom", grammar=grammar)
        ]
    if kind == "namespace" and isinstance(raw.get("tools"), list) and raw["tools"]:
        return _parse_group(raw, param)
    if kind == shell.TOOL:
        return [shell.parse_tool(raw)]
    if kind == search.TOOL and (found := search.parse_tool(raw)):
        return [found]
    return [ir.Tool(kind, kind="hosted", format=NAME, raw=raw)]


def _tool(raw: JSONDict, param: str, known: Any, **fields: Any) -> ir.Tool:
    name = typed(raw.get("name"), str, f"{param}.name", "a string")
    description = raw.get("description")
    rest = leftover(raw, known)
    rest.update({key: None for key in known if key in raw and raw[key] is None})
    if description is not None:
        typed(description, str, f"{param}.description", "a string")
    return ir.Tool(name, description, extra={NAME: rest}, **fields)


def _parse_group(raw: JSONDict, param: str) -> list[ir.Tool]:
    name = typed(raw.get("name"), str, f"{param}.name", "a string")
    tools = parse_tools(raw["tools"], f"{param}.tools")
    for tool in tools:
        tool.namespace = name if tool.kind != "hosted" else None
        tool.extra[NAME] = {**own(tool.extra), "group": name}
    tools[0].extra[NAME]["group_start"] = leftover(raw, ("tools",))
    return tools


def from_items(items: list[Any]) -> list[ir.Tool]:
    """Tools that input items bring: Codex's `additional_tools`, and what a tool search found."""
    found: list[ir.Tool] = []
    for index, item in enumerate(items):
        if not isinstance(item, dict) or item.get("type") not in ("additional_tools", "tool_search_output"):
            continue
        if not isinstance(item.get("tools"), list):
            continue
        for tool in parse_tools(item["tools"], f"input[{index}].tools"):
            tool.extra[NAME] = {**own(tool.extra), "from_item": True}
            found.append(tool)
    return found


def emit_tools(tools: list[ir.Tool], dropped: list[str]) -> list[JSONDict]:
    emitted: list[JSONDict] = []
    group: JSONDict | None = None
    for tool in tools:
        kept = own(tool.extra)
        if kept.get("from_item"):
            continue
        if "group_start" in kept:
            group = {**kept["group_start"], "tools": []}
            emitted.append(group)
        elif "group" not in kept:
            group = None
        raw = emit_tool(tool)
        if raw is None:
            dropped.append(f"tools.{tool.name}")
        else:
            (emitted if group is None else group["tools"]).append(raw)
    return emitted


def emit_tool(tool: ir.Tool) -> JSONDict | None:
    """None for a tool that another vendor runs."""
    kept = own(tool.extra)
    if tool.kind == "hosted":
        return tool.raw if tool.format == NAME else None
    if shell.is_tool(tool) or search.is_tool(tool):
        return dict(kept["tool"])
    rest = {key: value for key, value in kept.items() if key not in ("group", "group_start", "from_item")}
    emitted: JSONDict = {"type": tool.kind, "name": tool.name}
    if tool.description is not None:
        emitted["description"] = tool.description
    if tool.kind == "custom":
        if tool.grammar is not None:
            emitted["format"] = _grammar(tool.grammar)
        return {**emitted, **rest}
    if NAME in tool.extra:
        if tool.parameters is not None:
            emitted["parameters"] = tool.parameters
        if tool.strict is not None:
            emitted["strict"] = tool.strict
        return {**emitted, **rest}
    emitted["parameters"] = schema.for_openai(tool.parameters, tool.strict)
    emitted["strict"] = bool(tool.strict) and schema.is_strict(
        emitted["parameters"]
    )  # omitted means true here
    return emitted


def _grammar(grammar: JSONDict) -> JSONDict:
    """Flat, where Chat nests it."""
    nested = grammar.get("grammar")
    return {"type": "grammar", **(nested if isinstance(nested, dict) else grammar)}


def parse_choice(value: Any) -> ir.ToolChoice:
    if isinstance(value, str):
        mode = _MODES.get(value)
        if mode is None:
            raise invalid("tool_choice", "expected auto, required, none or an object")
        return ir.ToolChoice(mode, extra={NAME: {"raw": value}})
    choice: JSONDict = typed(value, dict, "tool_choice", "a string or an object")
    kept: ir.Extra = {NAME: {"raw": choice}}
    kind = choice.get("type")
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else choice.get("name")
    if kind in ("function", "custom") and isinstance(name, str):
        return ir.ToolChoice("any", (name,), kept)
    if kind == "allowed_tools":
        tools = choice.get("tools")
        named = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
        names = tuple(tool["name"] for tool in named if isinstance(tool.get("name"), str))
        return ir.ToolChoice(_MODES.get(str(choice.get("mode")), "auto"), names, kept)
    if kind == shell.TOOL:
        return ir.ToolChoice("any", (shell.TOOL,), kept)
    return ir.ToolChoice("auto", (), kept)  # a tool that the vendor runs: no other vendor can be made to


def emit_choice(choice: ir.ToolChoice, tools: list[ir.Tool]) -> Any:
    kept = own(choice.extra)
    if "raw" in kept:
        return kept["raw"]
    word = "required" if choice.mode == "any" else choice.mode
    kinds = {tool.name: tool.kind for tool in tools if tool.kind != "hosted"}
    named = [{"type": kinds[name], "name": name} for name in choice.names if name in kinds]
    everything = len(named) > 1 and len(named) == len(tools)
    if choice.mode == "none" or not named or everything:
        return word
    if choice.mode == "any" and len(named) == 1:
        return named[0]
    return {"type": "allowed_tools", "mode": word, "tools": named}
