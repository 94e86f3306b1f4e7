from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from billing.budgets.editing import save_budget
from billing.budgets.status import statuses
from billing.keys import create_api_key
from billing.models import ApiKey, Budget, DailyUsage, Price, UsageRecord
from billing.usage import rollups
from billing.usage.rollup_models import UsageTotal

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def key() -> ApiKey:
    return create_api_key("laptop").record


def request(key: ApiKey, moment: datetime = NOON, cost: str | None = "1", **more: object) -> UsageRecord:
    """As the recorder leaves it behind: 100,000 tokens in, 10,000 out."""
    given = {
        "provider": "openai", "served_model": "gpt-4o", "status": 200, "input_tokens": 100_000, "output_tokens": 10_000,
        "cost_source": "override", "api_key_id": key.pk, **more,
    }  # fmt: skip
    row = UsageRecord.objects.create(created_at=moment, cost=None if cost is None else Decimal(cost), **given)
    amounts = rollups.Amounts(
        requests=1,
        input_tokens=100_000,
        output_tokens=10_000,
        cost=row.cost or Decimal(0),
        unpriced=int(cost is None),
    )
    place = rollups.Place(moment, row.provider, row.served_model, 0, key.pk, "")
    with transaction.atomic(), connection.cursor() as cursor:
        rollups.add(cursor, [(place, amounts)])
    return row


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("recost", *arguments, stdout=out)
    return out.getvalue()


def cost(row: UsageRecord) -> tuple[Decimal | None, str]:
    row.refresh_from_db()
    return row.cost, row.cost_source


def test_rows_roll_ups_and_budgets_change_together(key: ApiKey):
    row = request(key, timezone.now())
    budget = save_budget(Budget(api_key=key, limit=Decimal(10)))
    assert statuses([budget])[0].used == 1
    said = run("--since", "2026-11-01")
    assert "1 of 1 requests changed: $1.000000 before, $0.350000 after." in said
    assert cost(row) == (Decimal("0.35"), "dataset")
    assert round(DailyUsage.objects.get().cost, 9) == Decimal("0.35")
    assert {round(total.cost, 9) for total in UsageTotal.objects.all()} == {Decimal("0.35")}
    budget.refresh_from_db()
    assert statuses([budget])[0].used == Decimal("0.35")


def test_a_dry_run_changes_nothing(key: ApiKey):
    row = request(key)
    assert "1 of 1 requests would change" in run("--since", "2026-11-01", "--dry-run")
    assert cost(row) == (Decimal(1), "override")


def test_only_what_is_asked_for_is_changed(key: ApiKey):
    early, late = (
        request(key, datetime(2026, 10, 31, 23, tzinfo=UTC)),
        request(key, datetime(2026, 11, 21, tzinfo=UTC)),
    )
    mini, other = request(key, served_model="gpt-4o-mini"), request(key, provider="groq")
    run("--since", "2026-11-01", "--until", "2026-11-21", "--provider", "openai", "--model", "gpt-4o-mini")
    assert [cost(row)[1] for row in (early, late, other)] == ["override"] * 3
    assert cost(mini) == (Decimal("0.021"), "dataset")


def test_what_a_provider_reported_stays(key: ApiKey):
    row = request(key, cost_source="reported")
    assert "0 of 0" in run("--since", "2026-11-01")
    assert cost(row) == (Decimal(1), "reported")


def test_what_was_unpriced_gets_a_price_that_was_set_later(key: ApiKey):
    row = request(key, cost=None, provider="glm", served_model="own-model", cost_source="")
    Price.objects.create(provider="glm", model="own-*", input=1, output=2)
    run("--since", "2026-11-01")
    assert cost(row) == (Decimal("0.12"), "override")
    assert DailyUsage.objects.get().unpriced == 0


def test_what_a_subscription_saved_is_worked_out_by_its_list_price(key: ApiKey):
    row = request(key, cost="0", provider="kimi-coding", served_model="m", cost_source="subscription")
    Price.objects.create(provider="kimi-coding", model="m", input=1, output=1)
    run("--since", "2026-11-01")
    row.refresh_from_db()
    assert (row.cost, row.saved, row.cost_source) == (Decimal(0), Decimal("0.11"), "subscription")


@pytest.mark.parametrize(
    "arguments", [["--since", "yesterday"], ["--since", "2026-11-02", "--until", "2026-11-01"]]
)
def test_dates_that_are_none_are_refused(arguments: list[str]):
    with pytest.raises(CommandError, match=r"argument --since|--until must be later"):
        run(*arguments)


def test_a_second_run_finds_nothing_to_do(key: ApiKey):
    request(key)
    run("--since", "2026-11-01")
    assert "0 of 1 requests changed" in run("--since", "2026-11-01")
