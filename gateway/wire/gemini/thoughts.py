"""Other vendors' thoughts in a client's history: found, put together and put in their places."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.gemini.fields import FORMAT
from gateway.wire.gemini.sealed import Thought, is_foreign, unseal


class Thoughts:
    """Of one turn of the model, which may come as several contents: a stream's chunks, one by one."""

    def __init__(self) -> None:
        self._pieces: list[tuple[list[ir.Part], ir.Reasoning]] = []
        """Thoughts whose proof is still to come, and the lists that they are in."""
        self._proven: list[ir.Reasoning] = []
        """Since the latest call."""
        self._place: tuple[list[ir.Part], int] | None = None
        """Where thoughts go that only a call brought back: behind the call before."""

    def read(self, raws: list[Any], parts: list[ir.Part]) -> list[ir.Part]:
        """The parts of one content, which may still change while the turn is read on."""
        kept: list[ir.Part] = []
        if self._place is None:
            self._place = kept, 0
        for raw, part in zip(raws, parts, strict=True):
            kept.append(part)
            if isinstance(part, ir.Reasoning):
                self._think(part, kept)
                continue
            self._pieces = []
            if isinstance(part, ir.ToolCall):
                self._complete(unseal(raw))
                self._proven, self._place = [], (kept, len(kept))
        return kept

    def _think(self, part: ir.Reasoning, kept: list[ir.Part]) -> None:
        if not is_foreign(part):
            self._pieces = [] if part.signature else [*self._pieces, (kept, part)]
            return
        if part.redacted is None:
            part.text = "".join(piece.text for _, piece in self._pieces) + part.text
            for parts, piece in self._pieces:
                parts[:] = [other for other in parts if other is not piece]
        self._pieces = []
        self._proven.append(part)

    def _complete(self, thoughts: list[Thought]) -> None:
        """What the call says of the thoughts in front of it is what was thought: clients join and trim texts."""
        missing: list[ir.Part] = []
        for thought in thoughts:
            found = [part for part in self._proven if _proof(part) == _proof(thought)]
            if found:
                found[0].text = thought.text
            elif thought.vendor != FORMAT:
                missing.append(thought.part())
        if missing and self._place is not None:
            parts, number = self._place
            parts[number:number] = missing


def _proof(thought: ir.Reasoning | Thought) -> tuple[str | None, str | None]:
    return thought.signature, thought.redacted
