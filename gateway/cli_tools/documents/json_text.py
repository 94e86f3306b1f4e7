"""JSON with what its friends allow (JSONC, JSON5: comments, trailing commas, bare and single-quoted keys), read with
the place of every value, so that text can be changed without touching the rest of it.

Python's libraries that keep comments either need a newer Python, or take seconds for a hundred kilobytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import NoReturn

from gateway.cli_tools.documents.paths import BrokenDocument, Data

_SKIP = re.compile(r"(?:\s|\ufeff|//[^\n\r]*|/\*.*?\*/)+", re.DOTALL)
_STRING = re.compile(r"\"(?:[^\"\\\n\r]|\\\r\n|\\.)*\"|'(?:[^'\\\n\r]|\\\r\n|\\.)*'", re.DOTALL)
_WORD = re.compile(r"[^\s,:\[\]{}\"'/]+")
_NAME = re.compile(r"[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*\Z")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")
_HEX = re.compile(r"[+-]?0[xX][0-9a-fA-F]+\Z")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\n\r\u2028\u2029])|(.))", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_WORDS: dict[str, Data] = {"true": True, "false": False, "null": None}
_FLOATS = {"Infinity", "NaN"}
MAX_DEPTH = 100


@dataclass(slots=True)
class Node:
    start: int
    end: int
    value: Data
    members: list[Member] = field(default_factory=list)
    """Of an object or a list."""


@dataclass(slots=True)
class Member:
    start: int
    """Of its key, or of the element of a list."""
    key: str
    node: Node
    comma: int = -1
    """Where the comma behind it is."""

    @property
    def end(self) -> int:
        return self.node.end if self.comma < 0 else self.comma + 1


def read(text: str) -> Node:
    """The document's one value. Raise `BrokenDocument`."""
    reader = _Reader(text)
    node = reader.value(0)
    if reader.peek():
        reader.fail("nothing may follow the value")
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        at = self.at if at is None else at
        line = self.text.count("\n", 0, at) + 1
        raise BrokenDocument(message, line, at - self.text.rfind("\n", 0, at))

    def peek(self) -> str:
        """The next character that is no space and in no comment; "" at the end."""
        if match := _SKIP.match(self.text, self.at):
            self.at = match.end()
        if self.text.startswith("/*", self.at):
            self.fail("this comment does not end")
        return self.text[self.at : self.at + 1]

    def value(self, depth: int) -> Node:
        first, start = self.peek(), self.at
        if first in ("{", "["):
            return self.container(depth)
        if not first:
            self.fail("a value is missing")
        value = self.string() if first in "\"'" else self.word()
        return Node(start, self.at, value)

    def container(self, depth: int) -> Node:
        if depth >= MAX_DEPTH:
            self.fail("nested too deeply")
        is_object = self.text[self.at] == "{"
        node = Node(self.at, 0, {} if is_object else [])
        closing = "}" if is_object else "]"
        self.at += 1
        while (next := self.peek()) != closing:
            if node.members and node.members[-1].comma < 0:
                self.fail(f"a comma or {closing} is missing" if next else f"{closing} is missing")
            start = self.at
            key = self.key() if is_object else ""
            member = Member(start, key, self.value(depth + 1))
            if is_object:
                node.value[key] = member.node.value
            else:
                node.value.append(member.node.value)
            node.members.append(member)
            if self.peek() == ",":
                member.comma = self.at
                self.at += 1
        self.at += 1
        node.end = self.at
        return node

    def key(self) -> str:
        first, start = self.peek(), self.at
        if first and first in "\"'":
            key = self.string()
        else:
            match = _WORD.match(self.text, self.at)
            if not match or not _NAME.match(match[0]):
                self.fail("a key is missing")
            key, self.at = match[0], match.end()
        if self.peek() != ":":
            self.fail(
                f"a colon is missing after the key at column {start - self.text.rfind(chr(10), 0, start)}"
            )
        self.at += 1
        return key

    def string(self) -> str:
        match = _STRING.match(self.text, self.at)
        if not match:
            self.fail("this string does not end")
        self.at = match.end()
        inner = match[0][1:-1]
        value = _ESCAPE.sub(_unescape, inner) if "\\" in inner else inner
        # Two escapes may be halves of one character.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")

    def word(self) -> Data:
        match = _WORD.match(self.text, self.at)
        word = match[0] if match else ""
        self.at += len(word)
        if word in _WORDS:
            return _WORDS[word]
        if _HEX.match(word):
            return int(word, 16)
        if _NUMBER.match(word):
            is_whole = not set(word) & set(".eE")
            return int(word) if is_whole and len(word) < 4000 else float(word)
        if word.lstrip("+-") in _FLOATS:
            return float(word)
        self.at -= len(word)
        return self.fail("this is no value")  # it may be a key without its quotes, which no message shows


def _unescape(match: re.Match[str]) -> str:
    unicode, byte, newline, other = match.groups()
    if unicode or byte:
        return chr(int(unicode or byte, 16))
    return "" if newline else _SHORT.get(other, other)


def write(value: Data, indent: str, prefix: str, newline: str) -> str:
    """A value in JSON, its further lines after `prefix`; in one line without an `indent`."""
    if not indent:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, indent=indent).replace("\n", newline + prefix)
