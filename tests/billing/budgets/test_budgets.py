from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from billing import budgets as billing_budgets
from billing.budgets import BudgetConfig, Ledger, Meter, Reservation, spending, spoken
from billing.budgets.editing import reset, save_budget
from billing.budgets.spending import Charge, Spent, ticks
from billing.budgets.status import statuses
from billing.keys import create_api_key
from billing.models import ApiKey, Budget, BudgetSpend, UsageRecord
from billing.usage import rollups

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(clock)


def budget(limit: int, unit: str = "requests", kind: str = "daily", **more: object) -> BudgetConfig:
    given = BudgetConfig(
        id=1, revision=1, name="b", api_key_id=1, account_id=None, unit=unit, limit=limit, kind=kind,
        zone=ZoneInfo("UTC"), counts_from=NOON, is_active=True, place=("usd", "tokens", "requests").index(unit),
    )  # fmt: skip
    return replace(given, **more)  # type: ignore[arg-type]


ONE = Spent(100, 10, 1)


def test_no_more_is_reserved_than_the_limit_and_one_reservation(ledger: Ledger):
    small = budget(250, "usd")
    found = [ledger.reserve([small], ONE) for _ in range(5)]
    assert [isinstance(each, Reservation) for each in found] == [True, True, True, False, False]


def test_what_is_given_back_can_be_reserved_again(ledger: Ledger):
    small = budget(1)
    first = ledger.reserve([small], ONE)
    assert isinstance(first, Reservation)
    assert isinstance(ledger.reserve([small], ONE), Meter)
    assert first.close()
    assert not first.close()
    assert isinstance(ledger.reserve([small], ONE), Reservation)


def test_every_budget_must_have_room_and_a_refusal_reserves_nothing(ledger: Ledger):
    daily, monthly = budget(5, id=1), budget(2, kind="monthly", id=2)
    for _ in range(2):
        assert isinstance(ledger.reserve([daily, monthly], ONE), Reservation)
    refused = ledger.reserve([daily, monthly], ONE)
    assert isinstance(refused, Meter)
    assert refused.budget.id == 2
    assert ledger.meter(daily).reserved == 2
    assert isinstance(ledger.reserve([monthly, budget(1, id=3)], ONE), Meter)


def test_a_new_period_begins_with_nothing_spent(ledger: Ledger, clock: Clock):
    small = budget(3)
    ledger.learn([small], {(1, datetime(2026, 11, 25, tzinfo=UTC)): Spent(requests=3)})
    full = ledger.reserve([small], ONE)
    assert isinstance(full, Meter)
    assert full.is_spent
    assert ledger.seconds_left(full) == 12 * 3600
    clock.now = datetime(2026, 11, 26, tzinfo=UTC)
    assert isinstance(ledger.reserve([small], ONE), Reservation)


def test_a_clock_that_is_put_right_forgets_nothing(ledger: Ledger, clock: Clock):
    small = budget(3)
    midnight = datetime(2026, 11, 26, tzinfo=UTC)
    clock.now = midnight + timedelta(seconds=2)
    ledger.learn([small], {(1, midnight): Spent(requests=3)})
    for back in (5, 50):
        clock.now = midnight - timedelta(seconds=back)
        assert isinstance(ledger.reserve([small], ONE), Meter)
    clock.now = midnight - timedelta(hours=5)  # it was wrong altogether
    assert isinstance(ledger.reserve([small], ONE), Reservation)


def test_a_request_over_midnight_is_counted_on_the_day_it_came(ledger: Ledger, clock: Clock):
    small = budget(3)
    held = ledger.reserve([small], ONE)
    clock.now = datetime(2026, 11, 26, 0, 1, tzinfo=UTC)
    (charge,) = ledger.charges([small], NOON)
    assert charge.period_start == datetime(2026, 11, 25, tzinfo=UTC)
    ledger.learn([small], {(1, charge.period_start): Spent(requests=1)})
    assert isinstance(held, Reservation)
    held.close()
    assert (ledger.meter(small).spent, ledger.meter(small).reserved) == (0, 0)


def test_an_inactive_budget_refuses_nothing(ledger: Ledger):
    idle = budget(1, is_active=False)
    for _ in range(3):
        assert isinstance(ledger.reserve([idle], ONE), Reservation)


def test_a_higher_limit_applies_at_once_and_keeps_what_is_spent(ledger: Ledger):
    small = budget(1)
    ledger.learn([small], {(1, datetime(2026, 11, 25, tzinfo=UTC)): Spent(requests=1)})
    assert isinstance(ledger.reserve([small], ONE), Meter)
    higher = replace(small, limit=2)
    assert isinstance(ledger.reserve([higher], ONE), Reservation)
    assert isinstance(ledger.reserve([higher], ONE), Meter)


def test_what_the_database_knows_at_the_start_counts(ledger: Ledger):
    known = budget(3, known=3, known_start=datetime(2026, 11, 25, tzinfo=UTC))
    assert isinstance(ledger.reserve([known], ONE), Meter)


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [
        (ticks(Decimal(50)), "usd", "50.00 USD"),
        (ticks(Decimal("0.005")), "usd", "0.005 USD"),
        (0, "usd", "0.00 USD"),
        (1_000_000, "tokens", "1,000,000 tokens"),
    ],
)
def test_amounts_are_spoken(amount: int, unit: str, words: str):
    assert spoken(amount, unit) == words


# -- in the database


