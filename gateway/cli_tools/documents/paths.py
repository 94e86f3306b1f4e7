"""Places in settings, and changes of them, in plain data."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

Data = Any
"""What JSON can say: dict, list, str, int, float, bool, None (and dates, in TOML and YAML)."""


class BrokenDocument(Exception):
    """Text that is not what its format allows. `line` and `column` count from 1; 0 where the parser did not say."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}: " if self.line else ""
        return f"{where}{self.message}"


class Unfit(Exception):
    """A valid document that cannot be changed as wished."""


@dataclass(frozen=True, slots=True)
class Item:
    """A step into a list: its dict whose `key` is `value`."""

    key: str
    value: str

    def matches(self, element: Data) -> bool:
        return isinstance(element, dict) and element.get(self.key) == self.value


Step = str | Item
Path = tuple[Step, ...]


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""No value, which null is not."""


@dataclass(frozen=True, slots=True)
class Change:
    """Put `value` at `path`, making what leads there; `ABSENT` takes away what is there."""

    path: Path
    value: Data


def kind_for(step: Step) -> type:
    """Of the container that the step leads into."""
    return list if isinstance(step, Item) else dict


def find(data: Data, step: Step) -> Data:
    """The value that a step leads to, or `ABSENT`."""
    if isinstance(step, Item):
        elements = data if isinstance(data, list) else []
        return next((element for element in elements if step.matches(element)), ABSENT)
    return data[step] if isinstance(data, dict) and step in data else ABSENT


def get(data: Data, path: Iterable[Step]) -> Data:
    for step in path:
        data = find(data, step)
        if data is ABSENT:
            break
    return data


def nest(path: Sequence[Step], value: Data) -> Data:
    """The value inside of new containers, so that the path leads to it."""
    for step in reversed(path):
        value = [value] if isinstance(step, Item) else {step: value}
    return value


def spoken(path: Iterable[Step]) -> str:
    return ".".join(f"[{step.key}={step.value}]" if isinstance(step, Item) else step for step in path)


def check_container(data: Data, path: Path, depth: int) -> None:
    """Raise `Unfit` unless `data`, reached by the first `depth` steps, is what the next step leads into."""
    wanted = kind_for(path[depth])
    if not isinstance(data, wanted):
        name = spoken(path[:depth]) or "the file's content"
        raise Unfit(f"{name} is not {'a list' if wanted is list else 'an object'}")


def apply(data: Data, change: Change) -> None:
    """Change `data`, which may be of a library's own dict and list classes, in place."""
    for depth, step in enumerate(change.path):
        check_container(data, change.path, depth)
        below = find(data, step)
        is_last = depth == len(change.path) - 1
        if change.value is ABSENT:
            if below is ABSENT:
                return
            if is_last:
                _take(data, step)
        elif below is ABSENT:
            _put(data, step, nest(change.path[depth + 1 :], change.value))
            return
        elif is_last and below != change.value:
            _put(data, step, change.value)
        data = below


def changed(data: Data, changes: Iterable[Change]) -> Data:
    """A copy of plain data with the changes."""
    data = copy.deepcopy(data)
    for change in changes:
        apply(data, change)
    return data


def _put(data: Data, step: Step, value: Data) -> None:
    if isinstance(step, str):
        data[step] = value
        return
    for index, element in enumerate(data):
        if step.matches(element):
            data[index] = value
            return
    data.append(value)


def _take(data: Data, step: Step) -> None:
    if isinstance(step, str):
        del data[step]
        return
    index = next(index for index, element in enumerate(data) if step.matches(element))
    del data[index]
