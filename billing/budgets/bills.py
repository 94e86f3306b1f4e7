"""What one request costs its budgets: written with its usage row, and settled once that is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.budgets import BudgetConfig, Budgets, Meter, Reservation, ledger
from billing.budgets.shared import shared_ledger
from billing.budgets.spending import Charge, Spent, ticks
from omniroute.shared_state import is_shared

Totals = Mapping[tuple[int, datetime], Spent]


@dataclass(frozen=True, slots=True)
class Bill:
    spent: Spent
    charges: Sequence[Charge]
    """Where that is counted."""
    budgets: Sequence[BudgetConfig]
    """The same, as they are configured."""
    reservations: Sequence[Reservation]


def bill_for(
    budgets: Budgets,
    reservations: Sequence[Reservation],
    *,
    moment: datetime,
    api_key_id: int | None,
    account_id: int | None,
    spent: Spent,
) -> Bill | None:
    """None where no budget is concerned. `moment`: when the request came."""
    if not budgets and not reservations:
        return None
    concerned = budgets.of_caller(api_key_id)
    if account_id is not None:
        concerned = (*concerned, *budgets.of_account(account_id))
    if not concerned and not reservations:
        return None
    charges = ledger().charges(concerned, moment) if any(spent) else []
    return Bill(spent, charges, concerned, reservations)


def spent_of(cost: Decimal | None, tokens: int, *, counts: bool) -> Spent:
    """`counts`: it is a request that counts as one. A price that nobody knows is 0 here."""
    return Spent(ticks(cost) if cost else 0, tokens, int(counts))


def settle(bills: Iterable[Bill], totals: Totals | None) -> None:
    """On the event loop, after the commit. `totals` None: nothing was written, so only this process knows of it."""
    given_back: dict[Meter, int] = {}
    for bill in bills:
        if totals is not None:
            ledger().learn(bill.budgets, totals)
        for reservation in bill.reservations:
            if not reservation.close():
                continue
            for meter, amount in reservation.held:
                given_back[meter] = given_back.get(meter, 0) + amount
                if totals is None:
                    meter.spent += bill.spent[meter.budget.place]
    give_back(given_back)


def give_back(held: Mapping[Meter, int]) -> None:
    """Tell the other processes, where there are any. Nobody waits for it."""
    if held and is_shared():
        task = asyncio.get_running_loop().create_task(shared_ledger().give_back(held))
        _running.add(task)
        task.add_done_callback(_running.discard)


_running: set[asyncio.Task[None]] = set()
