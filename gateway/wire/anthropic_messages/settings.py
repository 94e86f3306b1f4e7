"""Tools, tool choice, thinking and the answer's format: the objects at the top level of a request."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, json, reasoning, schema
from gateway.wire.anthropic_messages.blocks import JSON_TOOL, NAME
from gateway.wire.anthropic_messages.parts import own_fields
from gateway.wire.base import ModelProfile
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

# ---- Tools -------------------------------------------------------------------------------------------------


def parse_tools(value: Any) -> list[ir.Tool]:
    if not isinstance(value, list):
        raise InvalidRequest("tools: Input should be a valid list", param="tools")
    return [_parse_tool(tool, f"tools.{number}") for number, tool in enumerate(value)]


def _parse_tool(tool: Any, path: str) -> ir.Tool:
    if not isinstance(tool, dict):
        raise InvalidRequest(f"{path}: Input should be an object", param=path)
    kind = tool.get("type")
    if isinstance(kind, str) and kind != "custom":
        return ir.Tool(kind, kind="hosted", format=NAME, raw=tool)
    name, parameters = tool.get("name"), tool.get("input_schema")
    if not isinstance(name, str):
        raise InvalidRequest(f"{path}.name: Field required", param=f"{path}.name")
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidRequest(f"{path}.input_schema: Input should be an object", param=f"{path}.input_schema")
    description, strict = tool.get("description"), tool.get("strict")
    parsed = ir.Tool(
        name,
        description if isinstance(description, str) else None,
        parameters,
        strict if isinstance(strict, bool) else None,
    )
    said = {
        "name": name,
        "description": parsed.description,
        "input_schema": parameters,
        "strict": parsed.strict,
    }
    rest = {key: item for key, item in tool.items() if said.get(key) is None}
    if rest:
        parsed.extra = {NAME: rest}
    return parsed


def emit_tools(request: ir.Request, same: bool) -> list[JSONDict]:
    allowed = _allowed(request.tool_choice) if not same else None
    tools: list[JSONDict] = []
    for tool in request.tools:
        if tool.kind == "hosted":
            if tool.format == NAME and tool.raw is not None:
                tools.append(tool.raw)
            else:
                request.dropped.append(f"tools.{tool.name}")
        elif allowed is None or tool.name in allowed:
            tools.append(_emit_tool(tool, same))
    return tools


def _allowed(choice: ir.ToolChoice | None) -> tuple[str, ...] | None:
    """A choice among some of the tools can only be said by leaving the others away."""
    if choice is None or not choice.names or (choice.mode == "any" and len(choice.names) == 1):
        return None
    return choice.names


def _emit_tool(tool: ir.Tool, same: bool) -> JSONDict:
    emitted: JSONDict = {"name": tool.name}
    if tool.description is not None:
        emitted["description"] = tool.description
    if not same:
        emitted["input_schema"] = schema.for_anthropic(tool.parameters)
        return {**emitted, **own_fields(tool.extra)}
    if tool.parameters is not None:
        emitted["input_schema"] = tool.parameters
    if tool.strict is not None:
        emitted["strict"] = tool.strict
    return {**emitted, **own_fields(tool.extra)}


# ---- Tool choice -------------------------------------------------------------------------------------------


def parse_tool_choice(value: Any) -> tuple[ir.ToolChoice, bool | None]:
    """The choice, and whether parallel calls are allowed (None: not said)."""
    kind = value.get("type") if isinstance(value, dict) else None
    parallel = value.get("disable_parallel_tool_use") if isinstance(value, dict) else None
    allowed = not parallel if isinstance(parallel, bool) else None
    match kind:
        case "auto" | "any" | "none":
            return ir.ToolChoice(kind), allowed
        case "tool" if isinstance(value.get("name"), str):
            return ir.ToolChoice("any", (value["name"],)), allowed
    raise InvalidRequest(
        "tool_choice: Input should be an object of type auto, any, tool (with a name) or none",
        param="tool_choice",
    )


def emit_tool_choice(request: ir.Request, tools: list[JSONDict]) -> JSONDict | None:
    """None without a choice. The switch for parallel calls needs one to sit on.

    A forced tool that is not among `tools`, for being another vendor's own, cannot be forced.
    """
    choice, serial = request.tool_choice, request.parallel_tool_calls is False
    if choice is not None and not {*choice.names} <= {tool["name"] for tool in tools}:
        request.dropped.append("tool_choice")
        choice = None
    emitted: JSONDict
    if choice is None:
        if not serial:
            return None
        emitted = {"type": "auto"}
    elif choice.mode == "any" and len(choice.names) == 1:
        emitted = {"type": "tool", "name": choice.names[0]}
    else:
        emitted = {"type": choice.mode}
    if serial and emitted["type"] != "none":
        emitted["disable_parallel_tool_use"] = True
    return emitted


# ---- Thinking ----------------------------------------------------------------------------------------------


def parse_reasoning(thinking: Any, effort: Any) -> ir.ReasoningRequest | None:
    if thinking is None and not isinstance(effort, str):
        return None
    parsed = ir.ReasoningRequest(effort=effort if effort in reasoning.EFFORTS else None)
    if thinking is None:
        return parsed
    if not isinstance(thinking, dict) or not isinstance(thinking.get("type"), str):
        raise InvalidRequest("thinking: Input should be an object with a type", param="thinking")
    budget = thinking.get("budget_tokens")
    parsed.budget = budget if isinstance(budget, int) and not isinstance(budget, bool) else None
    parsed.enabled = {"enabled": True, "disabled": False}.get(thinking["type"])
    parsed.visible = {"omitted": False, "summarized": True}.get(str(thinking.get("display")))
    if parsed.visible is None and thinking["type"] != "disabled":
        parsed.visible = True
    return parsed


# ---- The answer's format -----------------------------------------------------------------------------------


def parse_response_format(value: Any, path: str) -> ir.ResponseFormat | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("schema", {}), dict):
        raise InvalidRequest(f"{path}: Input should be an object with a schema", param=path)
    if value.get("type") != "json_schema":
        return None
    name = value.get("name")
    return ir.ResponseFormat(
        "json_schema", name if isinstance(name, str) else None, schema=value.get("schema")
    )


def has_structured_output(profile: ModelProfile) -> bool:
    """Claude 4.5 and newer, and Opus 4.1, take `output_config.format`."""
    version = reasoning.claude_version(profile.model)
    return version is not None and (version >= (4, 5) or (version == (4, 1) and "opus" in profile.model))


def force_json_tool(body: JSONDict, wanted: ir.ResponseFormat) -> None:
    """For models without structured output: the answer is the input of the one tool that they must call."""
    about = wanted.description or "Give the answer. Its input is the whole answer to the user."
    body["tools"] = [
        {"name": JSON_TOOL, "description": about, "input_schema": schema.for_anthropic(wanted.schema)}
    ]
    body["tool_choice"] = {"type": "tool", "name": JSON_TOOL}


def describe_json(wanted: ir.ResponseFormat) -> str:
    """The instruction where neither structured output nor a forced tool is possible."""
    text = "Answer with one JSON object only: no Markdown fence, no text before or behind it."
    if wanted.schema is None:
        return text
    return f"{text} It must match this JSON schema:\n{json.dumps(wanted.schema).decode('utf-8', 'replace')}"
