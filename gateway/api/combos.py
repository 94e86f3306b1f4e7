"""Management API of combos at work: trying every target, and how each has done."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Annotated

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from ninja import Router
from pydantic import StringConstraints

from billing.models import ComboUsage
from combos.config import ComboConfig
from combos.models import Combo
from combos.resolve import Route, Target
from gateway import pipeline
from gateway import snapshot as snapshots
from gateway.edge import inbound
from gateway.exchange import Exchange
from gateway.opening import route_of
from gateway.snapshot import Snapshot
from omniroute.errors import GatewayError, NotFound
from omniroute.schema import CamelModel, StrictModel

router = Router(tags=["Combos"], by_alias=True)

TEST_S = 15.0
PROMPT = "Reply with the word OK."
MAX_TOKENS = 16


class TestIn(StrictModel):
    combo_name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class TargetResult(CamelModel):
    model: str
    status: str
    """`ok` or `error`."""
    status_code: int
    error: str | None
    latency_ms: int
    account: str | None


class TestOut(CamelModel):
    combo_name: str
    strategy: str
    resolved_by: str | None
    """The first target that answered."""
    results: list[TargetResult]
    tested_at: datetime


class TargetMetrics(CamelModel):
    requests: int
    successes: int
    failures: int
    avg_latency_ms: float
    success_rate: float
    """Percent."""
    last_status: int
    last_used_at: datetime


class ComboMetrics(CamelModel):
    total_requests: int
    total_successes: int
    total_failures: int
    total_fallbacks: int
    avg_latency_ms: float
    success_rate: float
    """Percent."""
    fallback_rate: float
    last_used_at: datetime | None
    by_model: dict[str, TargetMetrics]


class MetricsOut(CamelModel):
    metrics: dict[str, ComboMetrics]
    """By combo."""


@router.post("/combos/test", response=TestOut)
def test_combo(request: HttpRequest, body: TestIn) -> TestOut:
    """Ask every target for a word, one beside the other. These are real requests: they cost a few tokens each, and
    are in the usage under the target's own name."""
    snapshot = snapshots.refresh()
    combo = snapshot.combos.combos.get(body.combo_name)
    if combo is None:
        raise NotFound("Combo not found")
    results = async_to_sync(_try_all)(combo, snapshot)
    first = next((result.model for result in results if result.status == "ok"), None)
    return TestOut(
        combo_name=combo.name,
        strategy=combo.strategy.replace("_", "-"),
        resolved_by=first,
        results=results,
        tested_at=datetime.now(UTC),
    )


@router.get("/combos/metrics", response=MetricsOut)
def combo_metrics(request: HttpRequest, combo: str = "") -> MetricsOut:
    """Of every combo, or of the one that is named. A target's requests are its attempts."""
    names = Combo.objects.values_list("name", flat=True)
    wanted = [name for name in names if not combo or name == combo]
    if combo and not wanted:
        raise NotFound("Combo not found")
    rows: dict[str, list[ComboUsage]] = {name: [] for name in wanted}
    for row in ComboUsage.objects.filter(combo__in=wanted).order_by("provider", "model"):
        rows[row.combo].append(row)
    return MetricsOut(metrics={name: _metrics(found) for name, found in rows.items()})


async def _try_all(combo: ComboConfig, snapshot: Snapshot) -> list[TargetResult]:
    route = route_of(combo.name, snapshot)
    targets = {(target.provider.id, target.model): target for target in route.targets}
    return list(await asyncio.gather(*(_try(target, snapshot) for target in targets.values())))


async def _try(target: Target, snapshot: Snapshot) -> TargetResult:
    body = {
        "model": target.name,
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": PROMPT}],
    }
    asked = inbound.parse(
        json.dumps(body).encode(), format="openai_chat", path="/api/combos/test", headers={}
    )
    exchange = Exchange(asked, Route(target.name, (target,)), None, "")
    started, error = time.perf_counter(), None
    try:
        async with asyncio.timeout(TEST_S):
            await pipeline.first_answer(exchange, snapshot)
    except GatewayError as failure:
        error = failure
    except TimeoutError:
        error = GatewayError(f"No answer within {TEST_S:g} s", status=504, code="timeout")
    if error is not None:
        exchange.fail(error)
    await pipeline.record(exchange, snapshot)
    told = exchange.told
    return TargetResult(
        model=target.name,
        status="error" if error else "ok",
        status_code=error.status if error else 200,
        error=error.message if error else None,
        latency_ms=round((time.perf_counter() - started) * 1000),
        account=told.attempt.account.name if told else None,
    )


def _metrics(rows: list[ComboUsage]) -> ComboMetrics:
    whole = next((row for row in rows if not row.model), None)
    requests = whole.requests if whole else 0
    failures = whole.failures if whole else 0
    fallbacks = whole.fallbacks if whole else 0
    return ComboMetrics(
        total_requests=requests,
        total_successes=requests - failures,
        total_failures=failures,
        total_fallbacks=fallbacks,
        avg_latency_ms=_ratio(whole.latency_ms if whole else 0, requests),
        success_rate=_ratio(100 * (requests - failures), requests),
        fallback_rate=_ratio(100 * fallbacks, requests),
        last_used_at=whole.last_used_at if whole else None,
        by_model={
            f"{row.provider}/{row.model}": TargetMetrics(
                requests=row.requests,
                successes=row.requests - row.failures,
                failures=row.failures,
                avg_latency_ms=_ratio(row.latency_ms, row.requests),
                success_rate=_ratio(100 * (row.requests - row.failures), row.requests),
                last_status=row.last_status,
                last_used_at=row.last_used_at,
            )
            for row in rows
            if row.model
        },
    )


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 1) if whole else 0.0
