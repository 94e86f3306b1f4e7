"""`tools` and `toolConfig`: parse beside emit."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, schema
from gateway.wire.gemini.fields import FORMAT, as_list, as_object, as_text, get, others, own
from omniroute.types import JSONDict

_KNOWN = frozenset({"name", "description", "parameters", "parametersJsonSchema"})
_MODES = {"AUTO": "auto", "ANY": "any", "NONE": "none", "VALIDATED": "auto"}
_WEB_SEARCH = ("web_search", "google_search", "openrouter:web_search")
"""Prefixes of other vendors' names for a search that the vendor runs."""
_SEARCH: JSONDict = {"googleSearch": {}}


def parse_tools(raw: Any) -> list[ir.Tool]:
    tools: list[ir.Tool] = []
    for item in as_list(raw):
        group = as_object(item, "tools")
        for key, value in group.items():
            if key in ("functionDeclarations", "function_declarations"):
                tools += [_parse_function(declaration) for declaration in as_list(value)]
            else:
                tools.append(ir.Tool(key, kind="hosted", format=FORMAT, raw={key: value}))
    return tools


def _parse_function(raw: Any) -> ir.Tool:
    declaration = as_object(raw, "tools.functionDeclarations")
    parameters = get(declaration, "parametersJsonSchema")
    if parameters is None:
        parameters = declaration.get("parameters")
    description = declaration.get("description")
    return ir.Tool(
        name=as_text(declaration.get("name"), "tools.functionDeclarations.name"),
        description=description if isinstance(description, str) else None,
        parameters=schema.standard(parameters) if isinstance(parameters, dict) else None,
        extra={FORMAT: declaration},
    )


def emit_tools(tools: list[ir.Tool], dropped: list[str]) -> list[JSONDict]:
    """All functions in one object, which is what every model takes; then what Google runs itself."""
    functions = [_emit_function(tool) for tool in tools if tool.kind != "hosted"]
    groups: list[JSONDict] = [{"functionDeclarations": functions}] if functions else []
    for tool in tools:
        if tool.kind != "hosted":
            continue
        if tool.format == FORMAT and tool.raw is not None:
            groups.append(tool.raw)
        elif tool.name.startswith(_WEB_SEARCH) and not functions:
            groups += [_SEARCH] if _SEARCH not in groups else []  # beside functions only Gemini 3 takes it
        else:
            dropped.append(f"tools.{tool.name}")
    return groups


def _emit_function(tool: ir.Tool) -> JSONDict:
    raw = own(tool.extra)
    if FORMAT in tool.extra and _parse_function(raw) == tool:
        return raw
    built: JSONDict = {**others(raw, _KNOWN), "name": tool.name}
    if tool.description is not None:
        built["description"] = tool.description
    parameters = schema.as_object(tool.parameters)
    if tool.kind == "custom":
        parameters = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    if not parameters["properties"] and not parameters.get("additionalProperties"):
        return built  # older models refuse an OBJECT without properties
    if schema.fits_gemini(parameters):
        built["parameters"] = schema.for_gemini(parameters)
    else:
        built["parametersJsonSchema"] = schema.for_gemini_json(parameters)
    return built


def parse_choice(raw: Any, tools: list[ir.Tool]) -> ir.ToolChoice | None:
    """A list of allowed names that leaves out none of the functions says nothing, so it is not kept."""
    config = as_object(get(as_object(raw, "toolConfig"), "functionCallingConfig"), "toolConfig")
    mode = _MODES.get(str(config.get("mode") or "").upper())
    if mode is None:
        return None
    names = tuple(str(name) for name in as_list(get(config, "allowedFunctionNames")))
    declared = {tool.name for tool in tools if tool.kind == "function"}
    if len(declared) > 1 and declared <= set(names):
        names = ()
    return ir.ToolChoice("any" if mode == "any" else "none" if mode == "none" else "auto", names)


def emit_choice(choice: ir.ToolChoice | None, raw: JSONDict, tools: list[ir.Tool]) -> JSONDict:
    """Nothing of a choice without functions to choose from, which Gemini refuses."""
    config = {key: value for key, value in raw.items() if key not in _CALLING}
    if choice is None or not any(tool.kind != "hosted" for tool in tools):
        return config
    calling: JSONDict = {"mode": choice.mode.upper()}
    if choice.names and choice.mode != "none":
        if choice.mode == "auto":
            calling["mode"] = "VALIDATED"  # AUTO does not take names
        calling["allowedFunctionNames"] = list(choice.names)
    config["functionCallingConfig"] = calling
    return config


_CALLING = ("functionCallingConfig", "function_calling_config")
