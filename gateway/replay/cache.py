"""One request that the cache may answer: look, else ask and keep."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from gateway.edge.responses import header_text
from gateway.exchange import Exchange, Served
from gateway.replay import cache_key, similarity
from gateway.replay.entries import MAX_ENTRY_BYTES, Entry
from gateway.replay.store import store
from gateway.snapshot import Snapshot
from gateway.wire import get_format, ir, json
from omniroute.errors import GatewayError
from omniroute.types import JSONDict

HEADER = "X-OmniRoute-Cache"
_WHOLE = frozenset({"stop", "stop_sequence", "tool_calls"})


@dataclass(frozen=True, slots=True)
class Cached:
    exchange: Exchange
    snapshot: Snapshot

    async def serve(
        self,
        answer: Callable[[Exchange, Snapshot], Awaitable[HttpResponseBase]],
        record: Callable[[Exchange, Snapshot], Awaitable[None]],
    ) -> HttpResponseBase:
        exchange = self.exchange
        body = cache_key.body_of(exchange)
        signature = cache_key.signature(exchange, body)
        entry, prompt = await store().get(signature), None
        if entry is None and (prompt := await self._prompt(body, answer)) is not None:
            entry = await prompt.find(self.snapshot.replay.threshold)
        await store().count(entry)
        if entry is not None:
            response = self._replayed(entry, prompt)
            await record(exchange, self.snapshot)
            return response
        answered = await answer(exchange, self.snapshot)
        if answered.status_code == 200 and isinstance(answered, HttpResponse):
            answered[HEADER] = "MISS"
            await self._keep(signature, answered, prompt)
        return answered

    async def _prompt(
        self, body: JSONDict, answer: Callable[[Exchange, Snapshot], Awaitable[HttpResponseBase]]
    ) -> similarity.Prompt | None:
        key, model = self.exchange.key, self.snapshot.replay.similar_model
        if not model or key is None or not key.similar_answers:
            return None
        return await similarity.read(self.exchange, self.snapshot, body, answer)

    def _replayed(self, entry: Entry, prompt: similarity.Prompt | None) -> HttpResponse:
        self.exchange.replayed = Served(
            entry.provider, entry.served_model, entry.account_id, entry.account_name
        )
        self.exchange.cache_hit, self.exchange.saved = True, entry.cost or self.exchange.saved
        headers = {
            "x-request-id": self.exchange.inbound.id,
            "x-omniroute-attempts": "0",
            "x-omniroute-provider": entry.provider,
            "x-omniroute-model": header_text(entry.served_model),
            "x-omniroute-account": header_text(entry.account_name),
            HEADER: "HIT",
        }
        if prompt is not None:
            headers["X-OmniRoute-Cache-Similarity"] = f"{prompt.similarity:.4f}"
        return HttpResponse(entry.body, content_type=entry.content_type, headers=headers)

    async def _keep(self, signature: str, response: HttpResponse, prompt: similarity.Prompt | None) -> None:
        """Only whole answers with something in them."""
        exchange, trial = self.exchange, self.exchange.serving
        content = response.content
        if trial is None or len(content) > MAX_ENTRY_BYTES or not is_whole(exchange.inbound.format, content):
            return
        usage, target, account = trial.usage, trial.attempt.target, trial.attempt.account
        now = time.time()
        await store().put(
            Entry(
                signature=signature,
                model=exchange.inbound.model,
                body=content,
                content_type=response["Content-Type"],
                provider=target.provider.id,
                served_model=target.model,
                account_id=account.id,
                account_name=account.name,
                tokens=usage.input_tokens + usage.output_tokens if usage else 0,
                cost=trial.cost(self.snapshot.billing).amount,
                created_at=now,
                expires_at=now + self.snapshot.replay.ttl_s,
                frame=prompt.frame if prompt else "",
                vector=prompt.vector if prompt else b"",
            )
        )


def is_whole(format: str, body: bytes) -> bool:
    """Did every candidate of this answer end by itself, with a text or a call?"""
    try:
        value = json.loads(body)
        if format == "openai_completions":  # providers are never asked in it, so it has no parser
            choices = value.get("choices")
            return bool(choices) and all(
                choice.get("text") and choice.get("finish_reason") in _WHOLE for choice in choices
            )
        candidates = get_format(format).parse_response(value).candidates if isinstance(value, dict) else []
    except (GatewayError, LookupError, NotImplementedError):
        return False
    return bool(candidates) and all(
        candidate.finish_reason in _WHOLE
        and any(
            isinstance(part, ir.ToolCall) or (isinstance(part, ir.Text) and part.text)
            for part in candidate.parts
        )
        for candidate in candidates
    )
