"""JSON, JSONC and JSON5 settings, changed in their text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.cli_tools.documents.json_text import Member, Node, read, write
from gateway.cli_tools.documents.paths import ABSENT, Change, Data, Item, Step, check_container, nest

_SAME_LINE_COMMENT = re.compile(r"[ \t]*(?://[^\n\r]*|/\*[^\n\r]*?\*/(?=[ \t]*[\r\n]))")
_INDENT = re.compile(r"[\[{]\s*?\r?\n([ \t]+)[^\s/]")
_LINE_ENDS = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_ENDS_IN_COMMENT = re.compile(r"//[^\n]*\Z")
EMPTY = "{}\n"


def parse(text: str) -> Data:
    """Of an empty file: an empty object."""
    return read(text).value if text.strip() else {}


def edit(text: str, changes: Sequence[Change]) -> str:
    text = text if text.strip() else EMPTY
    for change in changes:
        text = _take(text, change) if change.value is ABSENT else _put(text, change)
    return text


def _member(node: Node, step: Step) -> Member | None:
    """The last one counts where a key is repeated, as it does for every reader."""
    for member in reversed(node.members):
        if step.matches(member.node.value) if isinstance(step, Item) else member.key == step:
            return member
    return None


def _put(text: str, change: Change) -> str:
    node = read(text)
    for depth, step in enumerate(change.path):
        check_container(node.value, change.path, depth)
        member = _member(node, step)
        if member is None:
            return _insert(text, node, step, nest(change.path[depth + 1 :], change.value))
        node = member.node
    if node.value == change.value:
        return text
    value = write(change.value, _indent(text), _line_prefix(text, node.start), _newline(text))
    return text[: node.start] + value + text[node.end :]


def _insert(text: str, node: Node, step: Step, value: Data) -> str:
    """As the last member. On lines of its own, unless the members share one."""
    newline, own_line = _newline(text), "\n" in text[node.start : node.end] or node.end - node.start <= 2
    first = node.members[0] if node.members else None
    if first is not None:
        own_line = "\n" in text[node.start : first.start]
    indent = _indent(text) if own_line else ""
    outer = _line_prefix(text, node.start)
    prefix = (_line_prefix(text, first.start) if first else outer + indent) if own_line else ""
    key = "" if isinstance(step, Item) else f"{write(step, '', '', '')}: "
    shown = key + write(value, indent, prefix, newline)
    inside = "" if first else text[node.start + 1 : node.end - 1].rstrip()
    gap = newline + prefix if own_line else " " if first or inside else ""
    if first is None:
        tail = newline + outer if own_line or inside else ""
        return f"{text[: node.start + 1]}{inside}{gap}{shown}{tail}{text[node.end - 1 :]}"
    last = node.members[-1]
    at = last.end
    text = text if last.comma >= 0 else f"{text[:at]},{text[at:]}"
    comma = "," if last.comma >= 0 else ""
    at += 0 if last.comma >= 0 else 1
    if own_line and (comment := _SAME_LINE_COMMENT.match(text, at)):
        at = comment.end()
    return f"{text[:at]}{gap}{shown}{comma}{text[at:]}"


def _take(text: str, change: Change) -> str:
    node, parent, member = read(text), None, None
    for depth, step in enumerate(change.path):
        check_container(node.value, change.path, depth)
        parent, member = node, _member(node, step)
        if member is None:
            return text
        node = member.node
    assert parent is not None
    assert member is not None
    index = parent.members.index(member)
    start, end = len(text[: member.start].rstrip()), member.end
    gap = parent.members[index - 1].end if index else parent.start
    if _ENDS_IN_COMMENT.search(text[gap:start]) and not _LINE_ENDS.match(text, end):
        start = member.start  # the comment must not swallow what comes after it
    text = text[:start] + text[end:]
    if member.comma < 0 and index:
        comma = parent.members[index - 1].comma
        text = text[:comma] + text[comma + 1 :]
    return text


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent(text: str) -> str:
    match = _INDENT.search(text)
    return match[1] if match else "  "


def _line_prefix(text: str, at: int) -> str:
    """The white space that the line begins with."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start:at]
    return line[: len(line) - len(line.lstrip(" \t"))]
