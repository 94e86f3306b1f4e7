"""What providers' own prompt caches did: tokens that were read from them, of all that were sent."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone

from billing.models import DailyUsage
from omniroute.types import JSONDict
from providers.choices import provider_names

DAYS = 7


def cached_by_providers() -> list[JSONDict]:
    """By provider, the most used first: prompt tokens of the last week, those read from its cache, and their share."""
    since = timezone.now().date() - timedelta(days=DAYS - 1)
    rows = (
        DailyUsage.objects.filter(day__gte=since)
        .order_by()
        .values("provider")
        .annotate(prompt=Sum("input_tokens"), cached=Sum("cache_read_tokens"))
        .order_by("-prompt")
    )
    names = provider_names()
    return [
        {
            "name": names.get(row["provider"], row["provider"]),
            "prompt": row["prompt"],
            "cached": row["cached"],
            "share": round(100 * row["cached"] / row["prompt"]),
        }
        for row in rows
        if row["prompt"]
    ][:8]
