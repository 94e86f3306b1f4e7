"""Tool calls of one streamed choice (docs/protocol-notes.md, Chat streams)."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from gateway.wire import ir
from gateway.wire.openai_chat.calls import LEGACY, arguments_text, new_call_id, thought_signature
from gateway.wire.openai_chat.keep import SHAPE
from omniroute.types import JSONDict

Events = list[ir.Event]
_PLACEHOLDER = "{}"
"""Some servers send this first and the real arguments behind it."""
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class _Call:
    """`index` is -1 until the name is known and the part has begun. `held`: arguments not yet passed on."""

    __slots__ = ("ended", "held", "index", "length", "part", "pieces", "shown_signature")

    def __init__(self, part: ir.ToolCall) -> None:
        self.part = part
        self.index = -1
        self.pieces: list[str] = []
        self.length = 0
        self.held = ""
        self.ended = False
        self.shown_signature: str | None = None

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    def is_whole(self) -> bool:
        """A complete JSON object: nothing more can belong to it."""
        try:
            _decode(self.arguments)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return False
        return True


class Candidate(Protocol):
    """The choice whose calls they are."""

    number: int

    def stop(self, events: Events) -> None:
        """End the part that is open."""

    def take_index(self) -> int:
        """The next part's."""


class Calls:
    def __init__(self, choice: Candidate) -> None:
        self._choice = choice
        self._calls: list[_Call] = []
        self._by_index: dict[Any, _Call] = {}

    @property
    def known(self) -> list[ir.ToolCall]:
        """Calls that have begun; a nameless one never does."""
        return [call.part for call in self._calls if call.index >= 0]

    def take(self, raw: JSONDict, events: Events) -> None:
        function = raw.get("function")
        if not isinstance(function, dict) or not function:
            custom = raw.get("custom")
            function = custom if isinstance(custom, dict) else {}
        identity, name = raw.get("id"), function.get("name")
        identity = identity if isinstance(identity, str) else ""
        name = name if isinstance(name, str) else ""
        call = self._find(raw.get("index"), identity, name)
        if call is None:
            call = self._open(raw, identity, events)
        if name and not call.part.name:
            call.part.name = name
        call.part.signature = call.part.signature or thought_signature(raw)
        self._begin(call, events)
        fragment = function.get("arguments")
        if fragment is None:
            fragment = function.get("input")
        if fragment:
            text = fragment if isinstance(fragment, str) else arguments_text(fragment)
            self._add(call, text, events)

    def complete(self, listed: list[JSONDict], events: Events) -> None:
        """A whole message at the end: the calls that no delta brought, the arguments that they left out."""
        for number, raw in enumerate(listed):
            call = self._calls[number] if number < len(self._calls) else None
            if call is None:
                self.take({**raw, "index": ("message", number)}, events)
            elif not call.length:
                function = raw.get("function") or raw.get("custom")
                if isinstance(function, dict):
                    self._add(call, arguments_text(function.get("arguments", function.get("input"))), events)

    def settle(self, events: Events) -> None:
        """Something else begins: end the calls that cannot grow any more."""
        for call in self._calls:
            if call.index >= 0 and not call.ended and not call.held and call.is_whole():
                self._end(call, events)

    def end(self, events: Events) -> None:
        for call in self._calls:
            if call.index >= 0 and not call.ended:
                self._end(call, events)

    def _find(self, index: Any, identity: str, name: str) -> _Call | None:
        """The call that a delta goes on with. A new id means a new call, unless it has no name: then the
        server invents an id for every delta."""
        if index is not None:
            call = self._by_index.get(index) if isinstance(index, int | float | str | tuple) else None
            if call and identity and name and call.part.name and identity != call.part.id:
                return None
            return call
        if identity:
            call = next((call for call in self._calls if call.part.id == identity), None)
            return call or (self._calls[-1] if self._calls and not name else None)
        return self._calls[-1] if self._calls and not name else None

    def _open(self, raw: JSONDict, identity: str, events: Events) -> _Call:
        self.settle(events)
        call = _Call(ir.ToolCall(identity or new_call_id(), ""))
        if raw.get("type") == "custom" or ("custom" in raw and not raw.get("function")):
            call.part.kind = "custom"
        index = raw.get("index")
        if index == LEGACY:
            call.part.extra[SHAPE] = LEGACY
        self._calls.append(call)
        if index is None or isinstance(index, int | float | str | tuple):
            self._by_index[index] = call
        return call

    def _begin(self, call: _Call, events: Events) -> None:
        if call.index >= 0 or not call.part.name:
            return
        self._choice.stop(events)
        call.index = self._choice.take_index()
        call.shown_signature = call.part.signature
        part = call.part
        shown = ir.ToolCall(part.id, part.name, "", part.kind, part.signature, dict(part.extra))
        events.append(ir.PartStarted(call.index, shown, self._choice.number))
        held, call.held, call.length, call.pieces = call.held, "", 0, []
        if held:
            self._add(call, held, events)

    def _add(self, call: _Call, fragment: str, events: Events) -> None:
        if call.index < 0:
            call.held += fragment
            call.length += len(fragment)
            return
        if call.ended:
            return
        if call.held:
            call.held = "" if fragment.lstrip().startswith("{") else call.held
            fragment = call.held + fragment
            call.held = ""
        elif not call.length and fragment == _PLACEHOLDER and call.part.kind == "function":
            call.held = fragment
            return
        if call.length > 1 and len(fragment) >= call.length and fragment.startswith("{"):
            said = call.arguments
            if fragment.startswith(said):
                fragment = fragment[call.length :]  # cumulative: the whole text so far, every time
                if not fragment:
                    return
        call.pieces.append(fragment)
        call.length += len(fragment)
        events.append(ir.PartDelta(call.index, fragment, self._choice.number))

    def _end(self, call: _Call, events: Events) -> None:
        call.ended = True
        if call.held:
            events.append(ir.PartDelta(call.index, call.held, self._choice.number))
            call.held = ""
        late = None
        if call.part.signature != call.shown_signature:
            late = ir.ToolCall(call.part.id, call.part.name, signature=call.part.signature)
        events.append(ir.PartEnded(call.index, late, self._choice.number))
