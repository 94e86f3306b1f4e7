"""What every simulated format can do, and what they share."""

from __future__ import annotations

import json
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.simulator.answer import Answer, Tokens, answers_to, tokens_of
from gateway.simulator.behavior import Behavior
from gateway.simulator.question import BadRequest, JSONDict, Question, reading

MAX_CHOICES = 128


class Step(NamedTuple):
    """One write of a stream. `content`: it shows the client a part of the answer."""

    data: bytes
    content: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A question with its answers, ready for words."""

    question: Question
    answers: list[Answer]
    tokens: Tokens
    behavior: Behavior
    id: str
    created: int


class Dialect(ABC):
    family: str
    """openai, anthropic or gemini: whose error bodies and headers."""
    required_headers: tuple[str, ...] = ()
    content_type = "text/event-stream; charset=utf-8"

    @abstractmethod
    def read(self, body: JSONDict) -> Question:
        """Raise `BadRequest`."""

    def reply(self, body: JSONDict, behavior: Behavior) -> Reply:
        """Raise `BadRequest`."""
        with reading():
            question = self.read(body)
            if not question.model:
                raise BadRequest("Missing required parameter: 'model'.", "model")
            if question.n > MAX_CHOICES:
                raise BadRequest(f"Invalid 'n': expected a value of at most {MAX_CHOICES}.", "n")
            answers = answers_to(question, behavior)
            tokens = tokens_of(question, answers, behavior)
        return Reply(question, answers, tokens, behavior, secrets.token_hex(14), int(time.time()))

    @abstractmethod
    def whole(self, reply: Reply) -> JSONDict: ...

    @abstractmethod
    def stream(self, reply: Reply) -> Iterator[Step]: ...

    @abstractmethod
    def stream_error(self, body: JSONDict) -> bytes:
        """An error in band; `body` is the family's error body."""


def dump(value: Any) -> bytes:
    """Lone surrogates stay escapes, as real servers keep them."""
    return json.dumps(value, separators=(",", ":")).encode()


def sse(value: Any, event: str = "") -> bytes:
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + (value if isinstance(value, bytes) else dump(value)) + b"\n\n"


def part_texts(content: Any, name: str, kinds: tuple[str, ...]) -> tuple[str, int]:
    """Text of a content string or part list, and how many other parts there are."""
    if content is None:
        return "", 0
    if isinstance(content, str):
        return content, 0
    if not isinstance(content, list):
        raise BadRequest(f"Invalid type for '{name}': expected a string or an array.", name)
    texts, others = [], 0
    for part in content:
        if isinstance(part, dict) and part.get("type") in kinds and isinstance(part.get("text"), str):
            texts.append(part["text"])
        else:
            others += 1
    return "\n".join(texts), others


def logprob(piece: str, top: int) -> JSONDict:
    """One token's entry in the shape that Chat Completions and Responses share."""
    entry = {"token": piece, "logprob": -0.25, "bytes": list(piece.encode("utf-8", "replace"))}
    return {**entry, "top_logprobs": [{**entry, "logprob": -0.25 - rank} for rank in range(top)]}
