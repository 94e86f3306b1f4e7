"""DeepSeek: an answer that the client has begun is continued at another address.

Source: docs/protocol-notes.md, Parameters.
"""

from __future__ import annotations

import msgspec

from providers.adapters.base import Adapter, Draft, registry
from providers.edits.base import items, value

_STABLE, _BETA = "https://api.deepseek.com/v1/", "https://api.deepseek.com/beta/"


class DeepSeek(Adapter):
    def prepare(self, draft: Draft) -> None:
        if draft.url.startswith(_STABLE) and _is_begun(draft.fields.get("messages")):
            draft.url = _BETA + draft.url.removeprefix(_STABLE)


def _is_begun(messages: object) -> bool:
    """Whether the last message is marked as the beginning of the answer."""
    if isinstance(messages, msgspec.Raw) and b'"prefix"' not in bytes(messages):
        return False
    turns = items(messages) or []
    return any(value(turn.get("prefix")) is True for turn in turns[-1:])


registry.register("deepseek")(DeepSeek())