@pytest.fixture
def key(db: None) -> ApiKey:
    return create_api_key("laptop").record


def used(key: ApiKey, moment: datetime, cost: str = "0.25", tokens: int = 10, status: int = 200) -> None:
    """A request as the recorder leaves it behind."""
    with transaction.atomic(), connection.cursor() as cursor:
        UsageRecord.objects.create(
            created_at=moment, status=status, api_key_id=key.pk, input_tokens=tokens, cost=Decimal(cost)
        )
        place = rollups.Place(moment, "p", "m", 0, key.pk, "")
        amounts = rollups.Amounts(
            requests=1, errors=int(status >= 400), input_tokens=tokens, cost=Decimal(cost)
        )
        rollups.add(cursor, [(place, amounts)])


def spend(row: Budget, start: datetime, spent: Spent) -> Spent:
    with transaction.atomic(), connection.cursor() as cursor:
        totals = spending.add(cursor, [(Charge(row.pk, start, row.api_key_id, row.account_id), spent)])
    return totals[row.pk, start]


def test_spend_adds_up_exactly(key: ApiKey):
    row = save_budget(Budget(api_key=key, limit=Decimal(1)))
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for _ in range(10):
        total = spend(row, start, Spent(ticks(Decimal("0.1")), 3, 1))
    assert total == Spent(ticks(Decimal(1)), 30, 10)
    assert BudgetSpend.objects.get().usd == 10**10


def test_a_budget_counts_what_was_used_before_it_was_made(key: ApiKey):
    now = timezone.now()
    used(key, now)
    used(key, now, status=502, cost="0")
    used(create_api_key("other").record, now)
    row = save_budget(Budget(api_key=key, limit=Decimal(1)))
    (status,) = statuses([row])
    assert (status.used, status.left, status.percent) == (Decimal("0.25"), Decimal("0.75"), 25.0)
    total = spend(row, status.period.start, Spent(ticks(Decimal("0.5")), 5, 1))
    assert total == Spent(ticks(Decimal("0.75")), 25, 2)


def test_the_first_day_of_a_period_in_another_time_zone_is_counted_from_its_own_midnight(key: ApiKey):
    zone = "Asia/Tokyo"
    used(key, datetime(2026, 10, 31, 14, 59, tzinfo=UTC))
    used(key, datetime(2026, 10, 31, 15, 1, tzinfo=UTC))
    used(key, datetime(2026, 11, 3, 5, tzinfo=UTC))
    row = save_budget(Budget(api_key=key, limit=Decimal(1), time_zone=zone), now=NOON)
    (status,) = statuses([row], NOON)
    assert status.used == Decimal("0.5")


def test_a_budget_of_everybody_and_one_of_a_key_count_apart(key: ApiKey):
    used(key, NOON)
    used(create_api_key("other").record, NOON)
    rows = [Budget(limit=Decimal(1)), Budget(api_key=key, limit=Decimal(1))]
    for row in rows:
        save_budget(row, now=NOON)
    assert [status.used for status in statuses(rows, NOON)] == [Decimal("0.5"), Decimal("0.25")]


def test_another_period_or_time_zone_works_out_anew_what_was_spent(key: ApiKey):
    used(key, datetime(2026, 11, 24, 10, tzinfo=UTC))
    row = save_budget(Budget(api_key=key, limit=Decimal(1), period="daily"), now=NOON)
    spend(row, datetime(2026, 11, 25, tzinfo=UTC), Spent(0, 0, 1))
    assert statuses([row], NOON)[0].used == 0
    row.period = "weekly"
    save_budget(row, now=NOON)
    assert row.revision == 2
    assert statuses([row], NOON)[0].used == Decimal("0.25")


def test_a_budget_for_once_can_begin_again(key: ApiKey):
    row = save_budget(Budget(api_key=key, limit=Decimal(1), period="once"))
    spend(row, row.counts_from, Spent(ticks(Decimal(1)), 0, 1))
    assert statuses([row])[0].is_spent
    reset(row)
    assert statuses([row])[0].used == 0


def test_spend_of_a_budget_that_was_deleted_meanwhile_costs_nobody_the_usage_row(key: ApiKey):
    row = save_budget(Budget(api_key=key, limit=Decimal(1)))
    charge = Charge(row.pk, NOON, key.pk, None)
    row.delete()
    with transaction.atomic(), connection.cursor() as cursor:
        spending.add(cursor, [(charge, ONE)])


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": Decimal(0)},
        {"limit": Decimal(-1)},
        {"limit": Decimal("1.5"), "unit": "requests"},
        {"limit": Decimal("0.5"), "unit": "tokens"},
        {"time_zone": "Mars/Base"},
    ],
)
def test_what_makes_no_sense_is_refused(key: ApiKey, fields: dict[str, object]):
    with pytest.raises(ValidationError):
        save_budget(Budget(api_key=key, **{"limit": Decimal(1), **fields}))


def test_the_snapshot_holds_every_budget_with_what_is_spent(key: ApiKey):
    used(key, timezone.now())
    save_budget(Budget(api_key=key, limit=Decimal(1)))
    save_budget(Budget(limit=Decimal(100), unit="tokens"))
    found = billing_budgets.load()
    assert [each.known for each in found.of_caller(key.pk)] == [ticks(Decimal("0.25")), 10]
    assert [each.unit for each in found.of_caller(None)] == ["tokens"]
    assert not billing_budgets.Budgets()
