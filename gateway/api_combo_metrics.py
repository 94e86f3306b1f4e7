"""Management API of what combos and their targets did."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Router

from billing.models import ComboUsage
from omniroute.schema import CamelModel

router = Router(tags=["Combos"], by_alias=True)


class TargetMetrics(CamelModel):
    requests: int
    """Attempts, repeated ones included."""
    successes: int
    failures: int
    avg_latency_ms: float | None
    success_rate: float | None
    """Percent."""
    last_status: int
    last_used_at: datetime


class ComboMetrics(CamelModel):
    total_requests: int
    total_successes: int
    total_failures: int
    total_fallbacks: int
    avg_latency_ms: float | None
    success_rate: float | None
    """Percent."""
    fallback_rate: float | None
    last_used_at: datetime
    by_model: dict[str, TargetMetrics]
    """By `provider/model`."""


class AllMetrics(CamelModel):
    metrics: dict[str, ComboMetrics]
    """By the combo's name."""


class Metrics(CamelModel):
    metrics: ComboMetrics | None
    """null: the combo was never used."""


class Done(CamelModel):
    success: bool = True
    message: str


@router.get("/combos/metrics", response=AllMetrics | Metrics)
def get_metrics(request: HttpRequest, combo: str = "") -> AllMetrics | Metrics:
    """Since the first request, or since they were reset; of one `?combo=` or of all."""
    found = _metrics(combo)
    return Metrics(metrics=found.get(combo)) if combo else AllMetrics(metrics=found)


@router.delete("/combos/metrics", response=Done)
def reset_metrics(request: HttpRequest, combo: str = "") -> Done:
    """Forget them, of one `?combo=` or of all. The usage itself stays."""
    rows = ComboUsage.objects.filter(combo=combo) if combo else ComboUsage.objects.all()
    rows.delete()
    return Done(message=f"Metrics reset for {combo}" if combo else "All combo metrics reset")


def _metrics(combo: str) -> dict[str, ComboMetrics]:
    rows = ComboUsage.objects.order_by("combo", "provider", "model")
    if combo:
        rows = rows.filter(combo=combo)
    found: dict[str, ComboMetrics] = {}
    for row in rows:  # the one of the combo itself has no provider, and comes first
        if not row.provider:
            found[row.combo] = _of_combo(row)
        elif row.combo in found:
            found[row.combo].by_model[f"{row.provider}/{row.model}"] = _of_target(row)
    return found


def _of_combo(row: ComboUsage) -> ComboMetrics:
    return ComboMetrics(
        total_requests=row.requests,
        total_successes=row.requests - row.failures,
        total_failures=row.failures,
        total_fallbacks=row.fallbacks,
        avg_latency_ms=_share(row.latency_ms, row.requests),
        success_rate=_share(100 * (row.requests - row.failures), row.requests),
        fallback_rate=_share(100 * row.fallbacks, row.requests),
        last_used_at=row.last_used_at,
        by_model={},
    )


def _of_target(row: ComboUsage) -> TargetMetrics:
    return TargetMetrics(
        requests=row.requests,
        successes=row.requests - row.failures,
        failures=row.failures,
        avg_latency_ms=_share(row.latency_ms, row.requests),
        success_rate=_share(100 * (row.requests - row.failures), row.requests),
        last_status=row.last_status,
        last_used_at=row.last_used_at,
    )


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, 1) if whole else None
