"""One open part at a time, for the formats whose streams know no other
(docs/protocol-notes.md, Messages streams).

A stream of another format may have several parts open at once: parallel tool calls whose arguments
interleave, or a text that its parser only ends at the end. `Linearizer` turns such events into ones that an
Anthropic or Responses emitter can write down as they come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.wire import ir


@dataclass(slots=True)
class _Waiting:
    """A part that began while another was open, and what has come for it since."""

    part: ir.Part
    events: list[ir.PartDelta | ir.PartEnded]


class Linearizer:
    """Events in, events out: at most one part is open at a time, and indexes count 0, 1, 2, … without a gap.

    * The part that is open streams through. What begins during a tool call is held back and follows, in the
      order of the beginnings, as soon as the open part ends.
    * An open text, reasoning or refusal does not hold others back: it is ended when another part begins, and
      goes on as a further part of its kind if more of it comes. A late signature gets a part of its own.
    * `Finished` first ends and flushes whatever is left. `Errored` leaves behind what was held back.

    Only the first candidate is kept: the formats that need this know one answer.
    """

    __slots__ = ("_cut", "_next", "_open", "_open_index", "_part", "_waiting")

    def __init__(self) -> None:
        self._open: int | None = None  # the incoming index of the open part
        self._part: ir.Part = ir.Text("")
        self._open_index = -1  # its outgoing index
        self._next = 0
        self._waiting: dict[int, _Waiting] = {}
        self._cut: dict[int, ir.Part] = {}  # texts that were ended for another part's sake

    def feed(self, event: ir.Event) -> list[ir.Event]:
        match event:
            case ir.PartDelta() | ir.PartStarted() | ir.PartEnded() | ir.Finished() if event.candidate:
                return []
            case ir.PartDelta():
                return self._more(event)
            case ir.PartStarted():
                return self._start(event.index, event.part)
            case ir.PartEnded():
                return self._end(event)
            case ir.Finished():
                return [*self._flush(), event]
            case _:
                return [event]

    def _start(self, index: int, part: ir.Part) -> list[ir.Event]:
        out: list[ir.Event] = []
        if self._open is not None:
            if not isinstance(self._part, ir.Text | ir.Reasoning | ir.Refusal):
                self._waiting[index] = _Waiting(part, [])
                return out
            self._cut[self._open] = self._part
            out.append(ir.PartEnded(self._open_index))
        out.append(self._begin(index, part))
        return out

    def _begin(self, index: int, part: ir.Part) -> ir.PartStarted:
        self._open, self._part, self._open_index = index, part, self._next
        self._next += 1
        return ir.PartStarted(self._open_index, part)

    def _more(self, delta: ir.PartDelta) -> list[ir.Event]:
        if delta.index == self._open:
            if delta.index == self._open_index:
                return [delta]
            return [ir.PartDelta(self._open_index, delta.text, 0, delta.extra)]
        waiting = self._waiting.get(delta.index)
        if waiting is not None:
            waiting.events.append(delta)
            return []
        part = self._cut.pop(delta.index, None)
        if part is None:
            return []
        return [*self._start(delta.index, _emptied(part)), *self._more(delta)]

    def _end(self, ended: ir.PartEnded) -> list[ir.Event]:
        if ended.index == self._open:
            self._open = None
            return [ir.PartEnded(self._open_index, ended.part), *self._release()]
        waiting = self._waiting.get(ended.index)
        if waiting is not None:
            waiting.events.append(ended)
            return []
        part = self._cut.pop(ended.index, None)
        late = ended.part
        if part is None or not isinstance(late, ir.Reasoning) or not (late.signature or late.redacted):
            return []
        return [*self._start(ended.index, _emptied(part)), *self._end(ended)]

    def _release(self) -> list[ir.Event]:
        """What was held back, up to and including the first part that has not ended yet."""
        out: list[ir.Event] = []
        while self._open is None and self._waiting:
            index = next(iter(self._waiting))
            waiting = self._waiting.pop(index)
            out.append(self._begin(index, waiting.part))
            for event in waiting.events:
                out.append(replace(event, index=self._open_index))
                if isinstance(event, ir.PartEnded):
                    self._open = None
        return out

    def _flush(self) -> list[ir.Event]:
        out: list[ir.Event] = []
        while self._open is not None:
            self._open = None
            out.append(ir.PartEnded(self._open_index))
            out += self._release()
        self._cut.clear()
        return out


def _emptied(part: ir.Part) -> ir.Part:
    """The beginning of the continuation: the same kind of part, without what the first piece has said."""
    if isinstance(part, ir.Reasoning):
        return ir.Reasoning(vendor=part.vendor)
    return ir.Refusal("") if isinstance(part, ir.Refusal) else ir.Text("")
