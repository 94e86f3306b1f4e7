"""Stop sequences for which a provider's format has no words: the answer is cut where the model should have stopped.

The model writes on unseen, which the provider counts. Only the answer's text is looked at, as the vendors do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from gateway.wire import ir

Restore = Callable[[ir.Event], list[ir.Event]]
_Place = tuple[int, int]
"""(candidate, index of the part)"""


def cut(response: ir.Response, stops: Sequence[str]) -> ir.Response:
    return replace(response, candidates=[_cut(candidate, stops) for candidate in response.candidates])


def _cut(candidate: ir.Candidate, stops: Sequence[str]) -> ir.Candidate:
    for number, part in enumerate(candidate.parts):
        found = _first(part.text, stops) if isinstance(part, ir.Text) else None
        if found is None or not isinstance(part, ir.Text):
            continue
        end, stop = found
        sources = [citation for citation in part.citations if citation.end is None or citation.end <= end]
        said = [replace(part, text=part.text[:end], citations=sources)] if end else []
        parts = [*candidate.parts[:number], *said]
        return replace(candidate, parts=parts, finish_reason="stop_sequence", stop_sequence=stop)
    return candidate


class Stopper:
    """Events in, events out. Stateful: each reply needs its own."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held: dict[_Place, str] = {}
        """Of each open text, what may be the beginning of a stop sequence."""
        self._found: dict[int, str] = {}
        """By candidate: the sequence that ended it."""
        self._hidden: set[_Place] = set()

    def after(self, restore: Restore) -> Restore:
        return lambda event: [shown for restored in restore(event) for shown in self.feed(restored)]

    def feed(self, event: ir.Event) -> Iterator[ir.Event]:
        match event:
            case ir.PartStarted() if event.candidate in self._found:
                self._hidden.add((event.candidate, event.index))
            case ir.PartDelta() | ir.PartEnded() if (event.candidate, event.index) in self._hidden:
                pass
            case ir.PartStarted(part=ir.Text(text=text) as part):
                self._held[event.candidate, event.index] = ""
                yield replace(event, part=replace(part, text=""))
                if text:
                    yield from self._more(ir.PartDelta(event.index, text, event.candidate))
            case ir.PartDelta() if (event.candidate, event.index) in self._held:
                yield from self._more(event)
            case ir.PartEnded() if (event.candidate, event.index) in self._held:
                held = self._held.pop((event.candidate, event.index))
                if held:
                    yield ir.PartDelta(event.index, held, event.candidate)
                yield event
            case ir.Finished() if event.candidate in self._found:
                yield replace(event, reason="stop_sequence", stop_sequence=self._found[event.candidate])
            case _:
                yield event

    def _more(self, event: ir.PartDelta) -> Iterator[ir.Event]:
        place = event.candidate, event.index
        text = self._held[place] + event.text
        found = _first(text, self._stops)
        end = found[0] if found else len(text) - max(_overlap(text, stop) for stop in self._stops)
        self._held[place] = text[end:]
        if end or event.extra:
            yield replace(event, text=text[:end])
        if found:
            del self._held[place]
            self._hidden.add(place)
            self._found[event.candidate] = found[1]
            yield ir.PartEnded(event.index, None, event.candidate)


def _first(text: str, stops: Sequence[str]) -> tuple[int, str] | None:
    """(where it begins, the sequence) of the first one to be complete; of two that end at one place the longer one."""
    found = [(text.find(stop) + len(stop), -len(stop), stop) for stop in stops if stop in text]
    if not found:
        return None
    end, _, stop = min(found)
    return end - len(stop), stop


def _overlap(text: str, stop: str) -> int:
    """How much of the sequence's beginning the text ends with."""
    return next(
        (size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0
    )
