"""Prompts that mean the same, for keys that allow it: everything but the last user text is equal, and that is close.

What "close" is, a model of the gateway says: its embedding costs a request of its own, on the same key.
"""

from __future__ import annotations

import logging
import math
from array import array
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from random import getrandbits

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from combos.resolve import resolve
from gateway.exchange import Exchange
from gateway.replay import cache_key
from gateway.replay.entries import Entry, cosine
from gateway.replay.store import store
from gateway.snapshot import Snapshot
from gateway.wire import json
from gateway.wire.embeddings import Wish, parse_openai_answer
from omniroute.errors import GatewayError
from omniroute.types import InboundRequest, JSONDict

logger = logging.getLogger(__name__)
MAX_CHARACTERS = 8000
"""Longer prompts are no questions that somebody asks again in other words."""


@dataclass(slots=True)
class Prompt:
    frame: str
    """Signature of everything else."""
    vector: bytes
    similarity: float = 0.0
    """Of what was found."""

    async def find(self, threshold: float) -> Entry | None:
        best, found = threshold, None
        for entry in await store().alike(self.frame):
            measured = cosine(self.vector, entry.vector)
            if measured >= best:
                best, found = measured, entry
        self.similarity = best if found else 0.0
        return found


async def read(
    exchange: Exchange,
    snapshot: Snapshot,
    body: JSONDict,
    answer: Callable[[Exchange, Snapshot], Awaitable[HttpResponseBase]],
) -> Prompt | None:
    """None where there is no single text to compare, or where it could not be embedded."""
    parted = cache_key.without_prompt(body)
    if parted is None or len(parted[1]) > MAX_CHARACTERS:
        return None
    rest, text = parted
    model = snapshot.replay.similar_model
    try:
        route = resolve(model, snapshot.combos, snapshot.providers)
        asking = Exchange(
            _question(exchange.inbound, model, text), route, exchange.key, exchange.client_address
        )
        response = await answer(asking, snapshot)
        if response.status_code != 200 or not isinstance(response, HttpResponse):
            logger.warning("No embedding by %s: status %s", model, response.status_code)
            return None
        found = parse_openai_answer(json.loads(response.content), Wish((text,)))
    except GatewayError as error:
        logger.warning("No embedding by %s: %s", model, error)
        return None
    return Prompt(cache_key.signature(exchange, rest, "similar", model), _normal(found.vectors[0]))


def _question(inbound: InboundRequest, model: str, text: str) -> InboundRequest:
    body = json.dumps({"model": model, "input": [text], "encoding_format": "float"})
    return replace(
        inbound,
        id=f"req_{getrandbits(96):024x}",
        format="openai_chat",
        operation="embed",
        model=model,
        stream=False,
        body=body,
        fields=json.split(body),
        headers={"user-agent": inbound.headers.get("user-agent", "")},
        path="/v1/embeddings",
        array=False,
        thinking="client",
    )


def _normal(numbers: Sequence[float]) -> bytes:
    length = math.sqrt(sum(n * n for n in numbers)) or 1.0
    return array("f", (n / length for n in numbers)).tobytes()
