"""Embeddings, images, moderations and rankings: answers that are no conversation.

An embedding counts the words of its text by their hash, so texts with the same words lie close together.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
from typing import Any

from gateway.simulator.question import BadRequest, JSONDict, reading

DIMENSIONS = 64
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_WORD = re.compile(r"\w+")


def answer(kind: str, body: JSONDict) -> JSONDict:
    """Raise `BadRequest`. `kind`: the end of the address."""
    with reading():
        return _ANSWERS[kind](body)


def _embeddings(body: JSONDict) -> JSONDict:
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not texts or not isinstance(texts, list) or not body.get("model"):
        raise BadRequest("'input' and 'model' are required.", "input")
    vectors = [vector(str(text), body.get("dimensions")) for text in texts]
    tokens = sum(len(_WORD.findall(str(text))) for text in texts)
    packed = body.get("encoding_format") == "base64"
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _packed(numbers) if packed else numbers}
            for index, numbers in enumerate(vectors)
        ],
        "model": body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _embed_content(body: JSONDict) -> JSONDict:
    return {"embedding": {"values": _of_content(body)}}


def _batch_embed(body: JSONDict) -> JSONDict:
    for request in body["requests"]:
        if not request["model"].startswith("models/"):
            raise BadRequest("Each request needs its model.", "requests")
    return {"embeddings": [{"values": _of_content(request)} for request in body["requests"]]}


def _of_content(request: JSONDict) -> list[float]:
    text = " ".join(part["text"] for part in request["content"]["parts"])
    return vector(text, request.get("outputDimensionality"))


def _images(body: JSONDict) -> JSONDict:
    if not isinstance(body.get("prompt"), str):
        raise BadRequest("'prompt' is required.", "prompt")
    images = [{"b64_json": _PIXEL, "revised_prompt": body["prompt"]}] * int(body.get("n") or 1)
    usage = {"input_tokens": 10, "output_tokens": 100, "total_tokens": 110}
    return {"created": 1_700_000_000, "data": images, "usage": usage}


def _moderations(body: JSONDict) -> JSONDict:
    """What says "kill" is flagged."""
    given = body["input"]
    flags = ["kill" in str(each).lower() for each in (given if isinstance(given, list) else [given])]
    results = [
        {"flagged": flag, "categories": {"violence": flag}, "category_scores": {"violence": float(flag)}}
        for flag in flags
    ]
    return {"id": "modr-1", "model": body["model"], "results": results}


def _rerank(body: JSONDict) -> JSONDict:
    """By the angle between query and document."""
    query = vector(body["query"])
    scores = [sum(a * b for a, b in zip(query, vector(str(text)), strict=True)) for text in body["documents"]]
    best = sorted(range(len(scores)), key=lambda place: -scores[place])[: body.get("top_n")]
    results = [{"index": place, "relevance_score": round(scores[place], 6)} for place in best]
    return {"id": "rerank-1", "results": results, "meta": {"billed_units": {"search_units": 1}}}


def vector(text: str, dimensions: Any = None) -> list[float]:
    """Of length 1."""
    numbers = [0.0] * int(dimensions or DIMENSIONS)
    for word in _WORD.findall(text.lower()) or [""]:
        digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
        numbers[digest[0] % len(numbers)] += 1.0
        numbers[digest[1] % len(numbers)] += 0.5
    length = math.sqrt(sum(n * n for n in numbers))
    return [n / length for n in numbers]


def _packed(numbers: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


_ANSWERS = {
    "/embeddings": _embeddings,
    "/images/generations": _images,
    "/moderations": _moderations,
    "/rerank": _rerank,
    ":embedContent": _embed_content,
    ":batchEmbedContents": _batch_embed,
}
ENDINGS = tuple(_ANSWERS)
