"""Embeddings in OpenAI's shape and in Gemini's: what is asked, and what is answered, each parsed and emitted.

Sources: OpenAI's `POST /embeddings`; Gemini's `models.embedContent` and `models.batchEmbedContents`.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.wire import json
from gateway.wire.gemini.fields import get
from gateway.wire.tokens import estimate_texts as estimate_texts
from omniroute.errors import InvalidRequest, UpstreamBroken
from omniroute.types import JSONDict, Usage

MAX_TEXTS = 2048
"""What OpenAI takes at once."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be embedded, independent of the format. `task` and `title` are Gemini's."""

    texts: tuple[str, ...]
    dimensions: int | None = None
    base64: bool = False
    """The client wants vectors as base64 of little-endian floats: what OpenAI's SDK asks for unless told otherwise."""
    batch: bool = True
    """The client asked for a list (Gemini answers one text in another shape)."""
    task: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Vectors:
    vectors: Sequence[Sequence[float]]
    usage: Usage


def parse_openai(body: JSONDict) -> Wish:
    """Raise `InvalidRequest`; also for token ids, which only the model's own vendor understands."""
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise InvalidRequest("The field 'input' must be a text or a list of texts", param="input")
    if not all(isinstance(text, str) for text in texts):
        raise InvalidRequest("This model takes texts, not token ids", param="input")
    if len(texts) > MAX_TEXTS:
        raise InvalidRequest(f"At most {MAX_TEXTS} texts at once", param="input")
    return Wish(
        tuple(texts), _dimensions(body.get("dimensions")), base64=body.get("encoding_format") == "base64"
    )


def emit_openai(wish: Wish, model: str) -> JSONDict:
    body: JSONDict = {"model": model, "input": list(wish.texts), "encoding_format": "float"}
    if wish.dimensions is not None:
        body["dimensions"] = wish.dimensions
    return body


def parse_gemini(body: JSONDict, batch: bool) -> Wish:
    """Raise `InvalidRequest`."""
    requests = get(body, "requests") if batch else [body]
    if not isinstance(requests, list) or not requests:
        raise InvalidRequest("The field 'requests' must be a list", param="requests")
    if not all(isinstance(each, dict) for each in requests):
        raise InvalidRequest("The field 'requests' must hold objects", param="requests")
    first = requests[0]
    return Wish(
        tuple(_text_of(get(each, "content")) for each in requests),
        _dimensions(get(first, "outputDimensionality")),
        batch=batch,
        task=get(first, "taskType"),
        title=get(first, "title"),
    )


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content.get("parts") if isinstance(content, dict) else None
    listed = parts if isinstance(parts, list) else []
    texts: list[Any] = [part.get("text") for part in listed if isinstance(part, dict)]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise InvalidRequest("The field 'content' must have parts with a text", param="content")
    return "\n".join(texts)


def emit_gemini(wish: Wish, model: str) -> JSONDict:
    """Always as a batch."""
    more = {"taskType": wish.task, "title": wish.title, "outputDimensionality": wish.dimensions}
    known = {name: value for name, value in more.items() if value is not None}
    return {
        "requests": [
            {"model": f"models/{model}", "content": {"parts": [{"text": text}]}, **known}
            for text in wish.texts
        ]
    }


def parse_openai_answer(body: JSONDict, wish: Wish) -> Vectors:
    """Raise `UpstreamBroken` for anything but a vector for every text."""
    data = body.get("data")
    entries = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    entries.sort(key=lambda entry: entry.get("index") or 0)
    vectors = [_numbers(entry.get("embedding")) for entry in entries]
    return Vectors(_checked(vectors, wish), openai_usage(body) or _estimated(wish))


def parse_gemini_answer(body: JSONDict, wish: Wish) -> Vectors:
    """Raise `UpstreamBroken` for anything but a vector for every text."""
    single = get(body, "embedding")
    found = [single] if isinstance(single, dict) else get(body, "embeddings")
    entries = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    vectors = [_numbers(entry.get("values")) for entry in entries]
    usage = get(body, "usageMetadata")
    counted = get(usage, "promptTokenCount") if isinstance(usage, dict) else None
    return Vectors(
        _checked(vectors, wish),
        Usage(input_tokens=counted) if isinstance(counted, int) else _estimated(wish),
    )


def openai_usage(body: JSONDict) -> Usage | None:
    usage = body.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return Usage(input_tokens=tokens) if isinstance(tokens, int) else None


def emit_openai_answer(answer: Vectors, wish: Wish, model: str) -> JSONDict:
    tokens = answer.usage.input_tokens
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if wish.base64 else vector}
            for index, vector in enumerate(answer.vectors)
        ],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def emit_gemini_answer(answer: Vectors, wish: Wish) -> JSONDict:
    if not wish.batch:
        return {"embedding": {"values": answer.vectors[0]}}
    return {"embeddings": [{"values": vector} for vector in answer.vectors]}


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _numbers(value: Any) -> list[float]:
    """A vector, also in the base64 that some servers send unasked. Raise `UpstreamBroken`."""
    if isinstance(value, str):
        try:
            data = base64.b64decode(value, validate=True)
            return list(struct.unpack(f"<{len(data) // 4}f", data))
        except (binascii.Error, struct.error):
            value = None
    if not isinstance(value, list) or not value or not all(isinstance(n, int | float) for n in value):
        raise UpstreamBroken("The provider's answer has an embedding that is no list of numbers")
    return value


def _checked(vectors: list[list[float]], wish: Wish) -> list[list[float]]:
    if len(vectors) != len(wish.texts):
        raise UpstreamBroken(f"The provider sent {len(vectors)} embeddings for {len(wish.texts)} texts")
    return vectors


def _estimated(wish: Wish) -> Usage:
    return Usage(input_tokens=estimate_texts(wish.texts), estimated=True)


def _dimensions(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def error_of(body: bytes) -> tuple[JSONDict, str]:
    """The answer's object, and what its error says under a good status; "" where it has none.

    Raise `UpstreamBroken` for what is no JSON object.
    """
    try:
        value = json.loads(body)
    except InvalidRequest as error:
        raise UpstreamBroken(f"The provider's answer is no JSON: {error.message}") from error
    if not isinstance(value, dict):
        raise UpstreamBroken("The provider's answer is no JSON object")
    reported = value.get("error")
    if not reported:
        return value, ""
    said = reported.get("message") if isinstance(reported, dict) else reported
    return value, str(said)[:300]
