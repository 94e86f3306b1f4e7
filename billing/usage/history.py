"""Usage summed up for the API. Reads the roll-ups and the newest rows, never the whole history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils import timezone

from billing.models import ApiKey, UsageRecord
from billing.usage.queries import Dimension, Span, Totals, as_totals, spans, totals_by
from billing.usage.rollups import SUMS

LOG_LINES = 200
BUCKETS = 10


@dataclass(slots=True)
class Summary:
    """Totals of a period: models by (provider, model), accounts and API keys by their id (0: none)."""

    total: Totals = field(default_factory=Totals)
    providers: dict[str, Totals] = field(default_factory=dict)
    models: dict[tuple[str, str], Totals] = field(default_factory=dict)
    accounts: dict[int, Totals] = field(default_factory=dict)
    account_providers: dict[int, str] = field(default_factory=dict)
    api_keys: dict[int, Totals] = field(default_factory=dict)
    combos: dict[str, Totals] = field(default_factory=dict)


def first_day(range_: str, today: date) -> date | None:
    """The first UTC day of one of `RANGES`; None: from the beginning."""
    if range_ == "ytd":
        return today.replace(month=1, day=1)
    days = {"today": 1, "7d": 7, "30d": 30, "90d": 90}.get(range_)
    return today - timedelta(days=days - 1) if days else None


def summary(since: date | None) -> Summary:
    accounts = totals_by(Dimension.ACCOUNT, since)
    return Summary(
        total=sum((total for _, _, total in totals_by(Dimension.ALL, since)), Totals()),
        providers={provider: total for provider, _, total in totals_by(Dimension.PROVIDER, since)},
        models={(of, name): total for of, name, total in totals_by(Dimension.MODEL, since) if of},
        accounts={int(name): total for _, name, total in accounts},
        account_providers={int(name): provider for provider, name, _ in accounts},
        api_keys={int(name or 0): total for _, name, total in totals_by(Dimension.KEY, since)},
        combos={name: total for _, name, total in totals_by(Dimension.COMBO, since)},
    )


def last_minutes(moment: datetime, count: int = BUCKETS) -> list[tuple[datetime, Totals]]:
    """(start, totals) of the last `count` minutes, the running one included, oldest first."""
    newest = moment.replace(second=0, microsecond=0)
    starts = [newest - timedelta(minutes=back) for back in range(count - 1, -1, -1)]
    rows = spans(Dimension.ALL, starts[0], Span.MINUTE).values("start", *SUMS)
    found = {row["start"]: as_totals(row) for row in rows}
    return [(start, found.get(start, Totals())) for start in starts]


def api_key_names(ids: Iterable[int]) -> dict[int, str]:
    return dict(ApiKey.objects.filter(pk__in=list(ids)).values_list("pk", "name"))


def log_lines(providers: Mapping[str, str], limit: int = LOG_LINES) -> list[str]:
    """The newest requests first: time | model | PROVIDER | account | input | output | status.

    `providers` gives ids that nobody would recognise another name.
    """
    fields = (
        "served_model",
        "requested_model",
        "provider",
        "account_name",
        "input_tokens",
        "output_tokens",
        "status",
    )
    lines = []
    for row in UsageRecord.requests.order_by("-id").values("created_at", *fields)[:limit]:
        parts = (
            timezone.localtime(row["created_at"]).strftime("%d-%m-%Y %H:%M:%S"),
            row["served_model"] or row["requested_model"] or "-",
            providers.get(row["provider"], row["provider"]).upper() or "-",
            row["account_name"] or "-",
            str(row["input_tokens"]),
            str(row["output_tokens"]),
            str(row["status"]),
        )
        lines.append(" | ".join(parts))
    return lines
