"""Makes the tools of one format fit another, and a reply's tool calls fit the client again.

Names become what the target allows, free-text tools become functions, groups become flat
(docs/protocol-notes.md, Tools). Tools that a vendor runs itself are left alone: the emitter keeps or drops them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from gateway.wire import freetext, ir
from gateway.wire.base import Rules
from omniroute.errors import InvalidRequest, Untranslatable
from omniroute.types import JSONDict

NAMESPACED = "openai_responses"
"""The one format with groups of tools: a call keeps its group in `extra[NAMESPACED]["namespace"]`."""
_SEND_ALL = "Send the whole conversation in 'input' instead."
_STORED = {
    "previous_response_id": _SEND_ALL,
    "conversation": _SEND_ALL,
    "prompt": "Send its text in 'instructions' instead.",
}
_CUT = 55
_TRIES = 100
_DEFAULT_NAME = "tool"
_INPUT_NOTE = "Pass the whole free-form text as `input`, without JSON or Markdown around it."


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a client calls a tool."""

    name: str
    namespace: str | None = None
    custom: bool = False


def adapt(request: ir.Request, rules: Rules) -> tuple[ir.Request, ToolMap]:
    """A request that keeps to `rules`, and the way back. The input is not changed.

    Raise `Untranslatable` where the request leans on what another vendor stores.
    """
    _refuse_stored(request)
    names = _Names(rules)
    names.declare(tool for tool in request.tools if tool.kind != "hosted")
    toolmap = ToolMap(names)
    tools, repeated = _adapt_tools(request.tools, names, rules)
    adapted = replace(
        request,
        tools=tools,
        tool_choice=_adapt_choice(request.tool_choice, names),
        messages=_adapt_messages(request.messages, names, rules),
        dropped=[*request.dropped, *repeated],
    )
    return adapted, toolmap


def _refuse_stored(request: ir.Request) -> None:
    own = request.extra.get(NAMESPACED)
    for name, advice in _STORED.items():
        if isinstance(own, dict) and own.get(name):
            message = f"'{name}' names what is stored at OpenAI, which the provider of this model cannot read. {advice}"
            raise Untranslatable(message, param=name, code="unsupported_parameter")
    for turn in request.messages:
        if any(_is_stored(part) for part in turn.parts):
            message = f"An item_reference names what is stored at OpenAI. {_SEND_ALL}"
            raise Untranslatable(message, param="input", code="unsupported_parameter")


def _is_stored(part: ir.Part) -> bool:
    """Reasoning aside, which another vendor would have no use for."""
    if not isinstance(part, ir.Unknown) or part.type != "item_reference":
        return False
    return not str(part.raw.get("id")).startswith("rs_")


@dataclass(slots=True)
class ToolMap:
    """The names that the client knows. Stateful for the calls of one reply: each attempt needs its own."""

    _names: _Names
    _open: dict[tuple[int, int], freetext.Unwrapper] = field(default_factory=dict)
    _ids: dict[int, set[str]] = field(default_factory=dict)
    """{candidate: ids of its calls so far}"""

    def restore(self, event: ir.Event) -> list[ir.Event]:
        match event:
            case ir.PartStarted(part=ir.ToolCall() as call):
                return self._restore_start(
                    event, told_apart(call, self._ids.setdefault(event.candidate, set()))
                )
            case ir.PartDelta() if self._open:
                unwrapper = self._open.get((event.candidate, event.index))
                if unwrapper is None:
                    return [event]
                text = unwrapper.feed(event.text)
                return [replace(event, text=text)] if text else []
            case ir.PartEnded() if self._open:
                unwrapper = self._open.pop((event.candidate, event.index), None)
                text = unwrapper.end() if unwrapper else ""
                return [ir.PartDelta(event.index, text, event.candidate), event] if text else [event]
            case _:
                return [event]

    def restore_response(self, response: ir.Response) -> ir.Response:
        candidates = [
            replace(candidate, parts=[self._restore_part(part, ids) for part in candidate.parts])
            for candidate in response.candidates
            for ids in [set[str]()]
        ]
        return replace(response, candidates=candidates)

    def _restore_start(self, event: ir.PartStarted, call: ir.ToolCall) -> list[ir.Event]:
        origin = self._names.origin(call.name)
        if origin is None:
            return [event if call is event.part else replace(event, part=call)]
        restored = _restore_call(call, origin)
        if not origin.custom or call.kind == "custom":
            return [replace(event, part=restored)]
        unwrapper = self._open[event.candidate, event.index] = freetext.Unwrapper()
        start: ir.Event = replace(event, part=replace(restored, arguments="", kind="custom"))
        text = unwrapper.feed(call.arguments)
        return [start, ir.PartDelta(event.index, text, event.candidate)] if text else [start]

    def _restore_part(self, part: ir.Part, ids: set[str]) -> ir.Part:
        if not isinstance(part, ir.ToolCall):
            return part
        part = told_apart(part, ids)
        origin = self._names.origin(part.name)
        if origin is None:
            return part
        restored = _restore_call(part, origin)
        if origin.custom and part.kind != "custom":
            restored = replace(restored, kind="custom", arguments=freetext.unwrap(part.arguments))
        return restored


