"""Names of a tool's parameters that Claude refuses, and the way back (docs/protocol-notes.md, Schemas).

A schema's `properties` may be called anything (`$filter`, a sentence), but Claude takes letters, digits and few signs.
The names that do not fit are replaced in what the model reads, and put back in the arguments that it writes: in their
text, so that numbers, order and white space stay the model's own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from gateway.wire import ir, json
from gateway.wire.base import ModelProfile
from gateway.wire.depth import shallow
from gateway.wire.schema_walk import map_children, properties_of, unescaped
from omniroute.errors import InvalidRequest

Restore = Callable[[ir.Event], list[ir.Event]]

_CLAUDE = re.compile(r"[a-zA-Z0-9_.-]{1,64}").fullmatch
_CUT = 48
_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_IN_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SPACE = re.compile(r"\s*")
_NAMES = ("properties", "dependentSchemas", "dependentRequired")
"""Keywords whose value is an object by names of properties."""
_LISTS = ("required", "propertyOrdering")


def fits_claude(schema: Any) -> bool:
    return not _unfit(schema)


def renaming_of(request: ir.Request, profile: ModelProfile) -> Renaming | None:
    """None where every name may stay, which is nearly always."""
    if profile.vendor != "anthropic" and "claude" not in profile.model.lower():
        return None
    schemas = [tool.parameters for tool in request.tools if tool.kind == "function" and tool.parameters]
    names = {name: _sent(name) for schema in schemas for name in _unfit(schema)}
    return Renaming(names) if names else None


class Renaming:
    """Of one request and its reply. Names stay the same as long as the tools do, so that prompt caches keep working."""

    def __init__(self, names: dict[str, str]) -> None:
        """`names`: what is sent in place of each."""
        self._names = names
        self._back = {sent: name for name, sent in names.items()}

    def request(self, request: ir.Request) -> ir.Request:
        """A new request: tools, and the calls of the history."""
        messages = [
            replace(message, parts=[_call(part, self._names) for part in message.parts])
            for message in request.messages
        ]
        return replace(request, tools=[self._tool(tool) for tool in request.tools], messages=messages)

    def response(self, response: ir.Response) -> ir.Response:
        candidates = [
            replace(candidate, parts=[_call(part, self._back) for part in candidate.parts])
            for candidate in response.candidates
        ]
        return replace(response, candidates=candidates)

    def after(self, restore: Restore) -> Restore:
        """For one stream."""
        calls: dict[tuple[int, int], Replacer] = {}
        return lambda event: [found for known in restore(event) for found in self._event(known, calls)]

    def _event(self, event: ir.Event, calls: dict[tuple[int, int], Replacer]) -> list[ir.Event]:
        match event:
            case ir.PartStarted(part=ir.ToolCall(kind="function") as call):
                replacer = calls[event.candidate, event.index] = Replacer(self._back)
                return [replace(event, part=replace(call, arguments=replacer.feed(call.arguments)))]
            case ir.PartDelta() if calls and (event.candidate, event.index) in calls:
                text = calls[event.candidate, event.index].feed(event.text)
                return [replace(event, text=text)] if text else []
            case ir.PartEnded() if calls and (event.candidate, event.index) in calls:
                text = calls.pop((event.candidate, event.index)).end()
                return [ir.PartDelta(event.index, text, event.candidate), event] if text else [event]
        return [event]

    @shallow
    def _tool(self, tool: ir.Tool) -> ir.Tool:
        if tool.kind != "function" or tool.parameters is None:
            return tool
        return replace(tool, parameters=_rename(tool.parameters, self._names))


def _call(part: ir.Part, names: dict[str, str]) -> ir.Part:
    if not isinstance(part, ir.ToolCall) or part.kind != "function":
        return part
    arguments = replaced(part.arguments, names)
    return part if arguments == part.arguments else replace(part, arguments=arguments)


def _sent(name: str) -> str:
    """With a piece of its hash, by which it is known wherever it comes back."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{re.sub(r'[^a-zA-Z0-9_-]+', '_', name)[:_CUT]}_{digest}"


@shallow
def _unfit(schema: Any) -> list[str]:
    return list(dict.fromkeys(name for name in _names(schema) if not _CLAUDE(name)))


def _names(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    yield from properties_of(schema)
    below: list[Any] = []
    map_children(schema, below.append)
    for child in below:
        yield from _names(child)


def _rename(schema: Any, names: dict[str, str]) -> Any:
    """A parameter of another name keeps its own as its title, for the model to read."""
    if not isinstance(schema, dict):
        return schema
    fitted = map_children(schema, lambda child: _rename(child, names))
    for keyword in _NAMES:
        if isinstance(fitted.get(keyword), dict):
            fitted[keyword] = {names.get(name, name): value for name, value in fitted[keyword].items()}
    for name in properties_of(schema):
        child = properties_of(fitted)[names.get(name, name)]
        if name in names and isinstance(child, dict):
            child.setdefault("title", name)
    ref = fitted.get("$ref")
    if isinstance(ref, str):
        fitted["$ref"] = "/".join(names.get(unescaped(step), step) for step in ref.split("/"))
    for keyword in _LISTS:
        if isinstance(fitted.get(keyword), list):
            fitted[keyword] = [
                names.get(name, name) if isinstance(name, str) else name for name in fitted[keyword]
            ]
    return fitted


def replaced(arguments: str, names: dict[str, str]) -> str:
    """Whole arguments with the names of their parameters, at any depth, put as `names` says."""
    replacer = Replacer(names)
    return replacer.feed(arguments) + replacer.end()


class Replacer:
    """The same for arguments that come in pieces, cut anywhere. Only what may be a name of `names` waits."""

    __slots__ = ("_inside", "_names", "_rest")

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        self._rest = ""
        self._inside = False  # of a string that is none of the names

    def feed(self, piece: str) -> str:
        data, out, at = self._rest + piece, "", 0
        while at < len(data):
            text, end = self._string_goes_on(data, at) if self._inside else self._until_string(data, at)
            out += text
            if end == at and not text:
                break
            at = end
        self._rest = data[at:]
        return out

    def end(self) -> str:
        rest, self._rest = self._rest, ""
        return rest

    def _string_goes_on(self, data: str, at: int) -> tuple[str, int]:
        match = _IN_STRING.match(data, at)
        end = match.end() if match else at
        if data[end : end + 1] == '"':
            self._inside, end = False, end + 1
        return data[at:end], end

    def _until_string(self, data: str, at: int) -> tuple[str, int]:
        """What stands in front of the next string; at its beginning, the string. Nothing where it has to wait."""
        quote = data.find('"', at)
        if quote != at:
            end = len(data) if quote < 0 else quote
            return data[at:end], end
        string = _STRING.match(data, at)
        if string is None:
            begun = data[at + 1 :]
            if any(name.startswith(begun) for name in self._names):
                return "", at
            self._inside = True
            return '"', at + 1
        name = self._names.get(_decoded(string[1]))
        if name is None:
            return string[0], string.end()
        behind = _SPACE.match(data, string.end())
        following = data[behind.end() : behind.end() + 1] if behind else ""
        if not following:
            return "", at
        return (_encoded(name) if following == ":" else string[0]), string.end()


def _decoded(text: str) -> str:
    if "\\" not in text:
        return text
    try:
        return str(json.loads(f'"{text}"'.encode("utf-8", "surrogatepass")))
    except InvalidRequest:
        return text


def _encoded(name: str) -> str:
    return json.dumps(name).decode("utf-8", "surrogatepass")
