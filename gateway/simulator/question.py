"""What a request asks, whatever its format, and how it is read out of foreign JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

from gateway.simulator import file_task
from gateway.simulator.file_task import FileTask

JSONDict = dict[str, Any]
T = TypeVar("T")


class BadRequest(Exception):
    """The body is not what the vendor's own server would take. Answered with status 400 in its words."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


@contextmanager
def reading() -> Iterator[None]:
    """Whatever shape a reader trips over is a bad request, too."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadRequest(f"The request has a shape that is not allowed: {error}") from error


@dataclass(frozen=True, slots=True)
class ToolOffer:
    name: str
    schema: JSONDict = field(default_factory=dict)
    custom: bool = False
    """Takes free text instead of JSON."""


@dataclass(slots=True)
class Question:
    """`text` is the last user turn, `results` the tool results behind it."""

    model: str
    body: JSONDict
    stream: bool = False
    text: str = ""
    results: list[str] = field(default_factory=list)
    prompt: list[str] = field(default_factory=list)
    """Every text of the request, for counting."""
    attachments: int = 0
    tools: list[ToolOffer] = field(default_factory=list)
    choice: Literal["auto", "none", "any"] = "auto"
    forced: tuple[str, ...] = ()
    """Tools that the choice is narrowed to."""
    schema: JSONDict | None = None
    json_object: bool = False
    reasoning: bool = False
    n: int = 1
    top_logprobs: int | None = None
    """None: no log probabilities wanted."""
    max_tokens: int | None = None
    stop: list[str] = field(default_factory=list)
    include_usage: bool = False
    sse: bool = True
    """False: a stream is one JSON array (Gemini without `alt=sse`)."""
    task: FileTask | None = None

    def hear(self, role: str, text: str) -> None:
        """Take one turn of the conversation. Roles: user, tool, anything else."""
        self.prompt.append(text)
        if role == "user":
            self.text, self.results = text, []
            self.task = file_task.find(text) or self.task
        elif role == "tool":
            self.results.append(text)
            if self.task is not None:
                self.task.results.append(text)


_KINDS = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    list: "an array",
    dict: "an object",
    float: "a number",
}


def get(body: JSONDict, name: str, kind: type[T], default: T, *, least: int | None = None) -> T:
    """`body[name]`, or `default` where it is absent or null. Raise `BadRequest` for another type."""
    value = body.get(name)
    if value is None:
        return default
    wanted: type | tuple[type, ...] = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or (kind in (int, float) and isinstance(value, bool)):
        raise BadRequest(f"Invalid type for '{name}': expected {_KINDS[kind]}.", name)
    if least is not None and isinstance(value, int | float) and value < least:
        raise BadRequest(f"Invalid '{name}': expected a value of at least {least}.", name)
    return cast(T, value)


def need(body: JSONDict, name: str, kind: type[T]) -> T:
    if body.get(name) is None:
        raise BadRequest(f"Missing required parameter: '{name}'.", name)
    return get(body, name, kind, kind())


def objects(value: Any, name: str) -> list[JSONDict]:
    """`value` as a list of objects. Raise `BadRequest`."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadRequest(f"Invalid type for '{name}': expected an array of objects.", name)
    return value


def stop_list(value: Any, name: str) -> list[str]:
    values = [value] if isinstance(value, str) else value or []
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise BadRequest(f"Invalid type for '{name}': expected strings.", name)
    return values


def count_tokens(question: Question) -> int:
    """A made-up but steady measure: words and punctuation, the tools' JSON, 85 for an attachment."""
    texts = [*question.prompt, *(json.dumps(tool.schema) + tool.name for tool in question.tools)]
    return 3 + sum(len(re.findall(r"\w+|[^\w\s]", text)) for text in texts) + 85 * question.attachments
