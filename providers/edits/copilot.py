"""What Copilot's chat endpoint takes less of than OpenAI's (docs/protocol-notes.md, GitHub Copilot)."""

from __future__ import annotations

import json
from typing import Any

from omniroute.types import Fields
from providers.edits.base import BODY_EDITS, Item, each_message, value
from providers.edits.body import instruct

_PLAIN = frozenset({"text", "image_url"})


@each_message("plain_parts", b'"type"')
def plain_parts(message: Item) -> Item:
    """Content has parts of text and pictures only; anything else becomes text."""
    content = value(message.get("content"))
    if not isinstance(content, list):
        return message
    parts = [_plain(part) for part in content]
    return (
        {**message, "content": parts}
        if any(new is not old for new, old in zip(parts, content, strict=True))
        else message
    )


def _plain(part: Any) -> Any:
    if not isinstance(part, dict) or "type" not in part or part["type"] in _PLAIN:
        return part
    said = part.get("text")
    return {"type": "text", "text": said if isinstance(said, str) else json.dumps(part)}


@BODY_EDITS.register("no_idle_effort")
def no_idle_effort(fields: Fields) -> None:
    """An effort of `none` is said by saying nothing."""
    if value(fields.get("reasoning_effort")) == "none":
        del fields["reasoning_effort"]


@BODY_EDITS.register("json_in_instructions")
def json_in_instructions(fields: Fields) -> None:
    """Where there is no `response_format`, JSON is asked for in words."""
    wanted = value(fields.pop("response_format", None))
    if not isinstance(wanted, dict) or wanted.get("type") not in ("json_object", "json_schema"):
        return
    described = wanted.get("json_schema")
    shape = described.get("schema") if isinstance(described, dict) else None
    text = "Answer with one JSON object and nothing else."
    instruct(fields, f"{text} It must match this JSON schema:\n{json.dumps(shape)}" if shape else text)
