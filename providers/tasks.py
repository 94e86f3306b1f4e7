"""Background jobs of the providers."""

from __future__ import annotations

import asyncio
import logging

from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone

from omniroute.errors import UpstreamError
from omniroute.jobs import job
from providers.config import account_config
from providers.listing.sync import sync
from providers.models import Account, ModelSync
from providers.oauth import accounts, renewal, sessions
from providers.quota import checks as quota_checks

logger = logging.getLogger(__name__)

_AT_ONCE = 4


@job("Renew sign-in tokens", minutes=1)
def renew_tokens() -> str:
    """Tokens that end soon, each provider by its own lead. Returns what the list of finished jobs shows."""
    renewed = async_to_sync(_renew_due)()
    forgotten = sessions.forget_old()
    return f"{renewed} renewed, {forgotten} old sign-ins forgotten"


@job("Ask for quotas", minutes=2)
def check_quotas() -> str:
    """What is left of the plans, of accounts whose vendor may be asked again by now."""
    answered, silent = quota_checks.check_due()
    return f"{answered} answered, {silent} did not"


async def _renew_due() -> int:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def renew(account: Account) -> bool:
        async with slots:
            try:
                await renewal.renewed(account_config(account))
            except UpstreamError as error:
                logger.warning("%s", error.message)
                return False
        return True

    rows = await sync_to_async(accounts.due)(timezone.now())
    return sum(await asyncio.gather(*(renew(row) for row in rows)))


@job("Sync model lists", minutes=24 * 60)
def sync_model_lists() -> str:
    """Those that were read before: nobody is asked for what nobody wanted."""
    results = async_to_sync(sync)(list(ModelSync.objects.values_list("provider", flat=True)))
    added, vanished = (sum(len(getattr(each, name)) for each in results) for name in ("added", "vanished"))
    return f"{len(results)} lists, {added} models new, {vanished} vanished"
