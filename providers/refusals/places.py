"""From the way a provider names a parameter to the place that it has in the request that was sent.

Providers write `messages[3].reasoning_content`, `body.messages.3.assistant.reasoning_content` (with the names of their
own types in between), `/messages/3/reasoning_content`, `presencePenalty`, or the bare name of something deep inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from omniroute.types import JSONDict
from providers.paths import EACH
from providers.quirks import PROTECTED

_STEP = re.compile(r"[A-Za-z_$][\w$-]*|\d+")
_MAX_DEPTH = 6
_CONVERSATION = PROTECTED | {"systemInstruction", "system_instruction", "instructions", "prompt"}
_TOOLS = frozenset({"tools", "functions"})
_STRUCTURE = frozenset(
    {
        "audio", "modalities", "plugins", "web_search_options",
        "response_format", "text", "text.format", "output_format", "output_config.format",
        "generationConfig", "generationConfig.responseMimeType", "generationConfig.responseSchema",
        "generationConfig.responseJsonSchema",
    }
)  # fmt: skip
"""A client that asked for JSON, a search or speech is better served by an error or another target than by prose."""
_SCHEMAS = frozenset(
    {"parameters", "input_schema", "parametersJsonSchema", "schema", "json_schema", "properties"}
)
_DATA = frozenset({"arguments", "args", "input", "response", "metadata"})
_ESSENTIAL = frozenset(
    {
        "role", "content", "parts", "text", "type", "name", "id", "data", "url", "source", "image_url",
        "tool_calls", "tool_call_id", "tool_use_id", "call_id", "function", "arguments", "args", "input", "output",
        "functionCall", "function_call", "functionResponse", "function_response", "response",
        "inlineData", "inline_data", "fileData", "file_data", "mimeType", "mime_type", "media_type",
        "parameters", "input_schema", "functionDeclarations", "function_declarations", EACH,
    }
)  # fmt: skip
"""What a message or a tool cannot do without."""
_SPARED = frozenset({"messages.*.name", "input.*.id"})
"""Essential names that are not, there."""


def place_of(body: JSONDict, name: str) -> str | None:
    """The path (`providers.paths`) of what `name` means in `body`, or None where there is no such thing."""
    steps = _STEP.findall(name)
    if not steps:
        return None
    found = _walk(body, steps, ())
    if found is None and len(steps) == 1:
        found = _search(body, _plain(steps[0]))
    if found is None or any("." in step or (step != EACH and "*" in step) for step in found):
        return None
    return ".".join(found)


def value_at(body: JSONDict, path: str) -> Any:
    """The first value at `path`, or None."""
    return next(_values(body, path.split(".")), None)


def may_go(path: str) -> bool:
    """Whether a request without it is still the same request (docs/protocol-notes.md, Parameters)."""
    if path in _STRUCTURE or path.startswith("response_format."):
        return False
    first, *rest = path.split(".")
    if not rest:
        return first not in _CONVERSATION and first not in _TOOLS
    if first in _CONVERSATION or first in _TOOLS:
        inside_schema = first in _TOOLS and not _SCHEMAS.isdisjoint(rest[:-1])
        return (rest[-1] not in _ESSENTIAL or path in _SPARED) and not inside_schema
    return True


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _key(node: JSONDict, step: str) -> str | None:
    """The key that is spelled so; else one that differs in case and underscores only."""
    if step in node:
        return step
    plain = _plain(step)
    return next((key for key in node if _plain(key) == plain), None)


def _walk(node: Any, steps: Sequence[str], path: tuple[str, ...]) -> tuple[str, ...] | None:
    """Along `steps`, passing over those that are no key: types of the provider's, `body`, a list's index."""
    if not steps:
        return path
    step, *rest = steps
    if isinstance(node, dict) and (key := _key(node, step)) is not None:
        found = _walk(node[key], rest, (*path, key))
        if found is not None:
            return found
    if isinstance(node, list):
        return _walk_list(node, steps, path)
    return _walk(node, rest, path) if rest else None


def _walk_list(node: list[Any], steps: Sequence[str], path: tuple[str, ...]) -> tuple[str, ...] | None:
    step, *rest = steps
    if step.isdecimal():
        item = node[int(step)] if len(step) < 6 and int(step) < len(node) else None
        return _walk(item, rest, (*path, EACH)) if rest else None
    found = (_walk(item, steps, (*path, EACH)) for item in node)
    return next((one for one in found if one is not None), None)


def _search(body: JSONDict, plain: str) -> tuple[str, ...] | None:
    """The shallowest key of that name, without looking into what users and their tools wrote."""
    level: list[tuple[Any, tuple[str, ...]]] = [(body, ())]
    for _ in range(_MAX_DEPTH):
        deeper: list[tuple[Any, tuple[str, ...]]] = []
        for node, path in level:
            children = _children(node, path)
            for key, child, below in children:
                if _plain(key) == plain and key != EACH:
                    return below
                deeper.append((child, below))
        level = deeper
    return None


def _children(node: Any, path: tuple[str, ...]) -> list[tuple[str, Any, tuple[str, ...]]]:
    if isinstance(node, list):
        return [(EACH, item, (*path, EACH)) for item in node]
    if not isinstance(node, dict) or (path and path[-1] in _SCHEMAS | _DATA and len(path) > 1):
        return []
    return [(key, child, (*path, key)) for key, child in node.items()]


def _values(node: Any, steps: Sequence[str]) -> Iterator[Any]:
    if not steps:
        yield node
    elif steps[0] == EACH and isinstance(node, list):
        for item in node:
            yield from _values(item, steps[1:])
    elif isinstance(node, dict) and steps[0] in node:
        yield from _values(node[steps[0]], steps[1:])
