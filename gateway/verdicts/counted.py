"""How many requests an account has had in the windows that its vendor does not tell of. Blocking.

Read from the roll-ups, which every process writes to with each request, and written where the vendors' own windows are:
that is how routing and pages learn of it.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Sum
from django.utils import timezone

from billing.models import UsageTotal
from providers.config import load_specs
from providers.cooling import account_key
from providers.models import Account
from providers.quota import Window, store
from providers.quota import rows as quota_rows
from providers.quota.sources import source_of
from providers.quota.sources.counted import Counted

_SPANS = {"daily": UsageTotal.Span.HOUR, "monthly": UsageTotal.Span.DAY}


def count() -> int:
    """Put the figures of every account down. Return how many there are."""
    now = timezone.now()
    tracked = {spec.id: source_of(spec.quota) for spec in load_specs().values()}
    counted = {id: source.counted for id, source in tracked.items() if source and source.counted}
    rows = Account.objects.filter(provider__in=counted, is_active=True)
    for row in rows:
        windows = [_window(row, each, now) for each in counted[row.provider]]
        quota_rows.save(row.pk, windows, whole=False)
        store.merge(account_key(row.pk), windows)
    return len(rows)


def _window(account: Account, counted: Counted, now: datetime) -> Window:
    rows = UsageTotal.objects.filter(
        span=_SPANS[counted.kind],
        dimension=UsageTotal.Dimension.ACCOUNT,
        name=str(account.pk),
        start__gte=counted.begins(now),
    )
    answered = rows.aggregate(sum=Sum(F("requests") - F("errors")))["sum"]
    return counted.window(answered or 0, now)
