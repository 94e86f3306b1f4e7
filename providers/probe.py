"""Testing accounts from the admin: run the checks side by side, say what came out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import HttpRequest

from providers.models import Account
from providers.validation import Result, validate_account

_LEVELS = {
    Account.TestStatus.VALID: messages.SUCCESS,
    Account.TestStatus.WARNING: messages.WARNING,
    Account.TestStatus.INVALID: messages.ERROR,
    Account.TestStatus.UNREACHABLE: messages.ERROR,
}


def test_accounts(accounts: Sequence[Account]) -> list[tuple[Account, Result]]:
    """Check each account at its provider."""

    async def run() -> list[Result]:
        return await asyncio.gather(*(validate_account(account) for account in accounts))

    return list(zip(accounts, async_to_sync(run)(), strict=True))


def report(request: HttpRequest, results: Sequence[tuple[Account, Result]]) -> None:
    for account, result in results:
        status = Account.TestStatus(result.status)
        text = f"{account.name}: {result.message or status.label}"
        messages.add_message(request, _LEVELS.get(status, messages.INFO), text)
