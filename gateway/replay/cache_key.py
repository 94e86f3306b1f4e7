"""Which requests the cache may answer, and what makes two of them the same.

Everything that may change an answer is in the signature: the whole body, in a canonical spelling, as it is after the
policies changed it; the wire format; what the model's name leads to; headers of the format; and whose key it is.
"""

from __future__ import annotations

import hashlib
import json as standard_json
import re
from typing import Any

import msgspec

from gateway.exchange import Exchange
from gateway.passage.requests import FORWARDED
from gateway.replay.config import ReplayConfig
from gateway.wire import json
from omniroute.types import InboundRequest, JSONDict

TRANSPORT = frozenset({"model", "stream", "stream_options", "prompt_cache_key", "prompt_cache_retention"})
"""Fields that say how an answer is sent, or where its prompt is cached. The model is in the signature by its route."""
_STATEFUL = ("previous_response_id", "conversation", "background")
"""Fields of Responses that make an answer depend on more than the request."""
_ZEROS = frozenset({b"0", b"0.0", b"0.00"})
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_FALSE = frozenset({"", "0", "false", "no", "off"})
_encode = msgspec.json.Encoder(order="sorted").encode


def is_cacheable(exchange: Exchange, config: ReplayConfig) -> bool:
    inbound, key = exchange.inbound, exchange.key
    if inbound.stream or not config.cache or inbound.operation != "generate":
        return False
    if not config.any_temperature and not is_at_zero(inbound):
        return False
    if key is not None and key.cache == "off":
        return False
    if inbound.headers.get("x-omniroute-no-cache", "").strip().lower() not in _FALSE:
        return False
    return inbound.format != "openai_responses" or not any(
        json.field(dict(inbound.fields), name) for name in _STATEFUL
    )


def is_at_zero(inbound: InboundRequest) -> bool:
    """Whether the client asked for temperature 0 in so many words: each format has a default above it."""
    if inbound.format == "gemini":
        fields = dict(inbound.fields)
        config = json.field(fields, "generationConfig") or json.field(fields, "generation_config")
        value: Any = config.get("temperature") if isinstance(config, dict) else None
    else:
        raw = inbound.fields.get("temperature")
        if raw is None:
            return False
        if bytes(raw) in _ZEROS:
            return True
        value = json.loads(raw)
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def body_of(exchange: Exchange) -> JSONDict:
    """What is asked, without how it is to be sent."""
    body = json.decode_all(dict(exchange.inbound.fields))
    return {name: value for name, value in body.items() if name not in TRANSPORT}


def signature(exchange: Exchange, body: JSONDict, *more: str) -> str:
    inbound, key = exchange.inbound, exchange.key
    whose = "" if key is None else "shared" if key.cache == "shared" else key.identity
    parts = [
        inbound.format,
        inbound.model,
        whose,
        *more,
        *(target.name for target in exchange.route.targets),
        *(f"{name}:{inbound.headers[name]}" for name in FORWARDED if name in inbound.headers),
    ]
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace"))
    digest.update(b"\0")
    digest.update(canonical(body))
    return digest.hexdigest()


def canonical(body: JSONDict) -> bytes:
    """The same bytes whatever the order of the fields and the white space between them."""
    try:
        return _encode(body)
    except (UnicodeEncodeError, msgspec.EncodeError, ValueError, OverflowError):  # such as half of an emoji
        return standard_json.dumps(body, sort_keys=True).encode()


def without_prompt(body: JSONDict) -> tuple[JSONDict, str] | None:
    """The body without its last user text, and that text; None where the last turn is anything else.

    The numbers in the text stay with the body: two prompts that differ in one never mean the same.
    """
    for name in ("messages", "input", "contents"):
        turns = body.get(name)
        if name == "input" and isinstance(turns, str):
            return {**body, "input": _numbers(turns)}, turns
        if not isinstance(turns, list) or not turns or not isinstance(turns[-1], dict):
            continue
        last = turns[-1]
        field = "parts" if name == "contents" else "content"
        text = _only_text(last.get(field))
        if text is None or last.get("role", "user") != "user":
            return None
        return {**body, name: [*turns[:-1], {**last, field: _numbers(text)}]}, text
    return None


def _only_text(content: Any) -> str | None:
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        content = content[0].get("text")
    return content if isinstance(content, str) and content.strip() else None


def _numbers(text: str) -> list[str]:
    return _NUMBER.findall(text)
