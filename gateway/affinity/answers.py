"""Answers that their providers keep, of OpenAI's Responses: who has one, for requests that name it by its id.

Noted by accounting with the request's row. What is made in the background is noted before its client hears of it, for
that may ask for it at once, of another process.
"""

from __future__ import annotations

from collections.abc import Awaitable

import msgspec
from asgiref.sync import sync_to_async

from billing.usage import kept_answers
from billing.usage.kept_answers import Kept, digest_of
from gateway import admission
from gateway.exchange import Exchange
from gateway.records.recorder import recorder
from gateway.snapshot import Snapshot
from gateway.trial import clean
from gateway.wire.openai_responses import in_background
from omniroute.types import InboundRequest

_FORMAT = "openai_responses"
_FALSE = msgspec.Raw(b"false")


async def find(id: str, api_key_id: int) -> Kept | None:
    """None for an answer that another API key got. A query."""
    return await sync_to_async(kept_answers.find)(digest_of(id, api_key_id))


async def forget(kept: Kept) -> None:
    await sync_to_async(kept_answers.forget)(kept.digest)


async def keep_background(exchange: Exchange) -> None:
    """After the commit point. What is at its end already is counted like any other answer."""
    trial = exchange.serving
    if trial is None or trial.usage is not None or (kept := _kept(exchange)) is None:
        return
    charged = admission.reserved(exchange)
    trial.owes = kept._replace(is_open=True, charged_usd=charged.usd, charged_tokens=charged.tokens)
    await recorder().record(None, kept=trial.owes)


def to_keep(exchange: Exchange) -> Kept | None:
    """What is to be noted with the request's row."""
    if exchange.error is not None or exchange.owed is not None or exchange.inbound.format != _FORMAT:
        return None
    return _kept(exchange)


def settle(exchange: Exchange, snapshot: Snapshot) -> Awaitable[None] | None:
    """Count what the owed answer used; None where there is nothing to count."""
    row = exchange.late_row(snapshot.billing)
    if row is None or exchange.owed is None:
        return None
    bill = admission.late_bill(exchange.owed, row, snapshot)
    return recorder().record(row, bill, settles=exchange.owed.digest)


def _kept(exchange: Exchange) -> Kept | None:
    inbound, trial = exchange.inbound, exchange.serving
    if trial is None or not trial.answer_id or trial.format != _FORMAT or not _is_stored(inbound):
        return None
    target, account = trial.attempt.target, trial.attempt.account
    if target.provider.adapter:  # Codex and Copilot keep nothing
        return None
    return Kept(
        digest=digest_of(trial.answer_id, exchange.key.id if exchange.key else 0),
        created_at=exchange.created_at,
        request_id=inbound.id,
        provider=target.provider.id,
        model=clean(target.model, 250),
        account_id=account.id,
        combo=exchange.route.combo.name if exchange.route.combo else "",
        is_open=False,
    )


def _is_stored(inbound: InboundRequest) -> bool:
    if inbound.operation != "generate":
        return False
    return inbound.fields.get("store") != _FALSE or in_background(inbound)
