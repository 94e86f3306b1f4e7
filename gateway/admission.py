"""Is there money left for this request? Reserves what it may cost of every budget that it counts for.

A request without budgets passes for the price of a look at an empty table.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from billing.budgets import BudgetConfig, Meter, Reservation, ledger, spoken
from billing.budgets.bills import Bill, bill_for, give_back, spent_of
from billing.budgets.shared import shared_ledger
from billing.budgets.spending import Spent
from billing.config import BillingConfig
from billing.usage.kept_answers import Kept
from combos.attempt import Attempt, Gate, Obstacle
from gateway.exchange import Exchange
from gateway.pricing.estimates import NOBODY, estimate, note_output, price_for
from gateway.records.usage_row import UsageRow
from gateway.snapshot import Snapshot
from gateway.trial import Trial
from omniroute.errors import AccountBusy, BudgetExceeded
from omniroute.shared_state import is_shared
from resilience.classify import Next, Verdict

HELD_WAIT_S = 2.0
"""When to come back if other requests hold what is left."""
SPENT = "budget_spent"
UNPRICED = "unpriced_model"


class Unpriced(AccountBusy):
    """Not asked at all."""

    status = 403
    code = UNPRICED


async def admit(exchange: Exchange, snapshot: Snapshot) -> None:
    """Reserve of the budgets of the API key and of the whole gateway. Raise `BudgetExceeded`."""
    billing = snapshot.billing
    if not billing.budgets:
        return
    budgets = billing.budgets.of_caller(exchange.key.id if exchange.key else None)
    if not budgets:
        return
    prices = [price_for(target, NOBODY, billing) for target in exchange.route.targets]
    found = await _reserve(budgets, estimate(exchange.inbound, prices))
    if isinstance(found, Meter):
        raise BudgetExceeded(
            _words(found, f"The budget of {found.budget.whose}"),
            retry_after=_wait(found),
            is_final=found.is_spent,
        )
    exchange.holds.append(found)
    exchange.warning = ", ".join(filter(None, (meter.warning for meter, _ in found.held)))


async def hold_account(exchange: Exchange, trial: Trial, snapshot: Snapshot) -> None:
    """Reserve of the budgets of the account, until the trial fails or its answer is paid. Raise `AccountBusy`: the
    provider is not asked, and nobody put aside."""
    billing, attempt = snapshot.billing, trial.attempt
    if billing.budgets:
        _insist_on_price(exchange, attempt, billing)
    budgets = billing.budgets.of_accounts and billing.budgets.of_account(attempt.account.id)
    if not budgets:
        return
    price = price_for(attempt.target, attempt.account, billing)
    found = await _reserve(budgets, estimate(exchange.inbound, [price]))
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


def _insist_on_price(exchange: Exchange, attempt: Attempt, billing: BillingConfig) -> None:
    """Raise `Unpriced` where a budget of the request wants to know what it pays."""
    budgets = (
        *billing.budgets.of_caller(exchange.key.id if exchange.key else None),
        *billing.budgets.of_account(attempt.account.id),
    )
    refusing = next((budget for budget in budgets if budget.refuses_unpriced), None)
    if refusing is None or price_for(attempt.target, attempt.account, billing).is_known:
        return
    error = Unpriced(
        f"The budget of {refusing.whose} refuses models without a price, and nobody knows that of"
        f" {attempt.target.name}",
        param="model",
    )
    error.verdict = Verdict(UNPRICED, Next.TARGET)
    raise error


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
        note_output(row.served_model, row.output_tokens)
    budgets = snapshot.billing.budgets
    holds = () if row.is_extra else exchange.holds
    if not budgets and not holds:
        return None
    tokens = 0 if row.cache_hit else row.input_tokens + row.output_tokens
    counts = not (row.cache_hit or row.is_extra) and (row.status < 400 or row.output_tokens > 0)
    spent = spent_of(row.cost, tokens, counts=counts)
    if exchange.owed is not None and not row.is_extra:
        spent = Spent(exchange.owed.charged_usd, exchange.owed.charged_tokens, spent.requests)
    return bill_for(
        budgets,
        holds,
        moment=exchange.created_at,
        api_key_id=row.api_key_id,
        account_id=row.account_id,
        spent=spent,
    )


def reserved(exchange: Exchange) -> Spent:
    """The most that any budget holds for the request."""
    amounts = [0, 0, 0]
    for meter, amount in (each for hold in exchange.holds if hold.is_open for each in hold.held):
        amounts[meter.budget.place] = max(amounts[meter.budget.place], amount)
    return Spent(*amounts)


def late_bill(owed: Kept, row: UsageRow, snapshot: Snapshot) -> Bill | None:
    """What an answer used beyond what its budgets were charged for it at once."""
    note_output(row.served_model, row.output_tokens)
    used = spent_of(row.cost, row.input_tokens + row.output_tokens, counts=False)
    return bill_for(
        snapshot.billing.budgets,
        (),
        moment=owed.created_at,
        api_key_id=row.api_key_id,
        account_id=row.account_id,
        spent=Spent(max(0, used.usd - owed.charged_usd), max(0, used.tokens - owed.charged_tokens)),
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
