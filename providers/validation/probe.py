"""Testing accounts from the admin: run the checks side by side, say what came out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import HttpRequest

from providers.models import Account
from providers.validation import ValidationResult, validate_account

_AT_ONCE = 8
_LEVELS: dict[str, int] = {
    Account.TestStatus.VALID: messages.SUCCESS,
    Account.TestStatus.WARNING: messages.WARNING,
    Account.TestStatus.INVALID: messages.ERROR,
    Account.TestStatus.UNREACHABLE: messages.ERROR,
}

Tested = list[tuple[Account, ValidationResult]]


def check_accounts(accounts: Sequence[Account]) -> Tested:
    """Ask the providers about the accounts' keys. Takes as long as the slowest: seconds."""

    async def run() -> list[ValidationResult]:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def check(account: Account) -> ValidationResult:
            async with slots:
                return await validate_account(account)

        return await asyncio.gather(*(check(account) for account in accounts))

    return list(zip(accounts, async_to_sync(run)(), strict=True))


def report(request: HttpRequest, tested: Tested) -> None:
    for account, result in tested:
        messages.add_message(request, _LEVELS.get(result.status, messages.INFO), _sentence(account, result))


def _sentence(account: Account, result: ValidationResult) -> str:
    if problem := result.error or result.warning:
        return f"{account.name}: {problem}"
    listed = f" It lists {result.models} models." if result.models else ""
    return f"{account.name}: the provider accepts the key ({result.latency_ms} ms).{listed}"
