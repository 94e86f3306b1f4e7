"""A long history, made fast: usage rows as a company leaves them behind, with their roll-ups.

A few thousand requests are made up in full. Every row of the history is one of them at another time, so that making ten
million takes minutes. The roll-ups are added by the product's own code.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from billing.keys import create_api_key
from billing.models import ApiKey, UsageRecord
from billing.usage import rollups
from billing.usage.rollups import Amounts, Place, Try
from gateway.records.usage_row import UsageRow
from providers.models import Account

POOL = 3000
BATCH = 20_000
MODELS: dict[str, list[tuple[str, float, float, int]]] = {
    "anthropic": [
        ("claude-opus-4-6", 5, 25, 9), ("claude-sonnet-4-5-20250929", 3, 15, 30),
        ("claude-haiku-4-5-20251001", 1, 5, 12),
    ],
    "openai": [("gpt-5.2", 1.75, 14, 14), ("gpt-5.2-codex", 1.75, 14, 10), ("gpt-5-mini", 0.25, 2, 8)],
    "gemini": [("gemini-2.5-pro", 1.25, 10, 6), ("gemini-3-flash-preview", 0.5, 3, 9)],
    "glm": [("glm-4.7", 0.6, 2.2, 16), ("glm-4.6", 0.6, 2.2, 3)],
    "deepseek": [("deepseek-chat", 0.28, 0.42, 8), ("deepseek-reasoner", 0.28, 0.42, 4)],
    "groq": [("llama-3.3-70b-versatile", 0.59, 0.79, 5), ("qwen/qwen3-32b", 0.29, 0.59, 3)],
    "mistral": [("mistral-large-latest", 0.5, 1.5, 3), ("codestral-latest", 0.3, 0.9, 4)],
    "xai": [("grok-4-fast", 0.2, 0.5, 4)],
}  # fmt: skip
"""By provider: model, USD per million tokens of input and output, how often it is asked for."""
KEYS = (
    "Laptop", "CI", "Claude Code", "Codex", "Cursor", "Data team", "Backend", "Support bot", "Search", "Research",
    "Night jobs", "Intern", "Staging", "Website", "Docs",
)  # fmt: skip
COMBOS = ("premium-coding", "free-first", "cheap-bulk", "")
ERRORS = (
    (429, "rate_limit_exceeded", "Rate limit reached for requests"),
    (499, "client_left", "The client closed the connection"),
    (503, "overloaded", "The model is overloaded. Please try again later."),
    (400, "context_length_exceeded", "This model's maximum context length is 128000 tokens"),
    (404, "model_not_found", "There is no model 'gpt-6'"),
)
CLIENTS = (
    "claude-cli/2.0.61 (external, cli)",
    "codex_cli_rs/0.63.0",
    "OpenAI/Python 2.8.1",
    "node-fetch",
    "",
)
FORMATS = {"anthropic": "anthropic_messages", "gemini": "gemini"}
PATHS = {
    "openai_chat": "/v1/chat/completions", "anthropic_messages": "/v1/messages", "openai_responses": "/v1/responses",
}  # fmt: skip


def make(rows: int, days: int, seed: int = 1) -> None:
    """`rows` requests over the `days` that end now."""
    chance = random.Random(seed)
    pool = _pool(chance)
    now = datetime.now(UTC)
    _fast()
    weights = [_busy(now - timedelta(days=back)) for back in range(days)]
    counts = (
        Counter(chance.choices(range(days), weights, k=rows)) if rows < 100_000 else _shares(rows, weights)
    )
    for back in range(days - 1, -1, -1):
        if counts[back]:
            _day(pool, now, back, counts[back], chance)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")  # as autovacuum does in the course of a year


def _shares(rows: int, weights: list[float]) -> Counter[int]:
    whole = sum(weights)
    counts = Counter({back: round(rows * weight / whole) for back, weight in enumerate(weights)})
    counts[0] += rows - counts.total()
    return counts


def _busy(day: datetime) -> float:
    """More every month, less at weekends."""
    age = (datetime.now(UTC) - day).days
    return (
        (0.25 if day.weekday() >= 5 else 1.0)
        * max(0.1, 1 - age / 450)
        * (0.8 + 0.4 * ((day.day * 7) % 10) / 10)
    )


def _day(pool: list[UsageRow], now: datetime, back: int, count: int, chance: random.Random) -> None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
    seconds = 86_400.0 if back else (now - midnight).total_seconds()
    chosen = chance.choices(range(len(pool)), k=count)
    step = seconds / count
    moments = [midnight + timedelta(seconds=step * (number + chance.random())) for number in range(count)]
    with transaction.atomic():
        for start in range(0, count, BATCH):
            part = slice(start, start + BATCH)
            _insert(_rows(pool, chosen[part], moments[part], chance))
        _add_up(pool, now, zip(chosen, moments, strict=True))


def _rows(
    pool: list[UsageRow], chosen: list[int], moments: list[datetime], chance: random.Random
) -> Iterator[tuple[Any, ...]]:
    sqlite = connection.vendor == "sqlite"
    for index, moment in zip(chosen, moments, strict=True):
        number = f"req_{int(moment.timestamp() * 1000):012x}{chance.getrandbits(64):016x}"
        when: Any = moment.strftime("%Y-%m-%d %H:%M:%S.%f") if sqlite else moment
        yield (number, when, *pool[index][2:])


def _insert(rows: Iterator[tuple[Any, ...]]) -> None:
    table = UsageRecord._meta.db_table
    columns = ", ".join(f'"{name}"' for name in UsageRow._fields)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join("?" * len(UsageRow._fields))
        plain = (
            (value if not isinstance(value, Decimal) else format(value, "f") for value in row) for row in rows
        )
        raw: Any = cursor.connection
        raw.executemany(
            f'INSERT INTO "{table}" ({columns}) VALUES ({marks})',  # noqa: S608
            map(tuple, plain),
        )


def _add_up(pool: list[UsageRow], now: datetime, asked: Any) -> None:
    """Days as a whole; what is recent by the hour or minute, as the roll-ups keep it."""
    counts: Counter[tuple[int, datetime]] = Counter()
    for index, moment in asked:
        age = now - moment
        if age > rollups.KEPT["hour"] + timedelta(hours=1):
            moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        elif age > rollups.KEPT["minute"] + timedelta(minutes=1):
            moment = moment.replace(minute=0, second=0, microsecond=0)
        else:
            moment = moment.replace(second=0, microsecond=0)
        counts[index, moment] += 1
    usage, tries = [], []
    for (index, moment), count in counts.items():
        row = pool[index]
        place = Place(
            moment, row.provider, row.served_model, row.account_id or 0, row.api_key_id or 0, row.combo
        )
        usage.append((place, Amounts._make(count * amount for amount in _amounts(row))))
        if row.combo:
            tries.append(Try(row.combo, "", "", row.status >= 400, False, row.latency_ms, row.status, moment))
            served = (row.provider, row.served_model)
            tries.append(
                Try(row.combo, *served, row.status >= 400, False, row.latency_ms, row.status, moment)
            )
    with connection.cursor() as cursor:
        rollups.add(cursor, usage)
        rollups.add_tries(cursor, tries)


def _amounts(row: UsageRow) -> Amounts:
    return Amounts(
        requests=1,
        errors=int(row.status >= 400),
        fallbacks=int(row.attempt_count > 1),
        cache_hits=int(row.cache_hit),
        unpriced=int(row.cost is None and row.input_tokens > 0),
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_write_tokens=row.cache_write_tokens,
        reasoning_tokens=row.reasoning_tokens,
        cost=row.cost or Decimal(0),
        saved=row.saved,
        latency_ms=row.latency_ms,
        first_token_ms=row.first_token_ms or 0,
        first_tokens=int(row.first_token_ms is not None),
    )


def _fast() -> None:
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")
            cursor.execute("PRAGMA cache_size=-200000")


def _pool(chance: random.Random) -> list[UsageRow]:
    accounts = {provider: _accounts(provider) for provider in MODELS}
    keys = _keys()
    choices = [(provider, model) for provider, models in MODELS.items() for model in models]
    asked = chance.choices(choices, [model[-1] for _, model in choices], k=POOL)
    return [_request(chance, provider, model, accounts[provider], keys) for provider, model in asked]


def _accounts(provider: str) -> list[tuple[int, str]]:
    for name in ("Team", "Backup"):
        Account.objects.get_or_create(
            provider=provider, name=name, defaults={"api_key": "sk-bench", "is_active": False}
        )
    return list(Account.objects.filter(provider=provider).values_list("pk", "name"))


def _keys() -> list[tuple[int, str]]:
    for name in KEYS:
        if not ApiKey.objects.filter(name=name).exists():
            create_api_key(name)
    return list(ApiKey.objects.values_list("pk", "name"))


def _request(
    chance: random.Random,
    provider: str,
    served: tuple[str, float, float, int],
    accounts: list[tuple[int, str]],
    keys: list[tuple[int, str]],
) -> UsageRow:
    model = served[0]
    account_id, account = chance.choices(accounts, (4, 1))[0]
    combo = chance.choices(COMBOS, (3, 2, 1, 6))[0]
    status, code, message = chance.choice(ERRORS) if chance.random() < 0.04 else (200, "", "")
    good, hit = status == 200, status == 200 and chance.random() < 0.03
    latency = 30 if hit else int(chance.lognormvariate(7.8, 0.8))
    tries = [
        {"provider": provider, "model": model, "account": account, "status": status, "at": 0, "ms": latency}
    ]
    if combo and chance.random() < 0.1:
        tries.insert(
            0, {**tries[0], "account": "Other", "status": 429, "error": "rate_limit_exceeded", "ms": 180}
        )
    return UsageRow(
        request_id="",
        created_at=datetime.now(UTC),
        provider_format=FORMATS.get(provider, "openai_chat"),
        stream=chance.random() < 0.7,
        requested_model=combo or f"{provider}/{model}",
        served_model=model,
        combo=combo,
        provider=provider,
        account_id=account_id,
        account_name=account,
        status=status,
        error_code=code,
        error_message=message,
        attempts=json.dumps(tries),
        attempt_count=len(tries),
        latency_ms=latency,
        first_token_ms=latency // 4 if good else None,
        cache_hit=hit,
        **_client(chance, keys),
        **_figures(chance, served, flat=provider == "glm", good=good, hit=hit),
    )


def _client(chance: random.Random, keys: list[tuple[int, str]]) -> dict[str, Any]:
    """Who asked, and how."""
    key_id, key = chance.choices(keys, range(len(keys), 0, -1))[0]
    client_format = chance.choice(list(PATHS))
    return {
        "api_key_id": key_id,
        "api_key_name": key,
        "endpoint": PATHS[client_format],
        "client_format": client_format,
        "client_address": "127.0.0.1",
        "user_agent": chance.choice(CLIENTS),
    }


def _figures(
    chance: random.Random, served: tuple[str, float, float, int], *, flat: bool, good: bool, hit: bool
) -> dict[str, Any]:
    """Tokens and what they cost: nothing under a plan (`flat`), nothing from the cache (`hit`)."""
    model, input_price, output_price, _ = served
    prompt = int(chance.lognormvariate(8.5, 1.3)) if good else 0
    cached = int(prompt * chance.choice((0, 0, 0.6, 0.9)))
    answer = int(chance.lognormvariate(5.8, 1)) if good else 0
    price = round(Decimal((prompt - 0.9 * cached) * input_price + answer * output_price) / 1_000_000, 10)
    return {
        "input_tokens": prompt,
        "output_tokens": answer,
        "cache_read_tokens": cached,
        "cache_write_tokens": int((prompt - cached) * chance.choice((0, 0, 0.5))),
        "reasoning_tokens": int(answer * chance.choice((0, 0, 0.3, 0.6))),
        "usage_estimated": False,
        "priced_apart": "{}",
        "service_tier": "",
        "cost": (Decimal(0) if flat or hit else price) if good and model != "grok-4-fast" else None,
        "cost_source": "cache" if hit else "subscription" if flat else "dataset" if good else "",
        "saved": price if flat or hit else Decimal(0),
    }
