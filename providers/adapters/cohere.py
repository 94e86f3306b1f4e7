"""Cohere: OpenAI's shape beside an interface of its own, which alone reranks (https://docs.cohere.com/reference/rerank)."""

from __future__ import annotations

from providers.adapters.base import Adapter, Draft, registry

_OPENAI = "/compatibility/v1/rerank"
_OWN = "/v2/rerank"


class Cohere(Adapter):
    operations = frozenset({"rerank"})

    def prepare(self, draft: Draft) -> None:
        if draft.inbound.operation == "rerank" and draft.url.endswith(_OPENAI):
            draft.url = draft.url.removesuffix(_OPENAI) + _OWN


registry.register("cohere")(Cohere())
