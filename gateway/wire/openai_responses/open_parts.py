"""The parts of a streamed reply: which are open, and what of their text was passed on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.wire import ir
from gateway.wire.openai_responses.fields import VENDOR

Name = tuple[Any, ...]
"""(item) or (item, content index)."""


@dataclass(slots=True)
class _Open:
    index: int
    sent: list[str] = field(default_factory=list)


class OpenParts:
    """Makes the events of parts, whatever share of a part's story the provider tells."""

    def __init__(self) -> None:
        self.all: list[ir.Part] = []
        self.keys: set[Any] = set()
        """Of the items of which something was passed on."""
        self._open: dict[Name, _Open] = {}

    def __contains__(self, name: Name) -> bool:
        return name in self._open

    def open(self, name: Name, part: ir.Part) -> list[ir.Event]:
        self.keys.add(name[0])
        self._open[name] = _Open(len(self.all))
        self.all.append(part)
        return [ir.PartStarted(self._open[name].index, part)]

    def more(self, name: Name, text: str) -> list[ir.Event]:
        opened = self._open[name]
        opened.sent.append(text)
        return [ir.PartDelta(opened.index, text)]

    def said(self, name: Name) -> str:
        return "".join(self._open[name].sent)

    def complete(self, name: Name, whole: ir.Part) -> list[ir.Event]:
        """The rest of a part whose final state is known, and its end."""
        text = _said(whole)
        events = [] if name in self._open else self.open(name, emptied(whole))
        sent = self.said(name)
        if len(text) > len(sent) and text.startswith(sent):
            events += self.more(name, text[len(sent) :])
        return events + self._end(name, _late(whole))

    def names(self, item: Any, count: int) -> list[Name]:
        """Of an item's parts, in their order. Bedrock counts them over all items while it streams."""
        beyond = iter(
            [name for name in self._open if name[0] == item and name[1:] and not 0 <= name[1] < count]
        )
        places: list[Name] = [(item, index) for index in range(count)]
        return [name if name in self._open else next(beyond, name) for name in places]

    def is_open(self, item: Any) -> bool:
        return any(name[0] == item for name in self._open)

    def end(self, item: Any) -> list[ir.Event]:
        return [event for name in list(self._open) if name[0] == item for event in self._end(name, None)]

    def end_all(self) -> list[ir.Event]:
        return [event for name in list(self._open) for event in self._end(name, None)]

    def _end(self, name: Name, late: ir.Part | None) -> list[ir.Event]:
        return [ir.PartEnded(self._open.pop(name).index, late)]


def _said(part: ir.Part) -> str:
    if isinstance(part, ir.ToolCall):
        return part.arguments
    return part.text if isinstance(part, ir.Text | ir.Refusal | ir.Reasoning) else ""


def emptied(part: ir.Part) -> ir.Part:
    match part:
        case ir.Text():
            return ir.Text("")
        case ir.Refusal():
            return ir.Refusal("")
        case ir.Reasoning():
            return ir.Reasoning(id=part.id)
        case ir.ToolCall():
            return ir.ToolCall(part.id, part.name, "", part.kind, extra=part.extra)
        case _:
            return part


def _late(part: ir.Part) -> ir.Part | None:
    """What only the finished item tells."""
    match part:
        case ir.Reasoning():
            return ir.Reasoning(
                "", part.signature, part.redacted, part.vendor or VENDOR, part.id, part.summaries, part.extra
            )
        case ir.Text():
            return ir.Text("", part.extra, part.citations)
        case ir.Refusal():
            return ir.Refusal("", part.extra)
        case ir.ToolCall():
            return ir.ToolCall(part.id, part.name, "", part.kind, part.signature, part.extra)
        case _:
            return None