def told_apart(call: ir.ToolCall, ids: set[str]) -> ir.ToolCall:
    """By an id of its own: some servers give one to several calls, whose results nobody could tell apart."""
    id, number = call.id, 1
    while id in ids:
        number += 1
        id = f"{call.id}_{number}"
    ids.add(id)
    return call if id == call.id else replace(call, id=id)


def _restore_call(call: ir.ToolCall, origin: _Origin) -> ir.ToolCall:
    if origin.namespace is None:
        return call if call.name == origin.name else replace(call, name=origin.name)
    extra = {**call.extra, NAMESPACED: {**call.extra.get(NAMESPACED, {}), "namespace": origin.namespace}}
    return replace(call, name=origin.name, extra=extra)


class _Names:
    """A bijection between the client's tools and names that the target accepts."""

    def __init__(self, rules: Rules) -> None:
        self._fits = re.compile(rules.tool_name).fullmatch
        self._sent: dict[tuple[str | None, str], str] = {}
        self._origins: dict[str, _Origin] = {}
        self._bare: dict[str, list[_Origin]] = {}

    def declare(self, tools: Iterable[ir.Tool]) -> None:
        """Names that fit as they are stay, whatever the order; the others make way for them."""
        pending = list({(tool.namespace, tool.name): tool for tool in tools}.values())
        for tool in sorted(pending, key=lambda tool: not self._keeps_name(tool)):
            origin = _Origin(tool.name, tool.namespace, tool.kind == "custom")
            self._add(origin)
            self._bare.setdefault(tool.name, []).append(origin)

    def sent(self, name: str, namespace: str | None = None) -> str:
        """The target's name of a tool, which need not be declared: histories outlive tool lists."""
        known = self._sent.get((namespace, name))
        return known if known is not None else self._add(_Origin(name, namespace))

    def sent_bare(self, name: str) -> str:
        """For a tool choice, which may name a tool of a group without the group."""
        if (None, name) not in self._sent and len(self._bare.get(name, [])) == 1:
            return self.sent(name, self._bare[name][0].namespace)
        return self.sent(name)

    def origin(self, sent: str) -> _Origin | None:
        """None: the model made the name up, and the client gets it as it is."""
        known = self._origins.get(sent)
        if known is None and len(self._bare.get(sent, [])) == 1:
            return self._bare[sent][0]
        return known

    def _keeps_name(self, tool: ir.Tool) -> bool:
        return tool.namespace is None and bool(self._fits(tool.name))

    def _add(self, origin: _Origin) -> str:
        sent = self._choose(_flat(origin))
        self._sent[origin.namespace, origin.name] = sent
        self._origins[sent] = origin
        return sent

    def _choose(self, name: str) -> str:
        for candidate in self._candidates(name):
            if candidate not in self._origins and self._fits(candidate):
                return candidate
        raise InvalidRequest(f"No name that the model accepts could be made of the tool name {name!r}")

    def _candidates(self, name: str) -> Iterator[str]:
        yield name
        clean = re.sub(r"[^a-zA-Z0-9_-]", "_", name) or _DEFAULT_NAME
        clean = clean if re.match(r"[a-zA-Z_]", clean) else f"_{clean}"
        yield clean
        for number in range(_TRIES):
            digest = hashlib.sha256(f"{name}{number or ''}".encode("utf-8", "surrogatepass")).hexdigest()
            yield f"{clean[:_CUT]}_{digest[:8]}"
            yield f"{_DEFAULT_NAME}_{digest[:8]}"


