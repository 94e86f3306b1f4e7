"""Items, the unit of input and output alike: into parts (docs/protocol-notes.md, Messages, Tools).

What a part keeps in `extra["openai_responses"]`:
* Text, Refusal, Image, File, Audio: `part`, the rest of the content part; the first of a message item also
  `item`, the rest of the item, and `text`, whether its content was a bare string.
* ToolCall, Reasoning: the rest of the item, flat.
* ToolResult: `item`, and `text` as above.
* Unknown: the item itself is `raw`; `content` marks a content part.
"""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.openai_responses import search, shell
from gateway.wire.openai_responses.content import parse_content
from gateway.wire.openai_responses.fields import NAME, VENDOR, invalid, leftover, own, typed
from gateway.wire.openai_responses.sealed import unseal
from omniroute.types import JSONDict

_ROLES: dict[Any, ir.Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "developer",
    "tool": "user",
    "unknown": "user",
    "critic": "developer",
    "discriminator": "developer",
}
SUMMARY_JOINT = "\n\n"
"""Between the parts of a summary and, in a reply, in front of every later thought: others do not keep them apart."""


def parse_message(item: JSONDict, param: str) -> tuple[ir.Role, list[ir.Part]]:
    """A `message` item; easy input messages say no type."""
    said = item.get("role")
    role = _ROLES.get(said) if isinstance(said, str) else None
    if role is None:
        raise invalid(f"{param}.role", "expected one of user, assistant, system, developer")
    content = item.get("content")
    kept: JSONDict = {"item": leftover(item, ("role", "content"))}
    if item["role"] != role:
        kept["item"]["role"] = item["role"]
    if isinstance(content, str):
        return role, [ir.Text(content, {NAME: {**kept, "text": True}})]
    parts = parse_content(content if content is not None else [], role, f"{param}.content")
    if content is None:
        kept["item"]["content"] = None
    if parts:
        parts[0].extra[NAME] = {**own(parts[0].extra), **kept}
    return role, parts


def parse_reasoning(item: JSONDict) -> ir.Reasoning:
    """The full text where the vendor shows it, else the summary."""
    summaries = tuple(_texts(item.get("summary")))
    content = joined(item.get("content"))
    encrypted = item.get("encrypted_content")
    seal = unseal(encrypted)
    text = content or SUMMARY_JOINT.join(summaries)
    reasoning = ir.Reasoning(text, id=_word(item.get("id")), summaries=summaries)
    if seal is not None:
        reasoning.signature, reasoning.redacted, reasoning.vendor = seal.signature, seal.redacted, seal.vendor
    elif isinstance(encrypted, str) and encrypted:
        reasoning.signature, reasoning.vendor = encrypted, VENDOR
    known = {"type", "id"} if reasoning.id is not None else {"type"}
    known |= {"encrypted_content"} if reasoning.signature == encrypted and encrypted is not None else set()
    reasoning.extra = {NAME: leftover(item, known)}
    return reasoning


def joined(content: Any) -> str:
    """The full text of a thought."""
    return "".join(_texts(content))


def _texts(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else []
    return [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def parse_call(item: JSONDict, param: str) -> ir.ToolCall:
    """A `function_call` or `custom_tool_call` item."""
    custom = item["type"] == "custom_tool_call"
    text = "input" if custom else "arguments"
    arguments = item.get(text)
    if arguments is None:
        arguments = ""
    elif not isinstance(arguments, str):
        raise invalid(f"{param}.{text}", "expected a string")
    call_id = item.get("call_id") if item.get("call_id") is not None else item.get("id")
    return ir.ToolCall(
        typed(call_id, str, f"{param}.call_id", "a string"),
        typed(item.get("name"), str, f"{param}.name", "a string"),
        arguments,
        "custom" if custom else "function",
        extra={NAME: leftover(item, ("type", "call_id", "name", text))},
    )


def parse_result(item: JSONDict, param: str) -> ir.ToolResult:
    """A `function_call_output` or `custom_tool_call_output` item."""
    output = item.get("output")
    kept: JSONDict = {"item": leftover(item, ("type", "call_id", "output"))}
    if output is None or isinstance(output, str):
        kept["text"] = True
        parts: list[ir.Part] = [ir.Text(output)] if output else []
        if output is None:
            kept["item"]["output"] = None
    elif isinstance(output, list):
        parts = parse_content(output, "user", f"{param}.output")
    else:
        raise invalid(f"{param}.output", "expected a string or a list of content parts")
    return ir.ToolResult(
        typed(item.get("call_id"), str, f"{param}.call_id", "a string"),
        parts,
        kind="custom" if item["type"] == "custom_tool_call_output" else "function",
        extra={NAME: kept},
    )


def parse_shell_result(item: JSONDict, param: str) -> ir.ToolResult:
    call_id = item.get("call_id") or item.get("id")
    output = item.get("output")
    return ir.ToolResult(
        typed(call_id, str, f"{param}.id", "a string"),
        [ir.Text(output)] if isinstance(output, str) and output else [],
        name=shell.TOOL,
        extra={NAME: {"raw": item}},
    )


def parse_output_item(item: JSONDict, param: str) -> list[ir.Part]:
    """The parts of an item of an answer.

    A shell and a tool search that the client runs can be declared in this format only: to clients of the others, a call
    of them would be that of a tool which they never named.
    """
    if (kind := item.get("type")) in (search.CALL, shell.CALL):
        return [ir.Unknown(NAME, str(kind), item)]
    return parse_item(item, param)[1]


def parse_item(item: JSONDict, param: str) -> tuple[ir.Role, list[ir.Part]]:
    """Any item of a conversation: whose turn it belongs to, and its parts."""
    kind = item.get("type")
    match kind:
        case "message" | None if "role" in item or kind == "message":
            return parse_message(item, param)
        case "reasoning":
            return "assistant", [parse_reasoning(item)]
        case "function_call" | "custom_tool_call":
            return "assistant", [parse_call(item, param)]
        case "function_call_output" | "custom_tool_call_output":
            return "user", [parse_result(item, param)]
        case shell.CALL:
            return "assistant", [shell.parse_call(item)]
        case shell.OUTPUT:
            return "user", [parse_shell_result(item, param)]
        case search.CALL if search.runs_at_client(item):
            return "assistant", [search.parse_call(item)]
        case search.OUTPUT if search.runs_at_client(item):
            return "user", [search.parse_result(item)]
        case "additional_tools":
            return "developer", [ir.Unknown(NAME, kind, item)]
        case None if isinstance(item.get("id"), str):
            return "assistant", [ir.Unknown(NAME, "item_reference", item)]
        case str():
            return "assistant", [ir.Unknown(NAME, kind, item)]
    raise invalid(f"{param}.type", "expected an item type such as 'message'")
