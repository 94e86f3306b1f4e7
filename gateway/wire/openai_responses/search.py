"""The `tool_search` tool that the client runs (Codex keeps rarer tools behind it). To other vendors it is a function.

What a search found becomes part of the request's tools (`toolspec.from_items`). A search that OpenAI runs stays there.
"""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, json
from gateway.wire.openai_responses.fields import NAME, own
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

TOOL = "tool_search"
CALL = "tool_search_call"
OUTPUT = "tool_search_output"


def parse_tool(raw: JSONDict) -> ir.Tool | None:
    """None for one that is not the client's to run."""
    parameters, description = raw.get("parameters"), raw.get("description")
    if raw.get("execution") != "client" or not isinstance(parameters, dict):
        return None
    told = description if isinstance(description, str) else "Finds further tools."
    return ir.Tool(TOOL, told, parameters, extra={NAME: {"tool": raw}})


def is_tool(tool: ir.Tool) -> bool:
    raw = own(tool.extra).get("tool")
    return isinstance(raw, dict) and raw.get("type") == TOOL


def parse_call(item: JSONDict) -> ir.ToolCall:
    arguments = item.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}).decode()
    return ir.ToolCall(_call_id(item), TOOL, text, extra={NAME: {"item": item}})


def emit_call(call: ir.ToolCall) -> JSONDict:
    """The item for a call whose arguments a model wrote."""
    try:
        arguments = json.loads((call.arguments or "{}").encode("utf-8", "surrogatepass"))
    except InvalidRequest:
        arguments = {"query": call.arguments}
    common = {"call_id": call.id, "execution": "client", "status": "completed"}
    return {"type": CALL, "arguments": arguments, **common}


def parse_result(item: JSONDict) -> ir.ToolResult:
    names = list(_names(item.get("tools")))
    text = "Found these tools: " + ", ".join(names) if names else "Found no tools."
    return ir.ToolResult(_call_id(item), [ir.Text(text)], name=TOOL, extra={NAME: {"raw": item}})


def runs_at_client(item: JSONDict) -> bool:
    """A call of OpenAI's own search carries no id that a result could answer."""
    return item.get("execution") == "client" and bool(_call_id(item))


def _call_id(item: JSONDict) -> str:
    call_id = item.get("call_id")
    return call_id if isinstance(call_id, str) else ""


def _names(tools: Any) -> list[str]:
    found: list[str] = []
    for tool in tools if isinstance(tools, list) else []:
        if not isinstance(tool, dict):
            continue
        name = tool.get("name")
        found += _names(tool.get("tools")) or ([name] if isinstance(name, str) else [])
    return found
