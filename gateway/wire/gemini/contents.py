"""The conversation for a Gemini model: `contents`."""

from __future__ import annotations

from gateway.wire import ir
from gateway.wire.gemini.fields import FORMAT, as_list, own
from gateway.wire.gemini.parts import Style, emit_part, emit_result, is_unchanged
from gateway.wire.gemini.sealed import SKIP_SIGNATURE
from omniroute.types import JSONDict

_ROLES = {"user": "user", "assistant": "model", "system": "system", "developer": "user"}
_GIVEN: dict[str, tuple[str | None, ...]] = {"user": ("user", "function", None, ""), "assistant": ("model",)}
"""The roles that a client of this format writes for a neutral one."""


def emit_contents(
    messages: list[ir.Message], style: Style, invents: bool, system: list[ir.Text], dropped: list[str]
) -> list[JSONDict]:
    """`system` receives instructions from between the turns, which Gemini does not know there.

    `invents`: a step's first call without a signature gets `SKIP_SIGNATURE`, as Gemini 3 demands one.
    """
    writer = _Writer(messages, style, invents, dropped)
    for message in messages:
        if message.role in ("system", "developer") and FORMAT not in message.extra:
            system += [part for part in message.parts if isinstance(part, ir.Text)]
        else:
            writer.add(message)
    return writer.contents


class _Writer:
    def __init__(self, messages: list[ir.Message], style: Style, invents: bool, dropped: list[str]) -> None:
        self.contents: list[JSONDict] = []
        self._style = style
        self._invents = invents
        self._dropped = dropped
        self._names = {
            part.id: part.name
            for message in messages
            for part in message.parts
            if isinstance(part, ir.ToolCall)
        }
        self._order: list[str] = []
        """Ids of the calls of the model's latest turn: their results must come in this order."""

    def add(self, message: ir.Message) -> None:
        calls = [part.id for part in message.parts if isinstance(part, ir.ToolCall)]
        if message.role == "assistant":
            self._order = calls
        if FORMAT in message.extra:
            self.contents.append(self._own(message, own(message.extra)))
            return
        parts = self._parts(message)
        if message.role == "assistant" and self._invents:
            _sign_first_call(parts)
        role = _ROLES[message.role]
        last = self.contents[-1] if self.contents else None
        if last is not None and last.get("role") == role and parts:
            self.contents[-1] = {**last, "parts": [*as_list(last.get("parts")), *parts]}
        elif parts or role == "user":
            self.contents.append({"role": role, "parts": parts or [{"text": " "}]})

    def _own(self, message: ir.Message, raw: JSONDict) -> JSONDict:
        """A content that came in this format: its own fields, order and spelling."""
        parts = self._parts(message)
        fits = raw.get("role") in _GIVEN.get(message.role, (message.role,))
        if fits and parts == as_list(raw.get("parts")):
            return raw
        return {**raw, "role": raw.get("role") or "user" if fits else _ROLES[message.role], "parts": parts}

    def _parts(self, message: ir.Message) -> list[JSONDict]:
        results = [part for part in message.parts if isinstance(part, ir.ToolResult)]
        foreign = [part for part in results if not is_unchanged(part, own(part.extra))]
        if not foreign:
            emitted = [emit_part(part, self._style, self._dropped) for part in message.parts]
            return [part for part in emitted if part is not None]
        beside: list[JSONDict] = []
        answers = [self._result(part, beside) for part in sorted(results, key=self._place)]
        rest = [part for part in message.parts if not isinstance(part, ir.ToolResult)]
        emitted = [emit_part(part, self._style, self._dropped) for part in rest]
        return [*answers, *beside, *(part for part in emitted if part is not None)]

    def _place(self, result: ir.ToolResult) -> int:
        return self._order.index(result.call_id) if result.call_id in self._order else len(self._order)

    def _result(self, part: ir.ToolResult, beside: list[JSONDict]) -> JSONDict:
        name = self._names.get(part.call_id) or part.name or "unknown_function"
        return emit_result(part, name, self._style, beside)


def _sign_first_call(parts: list[JSONDict]) -> None:
    for number, part in enumerate(parts):
        if "functionCall" in part:
            if "thoughtSignature" not in part:
                parts[number] = {**part, "thoughtSignature": SKIP_SIGNATURE}
            return
