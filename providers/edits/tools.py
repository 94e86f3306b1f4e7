"""Edits of `tools`. Source: docs/protocol-notes.md, Parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from omniroute.types import Fields
from providers.edits.base import BODY_EDITS, Item, items, tool_edit, value

_NAMED_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_DATA = ("enum", "const", "default", "examples", "required")
_ANTHROPIC_EXTRAS = ("defer_loading", "allowed_callers", "input_examples", "eager_input_streaming", "strict")


@tool_edit("strip_strict", b'"strict"')
def strip_strict(tools: list[Item]) -> list[Item]:
    edited = [_without_strict(tool) for tool in tools]
    return edited if any(new is not old for new, old in zip(edited, tools, strict=True)) else tools


def _without_strict(tool: Item) -> Item:
    function = value(tool.get("function"))
    if isinstance(function, dict) and "strict" in function:
        return {**tool, "function": {name: item for name, item in function.items() if name != "strict"}}
    return tool


@tool_edit("strip_schema_keys", b'"$schema"', b'"$id"', b'"additionalProperties"')
def strip_schema_keys(tools: list[Item]) -> list[Item]:
    """Without `$schema`, `$id`, `additionalProperties: false`, where they are keywords and not names."""
    edited = []
    for tool in tools:
        function = value(tool.get("function"))
        if isinstance(function, dict) and isinstance(function.get("parameters"), dict):
            cleaned = _clean(function["parameters"])
            if cleaned != function["parameters"]:
                tool = {**tool, "function": {**function, "parameters": cleaned}}
        edited.append(tool)
    return edited if any(new is not old for new, old in zip(edited, tools, strict=True)) else tools


def _clean(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_clean(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    cleaned: dict[str, Any] = {}
    for name, item in schema.items():
        if name in ("$schema", "$id") or (name == "additionalProperties" and item is False):
            continue
        if name in _DATA:
            cleaned[name] = item
        elif name in _NAMED_SCHEMAS and isinstance(item, dict):
            cleaned[name] = {key: _clean(sub) for key, sub in item.items()}
        else:
            cleaned[name] = _clean(item)
    return cleaned


@tool_edit("plain_anthropic_tools", b'"type"', *(f'"{name}"'.encode() for name in _ANTHROPIC_EXTRAS))
def plain_anthropic_tools(tools: list[Item]) -> list[Item]:
    """Anthropic: only the client's own tools, without beta options. What the server would run is left out."""
    edited = []
    for tool in tools:
        if value(tool.get("type")) not in (None, "custom"):
            continue
        if any(name in tool for name in _ANTHROPIC_EXTRAS):
            tool = {name: item for name, item in tool.items() if name not in _ANTHROPIC_EXTRAS}
        edited.append(tool)
    same = len(edited) == len(tools) and all(new is old for new, old in zip(edited, tools, strict=True))
    return tools if same else edited


@BODY_EDITS.register("declare_called_tools")
def declare_called_tools(fields: Fields) -> None:
    """Chat, and Anthropic: where no tool is declared any more, those that the conversation has called are."""
    messages = items(fields.get("messages"))
    if messages is None or value(fields.get("tools")):
        return
    called = dict.fromkeys(name for message in messages for name in _called(message))
    if called:
        fields["tools"] = [_stub(name, chat) for name, chat in called]


def _called(message: Item) -> Iterator[tuple[str, bool]]:
    """(name, whether in the words of Chat) of each call."""
    content, calls = value(message.get("content")), value(message.get("tool_calls"))
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == "tool_use" and isinstance(block.get("name"), str):
            yield block["name"], False
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            yield function["name"], True


def _stub(name: str, chat: bool) -> dict[str, Any]:
    about = {"name": name, "description": "Not available any more."}
    schema = {"type": "object", "properties": {}}
    if not chat:
        return {**about, "input_schema": schema}
    return {"type": "function", "function": {**about, "parameters": schema}}