def _flat(origin: _Origin) -> str:
    if not origin.namespace:
        return origin.name
    joint = "" if origin.namespace.endswith("_") else "__"
    return f"{origin.namespace}{joint}{origin.name}"


def _adapt_tools(tools: list[ir.Tool], names: _Names, rules: Rules) -> tuple[list[ir.Tool], list[str]]:
    adapted: list[ir.Tool] = []
    repeated: list[str] = []
    seen: set[tuple[str | None, str]] = set()
    for tool in tools:
        if tool.kind == "hosted":
            adapted.append(tool)
            continue
        key = tool.namespace, tool.name
        if key in seen:
            repeated.append(f"tools.{tool.name} (declared twice)")
            continue
        seen.add(key)
        fitting = replace(tool, name=names.sent(tool.name, tool.namespace), namespace=None)
        adapted.append(_as_function(fitting) if tool.kind == "custom" and not rules.custom_tools else fitting)
    return adapted, repeated


def _as_function(tool: ir.Tool) -> ir.Tool:
    lines = [tool.description or "", _INPUT_NOTE]
    grammar = tool.grammar or {}
    if isinstance(grammar.get("grammar"), dict):  # Chat nests it
        grammar = grammar["grammar"]
    if definition := grammar.get("definition"):
        lines.append(f"It must match this {grammar.get('syntax', '')} grammar:\n{definition}")
    parameters: JSONDict = {
        "type": "object",
        "properties": {"input": {"type": "string", "description": "The free-form text."}},
        "required": ["input"],
        "additionalProperties": False,
    }
    description = "\n\n".join(line for line in lines if line)
    return replace(
        tool,
        kind="function",
        description=description,
        parameters=parameters,
        grammar=None,
        format=None,
        extra={},
    )


def _adapt_choice(choice: ir.ToolChoice | None, names: _Names) -> ir.ToolChoice | None:
    if choice is None or not choice.names:
        return choice
    return replace(choice, names=tuple(names.sent_bare(name) for name in choice.names))


def _adapt_messages(messages: list[ir.Message], names: _Names, rules: Rules) -> list[ir.Message]:
    called: dict[str, str] = {}
    adapted: list[ir.Message] = []
    for message in messages:
        if any(isinstance(part, ir.ToolCall | ir.ToolResult) for part in message.parts):
            parts = [_adapt_part(part, names, rules, called) for part in message.parts]
            message = replace(message, parts=parts)
        adapted.append(message)
    return adapted


def _adapt_part(part: ir.Part, names: _Names, rules: Rules, called: dict[str, str]) -> ir.Part:
    if isinstance(part, ir.ToolCall):
        namespace = _namespace_of(part)
        sent = names.sent(part.name, namespace) if namespace else names.sent_bare(part.name)
        called[part.id] = sent
        if part.kind == "custom" and not rules.custom_tools:
            return replace(part, name=sent, kind="function", arguments=freetext.wrap(part.arguments))
        return part if part.name == sent else replace(part, name=sent)
    if isinstance(part, ir.ToolResult):
        name = called.get(part.call_id) or (names.sent_bare(part.name) if part.name else None)
        kind = part.kind if rules.custom_tools else "function"
        return part if (name, kind) == (part.name, part.kind) else replace(part, name=name, kind=kind)
    return part


def _namespace_of(call: ir.ToolCall) -> str | None:
    own = call.extra.get(NAMESPACED)
    namespace = own.get("namespace") if isinstance(own, dict) else None
    return namespace if isinstance(namespace, str) and namespace else None
