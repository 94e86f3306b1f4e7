"""Claude's cache breakpoints, `cache_control` (docs/protocol-notes.md, Prompt caches).

The vendor refuses a request with more than four. What stands before a breakpoint is cached: tools, then instructions,
then the turns, so that the latest ones are worth most.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.wire import json
from omniroute.types import Fields, JSONDict

MARK = "cache_control"
LIMIT = 4
_EPHEMERAL = {"type": "ephemeral"}
_IN_BYTES = b'"cache_control"'
_MARKED = ("tools", "system", "messages")


def limit(body: JSONDict) -> bool:
    """Take the earliest breakpoints out of a body of our own making, if they are too many. SDKs write null for none."""
    surplus = [holder for holder in _holders(body) if holder.get(MARK)][:-LIMIT]
    for holder in surplus:
        del holder[MARK]
    return bool(surplus)


def limit_raw(fields: Fields) -> None:
    """The same for a client's body, which is not touched if it keeps within the limit."""
    raw = [name for name in _MARKED if isinstance(fields.get(name), msgspec.Raw)]
    if sum(bytes(fields[name]).count(_IN_BYTES) for name in raw) <= LIMIT:
        return
    body = {name: json.loads(fields[name]) for name in raw}
    if limit(body):
        fields.update(body)


def mark_loop(body: JSONDict) -> None:
    """In the middle of a chain of tool calls: the same prompt comes again within seconds.

    Clients of other formats cannot ask for that. Nothing is done where the client has set breakpoints itself.
    """
    messages = body["messages"]
    if not messages or not _holds_results(messages[-1]) or any(holder.get(MARK) for holder in _holders(body)):
        return
    system = body.get("system")
    if isinstance(system, str):
        body["system"] = [{"type": "text", "text": system, MARK: dict(_EPHEMERAL)}]
    elif system:
        system[-1] = {**system[-1], MARK: dict(_EPHEMERAL)}
    turns = [message for message in messages if message["role"] == "user"]
    for message in turns[-2:]:
        _mark_end(message)


def _holds_results(message: JSONDict) -> bool:
    content = message["content"]
    return isinstance(content, list) and any(block["type"] == "tool_result" for block in content)


def _mark_end(message: JSONDict) -> None:
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    message["content"] = [*blocks[:-1], {**blocks[-1], MARK: dict(_EPHEMERAL)}]


def _holders(body: JSONDict) -> Iterator[JSONDict]:
    """Whatever may hold a breakpoint, in the order of the prompt."""
    for key in ("tools", "system"):
        value = body.get(key)
        yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        yield from _blocks(message.get("content") if isinstance(message, dict) else None)


def _blocks(content: Any) -> Iterator[JSONDict]:
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict):
            yield from _blocks(block.get("content"))
            yield block
