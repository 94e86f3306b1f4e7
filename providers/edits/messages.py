"""Edits of `messages`, for Chat Completions unless a name or docstring says Anthropic.

Source: docs/protocol-notes.md, Parameters.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from providers.edits.base import Item, each_message, message_edit, text_of, value

_MISTRAL_ID = re.compile(r"[a-zA-Z0-9]{9}")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_REASONING_KEYS = frozenset({"reasoning_content", "reasoning", "reasoning_details", "thinking_blocks"})


def without(message: Item, *names: str) -> Item:
    return {name: item for name, item in message.items() if name not in names}


def _calls_tools(message: Item) -> bool:
    return bool(value(message.get("tool_calls")))


@each_message("developer_to_system", b'"developer"')
def developer_to_system(message: Item) -> Item:
    return {**message, "role": "system"} if value(message.get("role")) == "developer" else message


@each_message("system_to_user", b'"system"', b'"developer"')
def system_to_user(message: Item) -> Item:
    return {**message, "role": "user"} if value(message.get("role")) in ("system", "developer") else message


@each_message("strip_names", b'"name"')
def strip_names(message: Item) -> Item:
    """A tool's answer keeps its name."""
    return without(message, "name") if "name" in message and value(message.get("role")) != "tool" else message


@each_message("strip_reasoning", b'"reasoning', b'"thinking_blocks"')
def strip_reasoning(message: Item) -> Item:
    return without(message, *_REASONING_KEYS) if _REASONING_KEYS & message.keys() else message


@each_message("echo_reasoning", b'"tool_calls"')
def echo_reasoning(message: Item) -> Item:
    """A turn that calls tools has to carry `reasoning_content`; a space does."""
    if not _calls_tools(message) or value(message.get("reasoning_content")):
        return message
    return {**message, "reasoning_content": " "}


@each_message("reasoning_on_tool_turns", b'"tool_calls"', b'"reasoning_content"')
def reasoning_on_tool_turns(message: Item) -> Item:
    """`echo_reasoning`, and none on any other turn."""
    if _calls_tools(message):
        return echo_reasoning([message])[0]
    return without(message, "reasoning_content") if "reasoning_content" in message else message


@each_message("drop_null_keys", b"null")
def drop_null_keys(message: Item) -> Item:
    if value(message.get("role")) != "assistant":
        return message
    null = [name for name, item in message.items() if name != "content" and value(item) is None]
    return without(message, *null) if null else message


@each_message("drop_empty_assistant", b'"assistant"')
def drop_empty_assistant(message: Item) -> Item | None:
    empty = value(message.get("role")) == "assistant" and value(message.get("content")) in (None, "", [])
    return None if empty and not _calls_tools(message) else message


@each_message("flatten_text", b'"text"')
def flatten_text(message: Item) -> Item:
    """A list of nothing but text parts becomes a string; one with an image stays."""
    content = value(message.get("content"))
    if not isinstance(content, list) or not content:
        return message
    if any(not isinstance(part, dict) or part.get("type") != "text" for part in content):
        return message
    return {**message, "content": text_of(content)}


def mistral_id(id: str) -> str:
    """Nine letters and digits: the id itself if it is that, else the same ones for one id every time."""
    if _MISTRAL_ID.fullmatch(id):
        return id
    number = int.from_bytes(hashlib.sha256(id.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    digits = []
    for _ in range(9):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(digits)


@each_message("mistral_tool_ids", b'"tool_call')
def mistral_tool_ids(message: Item) -> Item:
    """Calls and results get ids that Mistral takes, alike on both sides and in every turn."""
    call_id = value(message.get("tool_call_id"))
    if isinstance(call_id, str) and mistral_id(call_id) != call_id:
        message = {**message, "tool_call_id": mistral_id(call_id)}
    calls = value(message.get("tool_calls"))
    if not isinstance(calls, list):
        return message
    mapped = [_with_mistral_id(call) for call in calls]
    return {**message, "tool_calls": mapped} if mapped != calls else message


def _with_mistral_id(call: Any) -> Any:
    if isinstance(call, dict) and isinstance(call.get("id"), str):
        return {**call, "id": mistral_id(call["id"])}
    return call


@message_edit("prefix_last_assistant", b'"assistant"')
def prefix_last_assistant(messages: list[Item]) -> list[Item]:
    """Mistral takes an assistant's turn in the last place only as the beginning of its answer."""
    if not messages or value(messages[-1].get("role")) != "assistant":
        return messages
    if "prefix" in messages[-1] or _calls_tools(messages[-1]):
        return messages
    return [*messages[:-1], {**messages[-1], "prefix": True}]


@message_edit("alternate")
def alternate(messages: list[Item]) -> list[Item]:
    """One system message, then user and assistant by turns, the user last. Tools become text."""
    turns: list[Item] = []
    for message in messages:
        turn = _plain_turn(message, first=all(turn["role"] == "system" for turn in turns))
        if turns and turns[-1]["role"] == turn["role"]:
            turns[-1] = {"role": turn["role"], "content": _joined(turns[-1]["content"], turn["content"])}
        else:
            turns.append(turn)
    start = 1 if turns and turns[0]["role"] == "system" else 0
    if len(turns) == start or turns[start]["role"] == "assistant":
        turns.insert(start, {"role": "user", "content": "Continue."})
    if turns[-1]["role"] == "assistant":
        turns.append({"role": "user", "content": "Continue."})
    same = len(turns) == len(messages) and all(
        turn["role"] == value(message.get("role")) and turn["content"] == value(message.get("content"))
        for turn, message in zip(turns, messages, strict=True)
    )
    return messages if same else turns


def _plain_turn(message: Item, *, first: bool) -> Item:
    role = value(message.get("role"))
    content = value(message.get("content"))
    if role == "system":
        return {"role": "system" if first else "user", "content": content}
    if role in ("tool", "function"):
        return {"role": "user", "content": f"Result of the tool call:\n{text_of(content)}"}
    if role != "assistant":
        return {"role": "user", "content": content}
    calls = value(message.get("tool_calls"))
    names = (
        [call.get("function", {}) for call in calls if isinstance(call, dict)]
        if isinstance(calls, list)
        else []
    )
    called = [
        f"Called {call.get('name')} with {call.get('arguments')}" for call in names if isinstance(call, dict)
    ]
    return {"role": "assistant", "content": "\n".join([*filter(None, [text_of(content)]), *called])}


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, list) or isinstance(second, list):
        return [*_parts(first), *_parts(second)]
    return "\n\n".join(text for text in (first, second) if isinstance(text, str) and text)


def _parts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


@each_message("inline_system", b'"system"')
def inline_system(message: Item) -> Item:
    """Anthropic: Claude Code puts system messages between the turns, which only Anthropic itself reads."""
    if value(message.get("role")) != "system":
        return message
    return {"role": "user", "content": message.get("content")}


@each_message("no_empty_text", b'"text":""', b'"text": ""')
def no_empty_text(message: Item) -> Item:
    """Anthropic refuses a block of empty text."""
    content = value(message.get("content"))
    if not isinstance(content, list):
        return message
    kept = [block for block in content if not (isinstance(block, dict) and block.get("text") == "")]
    return {**message, "content": kept} if kept and len(kept) < len(content) else message
