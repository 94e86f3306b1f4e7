"""The `local_shell` tool, which OpenAI knows and the client runs. To other vendors it is a function."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, json
from gateway.wire.openai_responses.fields import NAME, own
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

TOOL = "local_shell"
CALL = "local_shell_call"
OUTPUT = "local_shell_call_output"
_PARAMETERS: JSONDict = {
    "type": "object",
    "properties": {
        "command": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The program and its arguments.",
        },
        "working_directory": {"type": "string", "description": "Where to run it."},
        "timeout_ms": {"type": "integer", "description": "Milliseconds after which it is stopped."},
    },
    "required": ["command"],
}


def parse_tool(raw: JSONDict) -> ir.Tool:
    return ir.Tool(TOOL, "Runs a command on the user's machine.", _PARAMETERS, extra={NAME: {"tool": raw}})


def is_tool(tool: ir.Tool) -> bool:
    raw = own(tool.extra).get("tool")
    return isinstance(raw, dict) and raw.get("type") == TOOL


def parse_call(item: JSONDict) -> ir.ToolCall:
    action = item.get("action")
    arguments = (
        {key: value for key, value in action.items() if key != "type"} if isinstance(action, dict) else {}
    )
    call_id = item.get("call_id") or item.get("id") or ""
    return ir.ToolCall(str(call_id), TOOL, json.dumps(arguments).decode(), extra={NAME: {"item": item}})


def emit_call(call: ir.ToolCall) -> JSONDict:
    """The item for a call whose arguments a model wrote; `env` is what the item's type requires."""
    known = own(call.extra).get("item")
    if isinstance(known, dict):
        return known
    arguments = _arguments(call.arguments)
    command = arguments.get("command")
    if isinstance(command, str):
        command = ["bash", "-lc", command]
    action: JSONDict = {
        "type": "exec",
        "command": [str(word) for word in command] if isinstance(command, list) else [],
        "env": {},
    }
    if isinstance(arguments.get("working_directory"), str):
        action["working_directory"] = arguments["working_directory"]
    if isinstance(arguments.get("timeout_ms"), int):
        action["timeout_ms"] = arguments["timeout_ms"]
    return {"type": CALL, "call_id": call.id, "action": action, "status": "completed"}


def _arguments(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text.encode("utf-8", "surrogatepass"))
    except InvalidRequest:
        return {}
    return value if isinstance(value, dict) else {}
