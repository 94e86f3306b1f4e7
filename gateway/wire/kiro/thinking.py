"""Thoughts that a model writes into its text: `<thinking>…</thinking>` at the beginning of an answer."""

from __future__ import annotations

OPEN, CLOSE = "<thinking>", "</thinking>"


class Splitter:
    """`feed` text as it comes; get (is a thought, text) pieces. Tags may be cut anywhere. `end`: what was held back.

    Only at the beginning of the answer: further on, the tag may be what the answer is about.
    """

    __slots__ = ("_held", "_state")

    def __init__(self) -> None:
        self._state = "before"
        self._held = ""

    def feed(self, text: str) -> list[tuple[bool, str]]:
        if self._state == "text":
            return [(False, text)] if text else []
        self._held += text
        return self._STEPS[self._state](self)

    def end(self) -> list[tuple[bool, str]]:
        held, self._held = self._held, ""
        is_thought = self._state == "thought"
        self._state = "text"
        return [(is_thought, held)] if held else []

    def _at_beginning(self) -> list[tuple[bool, str]]:
        start = self._held.lstrip()
        if len(start) < len(OPEN) and OPEN.startswith(start):
            return []
        if not start.startswith(OPEN):
            return self._text()
        self._state, self._held = "opened", start[len(OPEN) :]
        return self._opened()

    def _opened(self) -> list[tuple[bool, str]]:
        if not self._held:
            return []
        self._state, self._held = "thought", self._held.removeprefix("\n")
        return self._in_thought()

    def _in_thought(self) -> list[tuple[bool, str]]:
        thought, tag, rest = self._held.partition(CLOSE)
        if tag:
            self._state, self._held = "behind", rest
            said = [(True, thought)] if thought else []
            return said + self._behind()
        keep = _overlap(self._held)
        thought, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return [(True, thought)] if thought else []

    def _behind(self) -> list[tuple[bool, str]]:
        """The line breaks between thought and answer belong to neither."""
        self._held = self._held.lstrip("\n")
        return self._text() if self._held else []

    def _text(self) -> list[tuple[bool, str]]:
        self._state, text, self._held = "text", self._held, ""
        return [(False, text)]

    _STEPS = {"before": _at_beginning, "opened": _opened, "thought": _in_thought, "behind": _behind}


def _overlap(text: str) -> int:
    """How many characters at the end may be the beginning of the closing tag."""
    longest = min(len(CLOSE) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if CLOSE.startswith(text[-size:])), 0)
