"""Thoughts that a model writes into its text, `<think>…</think>answer`, as reasoning.

Only for models that are known to (`ModelProfile.thought_tag`): elsewhere the tag may be what was asked for.

Source: docs/protocol-notes.md, Thinking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gateway.wire import ir

Restore = Callable[[ir.Event], list[ir.Event]]


class Splitter:
    """Events in, events out. Stateful: each reply needs its own.

    A text part may become two, so every index is doubled: a thought keeps the even one, its answer gets the odd one.
    """

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._texts: dict[tuple[int, int], _Text] = {}

    def after(self, restore: Restore) -> Restore:
        return lambda event: [split for restored in restore(event) for split in self.feed(restored)]

    def response(self, response: ir.Response) -> ir.Response:
        return ir.fold(split for event in ir.unfold(response) for split in self.feed(event))

    def feed(self, event: ir.Event) -> Iterator[ir.Event]:
        match event:
            case ir.PartStarted(part=ir.Text() as part):
                text = self._texts[event.candidate, event.index] = _Text(self._tag, event, part)
                yield from text.more(part.text)
            case ir.PartDelta():
                open_text = self._texts.get((event.candidate, event.index))
                if open_text is None:
                    yield replace(event, index=2 * event.index)
                else:
                    yield from open_text.more(event.text, event.extra)
            case ir.PartEnded():
                open_text = self._texts.pop((event.candidate, event.index), None)
                if open_text is None:
                    yield replace(event, index=2 * event.index)
                else:
                    yield from open_text.end(event.part)
            case ir.PartStarted():
                yield replace(event, index=2 * event.index)
            case _:
                yield event


class _Text:
    """One text: not known yet, thought, between thought and answer, answer."""

    def __init__(self, tag: str, started: ir.PartStarted, part: ir.Text) -> None:
        self._opening, self._closing = f"<{tag}>", f"</{tag}>"
        self._candidate, self._index, self._part = started.candidate, 2 * started.index, part
        self._read: Callable[[], Iterator[ir.Event]] = self._begin
        self._held = ""
        self._extra: ir.Extra = {}
        self._thinking = False
        self._answering = False
        self._passed = 0
        """Characters in front of the answer."""

    def more(self, text: str, extra: ir.Extra | None = None) -> Iterator[ir.Event]:
        self._held += text
        self._extra = extra or self._extra
        if self._held or self._extra:
            yield from self._read()

    def end(self, late: ir.Part | None) -> Iterator[ir.Event]:
        if self._read == self._begin:
            yield from self._answer()
        elif self._read == self._think:
            yield from self._thought(self._held.rstrip())
            yield from self._stop_thinking()
        if isinstance(late, ir.Text) and self._passed:
            late = replace(late, citations=[self._moved(citation) for citation in late.citations])
        if self._answering:
            yield ir.PartEnded(self._index + 1, late, self._candidate)

    def _begin(self) -> Iterator[ir.Event]:
        seen = self._held.lstrip()
        if seen.startswith(self._opening):
            self._passed = len(self._held) - len(seen) + len(self._opening)
            self._held = seen[len(self._opening) :]
            self._read = self._think
            yield from self._think()
        elif not self._opening.startswith(seen):
            yield from self._answer()

    def _think(self) -> Iterator[ir.Event]:
        thought, found, rest = self._held.partition(self._closing)
        if found:
            yield from self._thought(thought.rstrip())
            yield from self._stop_thinking()
            self._passed += len(thought) + len(found)
            self._held, self._read = rest, self._pause
            yield from self._pause()
            return
        sure = thought[: len(thought) - _overlap(thought, self._closing)].rstrip()
        self._passed += len(sure)
        self._held = thought[len(sure) :]
        yield from self._thought(sure)

    def _pause(self) -> Iterator[ir.Event]:
        answer = self._held.lstrip()
        self._passed += len(self._held) - len(answer)
        self._held = answer
        if answer:
            yield from self._answer()

    def _answer(self) -> Iterator[ir.Event]:
        if not self._answering:
            self._answering, self._read = True, self._answer
            yield ir.PartStarted(self._index + 1, replace(self._part, text=""), self._candidate)
        if self._held or self._extra:
            yield ir.PartDelta(self._index + 1, self._held, self._candidate, self._extra)
        self._held, self._extra = "", {}

    def _thought(self, text: str) -> Iterator[ir.Event]:
        if not self._thinking:
            text = text.lstrip()
            if not text:
                return
            self._thinking = True
            yield ir.PartStarted(self._index, ir.Reasoning(), self._candidate)
        if text:
            yield ir.PartDelta(self._index, text, self._candidate)

    def _stop_thinking(self) -> Iterator[ir.Event]:
        if self._thinking:
            yield ir.PartEnded(self._index, None, self._candidate)

    def _moved(self, citation: ir.Citation) -> ir.Citation:
        if citation.start is None or citation.end is None or citation.start < self._passed:
            return replace(citation, start=None, end=None)
        return replace(citation, start=citation.start - self._passed, end=citation.end - self._passed)


def _overlap(text: str, tag: str) -> int:
    """How much of the tag's beginning the text ends with."""
    return next((size for size in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:size])), 0)
