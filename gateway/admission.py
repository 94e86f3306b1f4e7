"""Is there money left for this request? Reserves what it may cost of every budget that it counts for.

A request without budgets passes for the price of a look at an empty table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC
from decimal import Decimal
from typing import NamedTuple

import msgspec

from billing.budgets import BudgetConfig, Meter, Reservation, ledger, spoken
from billing.budgets.bills import Bill, bill_for, give_back, spent_of
from billing.budgets.shared import shared_ledger
from billing.budgets.spending import TICKS, Spent
from billing.config import BillingConfig
from billing.pricing import price_of
from billing.rates import PriceRow
from combos.attempt import Attempt, Gate, Obstacle
from combos.resolve import Target
from gateway.exchange import Exchange
from gateway.pricing.offers import offer_of
from gateway.records.recorder import UsageRow
from gateway.snapshot import Snapshot
from gateway.trial import Trial
from gateway.wire.transcription import audio
from omniroute.errors import AccountBusy, BudgetExceeded
from omniroute.shared_state import is_shared
from omniroute.types import InboundRequest
from providers.config import AccountConfig
from resilience.classify import Next, Verdict

CHARACTERS_PER_TOKEN = 4
MOST_INPUT = 200_000
"""A body of megabytes is pictures, which are fewer tokens than letters."""
USUAL_OUTPUT = 1000
"""Tokens, of a model that nobody has used yet and a request that sets no limit."""
MOST_IMAGES = 10
"""What vendors make at once."""
TOKENS_PER_SECOND = 10
"""Of sound, where that is counted in tokens (OpenAI's transcribing models)."""
HELD_WAIT_S = 2.0
"""When to come back if other requests hold what is left."""
SPENT = "budget_spent"
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_WEIGHT = 0.1
_MODELS = 2000
_usual: dict[str, float] = {}
"""Output tokens of each model's answers, an average that moves."""


async def admit(exchange: Exchange, snapshot: Snapshot) -> None:
    """Reserve of the budgets of the API key and of the whole gateway. Raise `BudgetExceeded`."""
    billing = snapshot.billing
    if not billing.budgets:
        return
    budgets = billing.budgets.of_caller(exchange.key.id if exchange.key else None)
    if not budgets:
        return
    prices = [_price(target, _NOBODY, billing) for target in exchange.route.targets]
    found = await _reserve(budgets, _estimate(exchange.inbound, prices))
    if isinstance(found, Meter):
        raise BudgetExceeded(
            _words(found, f"The budget of {found.budget.whose}"),
            retry_after=_wait(found),
            is_final=found.is_spent,
        )
    exchange.holds.append(found)


async def hold_account(exchange: Exchange, trial: Trial, snapshot: Snapshot) -> None:
    """Reserve of the budgets of the account, until the trial fails or its answer is paid. Raise `AccountBusy`: the
    provider is not asked, and nobody put aside."""
    billing, attempt = snapshot.billing, trial.attempt
    budgets = billing.budgets.of_accounts and billing.budgets.of_account(attempt.account.id)
    if not budgets:
        return
    price = _price(attempt.target, attempt.account, billing)
    found = await _reserve(budgets, _estimate(exchange.inbound, [price]))
    if isinstance(found, Meter):
        error = AccountBusy(
            _words(found, f"The budget of the account {attempt.account.name!r}"),
            status=429,
            code=SPENT,
            retry_after=_wait(found),
        )
        error.verdict = Verdict(SPENT, Next.ACCOUNT)
        raise error
    exchange.holds.append(found)
    trial.on_end(lambda over: None if over.error is None or over.usage is not None else release(found))


def release(reservation: Reservation) -> None:
    """Of an attempt that came to nothing."""
    if reservation.close():
        give_back(dict(reservation.held))


def gate(snapshot: Snapshot) -> Gate | None:
    """Passes over accounts whose budget is spent. None where no account has a budget."""
    budgets = snapshot.billing.budgets
    if not budgets.of_accounts:
        return None
    alone = not is_shared()

    def look(attempt: Attempt) -> Obstacle | None:
        for budget in budgets.of_account(attempt.account.id):
            meter = ledger().meter(budget)
            if budget.is_active and (meter.is_spent or (alone and meter.is_full)):
                return Obstacle(SPENT, _wait(meter))
        return None

    return look


def bill(exchange: Exchange, row: UsageRow, snapshot: Snapshot) -> Bill | None:
    """What a row of the finished request costs its budgets; the request's own brings back what was reserved. None where
    it has none."""
    if row.output_tokens:
        _note_output(row.served_model, row.output_tokens)
    budgets = snapshot.billing.budgets
    holds = () if row.is_extra else exchange.holds
    if not budgets and not holds:
        return None
    tokens = 0 if row.cache_hit else row.input_tokens + row.output_tokens
    counts = not (row.cache_hit or row.is_extra) and (row.status < 400 or row.output_tokens > 0)
    return bill_for(
        budgets,
        holds,
        moment=exchange.created_at,
        api_key_id=row.api_key_id,
        account_id=row.account_id,
        spent=spent_of(row.cost, tokens, counts=counts),
    )


async def _reserve(budgets: Iterable[BudgetConfig], amount: Spent) -> Reservation | Meter:
    if not is_shared():
        return ledger().reserve(budgets, amount)
    found = ledger().reserve(budgets, amount, shared=True)
    if isinstance(found, Meter) or not found.held:
        return found
    return await shared_ledger().confirm(found) or found


def _wait(meter: Meter) -> float | None:
    return ledger().seconds_left(meter) if meter.is_spent else HELD_WAIT_S


def _words(meter: Meter, whose: str) -> str:
    budget = meter.budget
    limit = f"{spoken(budget.limit, budget.unit)} {_PERIODS[budget.kind]}"
    if not meter.is_spent:
        return f"{whose} ({limit}) is held by requests that are still running; try again in a moment"
    end = meter.period.end
    again = f"; it begins anew at {end.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if end else ""
    return f"{whose} is spent: {spoken(meter.spent, budget.unit)} of {limit}{again}"


_PERIODS = {"daily": "a day", "weekly": "a week", "monthly": "a month", "once": "once"}


class _Price(NamedTuple):
    """Ticks for one of each."""

    input_token: int = 0
    output_token: int = 0
    request: int = 0
    image: int = 0
    second: int = 0
    """Of sound."""


_NOBODY = AccountConfig(id=0, provider="", name="")


def _price(target: Target, account: AccountConfig, billing: BillingConfig) -> _Price:
    """What the target takes at most by today's prices, remembered as long as the configuration stands."""
    key = target, account.base_url
    known: _Price | None = billing.expected.get(key)
    if known is None:
        offer = offer_of(target, account)
        row = None if offer.flat else price_of(offer, billing)[0]
        known = billing.expected[key] = _highest(row) if row else _Price()
    return known


def _highest(row: PriceRow) -> _Price:
    return _Price(
        input_token=_ticks(max(row.price("input_tokens") or 0, row.price("input_audio_tokens") or 0)),
        output_token=_ticks(max(row.price("output_tokens") or 0, row.price("output_reasoning_tokens") or 0)),
        request=_ticks(row.price("requests")),
        image=_ticks(row.price("output_images")),
        second=_ticks(row.price("audio_seconds")),
    )


def _ticks(usd: Decimal | int | None) -> int:
    return -int(-(usd or 0) * TICKS // 1)


def _estimate(inbound: InboundRequest, prices: list[_Price]) -> Spent:
    """At the dearest target: which one answers is not known yet."""
    if inbound.upload is not None:
        return _estimate_sound(audio.seconds(inbound.upload), prices)
    read = min(len(inbound.body) // CHARACTERS_PER_TOKEN, MOST_INPUT)
    written = _expected_output(inbound) if inbound.operation == "generate" else 0
    images = _expected_images(inbound) if inbound.operation == "image" else 0
    usd = max(
        (
            price.input_token * read + price.output_token * written + price.request + price.image * images
            for price in prices
        ),
        default=0,
    )
    return Spent(usd, read + written, 1)


def _estimate_sound(seconds: float, prices: list[_Price]) -> Spent:
    tokens = round(seconds * TOKENS_PER_SECOND)
    usd = max(
        (price.second * math.ceil(seconds) + price.input_token * tokens + price.request for price in prices),
        default=0,
    )
    return Spent(usd, tokens if any(price.input_token for price in prices) else 0, 1)


def _expected_images(inbound: InboundRequest) -> int:
    raw = inbound.fields.get("n")
    return min(_int(bytes(raw)), MOST_IMAGES) or 1 if raw is not None else 1


def _expected_output(inbound: InboundRequest) -> int:
    for name in _LIMITS:
        if (raw := inbound.fields.get(name)) is not None and (limit := _int(bytes(raw))):
            return limit
    config = inbound.fields.get("generationConfig") or inbound.fields.get("generation_config")
    if config is not None and (limit := _gemini_limit(bytes(config))):
        return limit
    model = inbound.model.rpartition("/")[2]
    return round(_usual.get(model, USUAL_OUTPUT))


def _int(raw: bytes) -> int:
    return int(raw) if raw.isdigit() and len(raw) < 9 else 0


class _Config(msgspec.Struct, rename="camel"):
    max_output_tokens: int | None = None


_decode_config = msgspec.json.Decoder(_Config).decode


def _gemini_limit(raw: bytes) -> int:
    try:
        return _decode_config(raw).max_output_tokens or 0
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0


def _note_output(model: str, tokens: int) -> None:
    known = _usual.get(model)
    if known is None and len(_usual) >= _MODELS:
        return
    _usual[model] = tokens if known is None else known + _WEIGHT * (tokens - known)
