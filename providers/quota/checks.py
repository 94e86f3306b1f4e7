"""Asking vendors what is left of an account's plan: politely, and without consequences where they do not say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx
from asgiref.sync import async_to_sync
from django.db.models import Q
from django.utils import timezone

from omniroute.errors import UpstreamError
from providers import outgoing
from providers.config import account_config, load_specs
from providers.cooling import account_key
from providers.models import Account, QuotaCheck
from providers.oauth import renewal
from providers.quota import Window, store
from providers.quota import rows as quota_rows
from providers.quota.sources import QuotaSource, source_of
from providers.quota.sources.base import QuotaUnknown
from providers.reach import explain, without_secret
from providers.spec import ProviderSpec

logger = logging.getLogger(__name__)

TIMEOUT_S = 5.0
FRESH_S = 60.0
"""Younger answers are not asked for again, whoever wants them."""
LONGEST_PAUSE_S = 3600.0
_AT_ONCE = 4
_LONGEST_ERROR = 300


Asked = tuple[QuotaSource, ProviderSpec]
"""Who knows how to ask, and of which provider."""


def source_for(account: Account) -> QuotaSource | None:
    found = _asked_for(account, load_specs())
    return found[0] if found else None


def _asked_for(account: Account, specs: Mapping[str, ProviderSpec]) -> Asked | None:
    spec = specs.get(account.provider)
    source = source_of(spec.quota) if spec is not None else None
    return (source, spec) if source is not None and spec is not None else None


def due(now: datetime) -> list[Account]:
    """Accounts in use whose vendor may be asked again."""
    sources = {spec.id: source_of(spec.quota) for spec in load_specs().values()}
    tracked = [id for id, source in sources.items() if source is not None and source.asks]
    rested = Q(quota_check=None) | Q(quota_check__ask_again_at__lte=now)
    rows = Account.objects.filter(rested, provider__in=tracked, is_active=True, sign_in_needed_at=None)
    return [row for row in rows if row.bearer]


def check_due() -> tuple[int, int]:
    """Ask for all that are due. Return how many answered, and how many did not."""
    rows, specs = due(timezone.now()), load_specs()
    asked = {row.pk: found for row in rows if (found := _asked_for(row, specs))}
    answers = async_to_sync(_ask_all)([row for row in rows if row.pk in asked], asked)
    outcomes = [keep(row, asked[row.pk][0], answer) for row, answer in answers]
    return sum(outcomes), len(outcomes) - sum(outcomes)


def refresh(account: Account) -> str:
    """Ask for one account, unless that was done a moment ago. Return the vendor's reason where it did not say."""
    now = timezone.now()
    last = QuotaCheck.objects.filter(account=account).first()
    asked = _asked_for(account, load_specs())
    if asked is None or not asked[0].asks:
        return ""
    if last is not None and last.asked_at > now - timedelta(seconds=FRESH_S):
        return last.error
    if last is not None and last.error and last.ask_again_at > now:
        return last.error
    ((_, answer),) = async_to_sync(_ask_all)([account], {account.pk: asked})
    keep(account, asked[0], answer)
    return answer.message if isinstance(answer, QuotaUnknown) else ""


async def _ask_all(
    rows: list[Account], asked: dict[int, Asked]
) -> list[tuple[Account, list[Window] | QuotaUnknown]]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def ask(row: Account) -> tuple[Account, list[Window] | QuotaUnknown]:
        async with slots:
            return row, await ask_vendor(row, *asked[row.pk])

    return list(await asyncio.gather(*map(ask, rows)))


async def ask_vendor(
    account: Account, source: QuotaSource, spec: ProviderSpec
) -> list[Window] | QuotaUnknown:
    """Never raises: a vendor that does not say is no reason to stop anything. A token that has ended is renewed first;
    one that this endpoint alone refuses is not, since every renewal of a rotating token is a risk."""
    try:
        if renewal.is_stale(config := account_config(account)):
            await renewal.ready(config)
            account = await Account.objects.aget(pk=account.pk)
        async with (
            asyncio.timeout(2 * TIMEOUT_S),
            outgoing.client(provider=account.provider, account_id=account.pk, timeout_s=TIMEOUT_S) as http,
        ):
            return await source.fetch(http, account, spec, timezone.now())
    except QuotaUnknown as unknown:
        return unknown
    except UpstreamError as error:
        return QuotaUnknown(error.message, error.retry_after)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        return QuotaUnknown(explain(error, source.address(account, spec) or spec.name))
    except Exception as error:  # a shape that nobody foresaw
        logger.exception("The quota of %s cannot be read", account.name)
        return QuotaUnknown(f"The quota answer cannot be read ({type(error).__name__})")


def keep(account: Account, source: QuotaSource, answer: list[Window] | QuotaUnknown) -> bool:
    """Write it down; what was known stays where the vendor did not say."""
    now = timezone.now()
    pause, error = source.interval_s, ""
    if isinstance(answer, QuotaUnknown):
        for secret in (account.bearer, account.refresh_token):
            answer.message = without_secret(answer.message, secret)
        error = answer.message[:_LONGEST_ERROR]
        pause = min(max(answer.retry_after or 0, pause), LONGEST_PAUSE_S)
        logger.info("The quota of %s (%s) is not known: %s", account.name, account.provider, error)
    else:
        quota_rows.save(account.pk, answer, whole=True)
        store.put(account_key(account.pk), answer)
    values = {"asked_at": now, "ask_again_at": now + timedelta(seconds=pause), "error": error}
    if Account.objects.filter(pk=account.pk).exists():
        QuotaCheck.objects.update_or_create(account_id=account.pk, defaults=values)
    return not error
