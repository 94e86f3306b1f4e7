"""Between tokens and the rows of accounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from providers.accounts import renumber
from providers.choices import suggested_name
from providers.config import load_specs
from providers.cooling import clear_cooldowns
from providers.models import Account
from providers.oauth.answers import Tokens
from providers.oauth.spec import OAuthSpec
from providers.spec import ProviderSpec

TOKEN_FIELDS = (
    *(
        "api_key",
        "access_token",
        "refresh_token",
        "id_token",
        "token_secrets",
        "expires_at",
        "scope",
        "email",
    ),
    *("plan", "external_id", "provider_data", "last_refresh_at", "sign_in_needed_at", "sign_in_reason"),
    "updated_at",
)
"""Columns that `write` changes."""
_LONGEST_REASON = 300


def tokens_of(account: Account) -> Tokens:
    return Tokens(
        access=account.access_token,
        refresh=account.refresh_token,
        id_token=account.id_token,
        api_key=account.api_key,
        expires_at=account.expires_at,
        scope=account.scope,
        email=account.email,
        plan=account.plan,
        external_id=account.external_id,
        data=account.provider_data or {},
        secrets=account.secrets,
    )


def write(account: Account, tokens: Tokens) -> None:
    """Put the tokens into the row, unsaved. It needs no sign-in any more."""
    account.auth_type = Account.AuthType.OAUTH
    account.api_key, account.access_token = tokens.api_key, tokens.access
    account.refresh_token, account.id_token = tokens.refresh, tokens.id_token
    account.expires_at, account.scope = tokens.expires_at, tokens.scope
    account.email, account.plan = tokens.email[:254], tokens.plan[:100]
    account.external_id = tokens.external_id[:200]
    account.provider_data = dict(tokens.data)
    account.secrets = dict(tokens.secrets)
    account.last_refresh_at = timezone.now()
    account.sign_in_needed_at, account.sign_in_reason = None, ""


def keep(spec: ProviderSpec, tokens: Tokens, again: Account | None = None) -> Account:
    """The account of this sign-in: the one that is signed in `again`, the one that it turns out to be, or a new one.

    An account that is signed in again keeps its row, and so its history. One that turns out to be somebody else's is
    left alone.
    """
    with transaction.atomic():
        _alone(spec.id)
        rows = list(Account.objects.select_for_update().filter(provider=spec.id).order_by("priority", "id"))
        account = _same(rows, tokens, again)
        if account is None:
            account = Account(
                provider=spec.id,
                name=_new_name(spec, rows, tokens),
                priority=len(rows) + 1,
            )
        known = account.provider_data or {}
        write(account, replace(tokens, data={**known, **tokens.data}))
        account.is_active = True
        account.test_status, account.last_error = Account.TestStatus.UNTESTED, ""
        account.save_whole()
        renumber(spec.id)
    clear_cooldowns([account.pk])
    return account


def _alone(provider: str) -> None:
    """Until the transaction ends nobody else adds an account by signing in to this provider: locked rows do not keep
    the first two from being made side by side. On SQLite a transaction that writes is alone from its beginning."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtext('omniroute sign-in'), hashtext(%s))", [provider]
            )


def _new_name(spec: ProviderSpec, rows: list[Account], tokens: Tokens) -> str:
    """The address; where one address has several sign-ins, with what tells them apart."""
    name = tokens.email[:60]
    if name and any(row.name == name for row in rows):
        name = f"{name} ({tokens.plan[:30]})" if tokens.plan else ""
    if not name or any(row.name == name for row in rows):
        return suggested_name(spec, len(rows))
    return name


def _same(rows: list[Account], tokens: Tokens, again: Account | None) -> Account | None:
    if again is not None:
        row = next((row for row in rows if row.pk == again.pk), None)
        if row is not None and not _is_somebody_else(row, tokens):
            return row
    signed_in = [row for row in rows if row.auth_type == Account.AuthType.OAUTH]
    if tokens.external_id:
        same = (row for row in signed_in if row.external_id == tokens.external_id)
        return next((row for row in same if not _differ(row.email, tokens.email)), None)
    if tokens.email:
        return next((row for row in signed_in if row.email == tokens.email), None)
    return next((row for row in signed_in if tokens.refresh and row.refresh_token == tokens.refresh), None)


def _is_somebody_else(row: Account, tokens: Tokens) -> bool:
    return _differ(row.external_id, tokens.external_id) or _differ(row.email, tokens.email)


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one.lower() != other.lower()


def mark_needs_sign_in(account: Account, reason: str) -> None:
    """Out of selection from now on, and in front of the operator."""
    account.sign_in_needed_at = account.sign_in_needed_at or timezone.now()
    account.sign_in_reason = reason[:_LONGEST_REASON]
    account.save(update_fields=["sign_in_needed_at", "sign_in_reason", "updated_at"])


def due(now: datetime) -> list[Account]:
    """Accounts whose token ends within their provider's lead, or is older than their provider likes."""
    flows = {spec.id: spec.oauth for spec in load_specs().values() if spec.oauth}
    rows = Account.objects.filter(
        auth_type=Account.AuthType.OAUTH, is_active=True, sign_in_needed_at=None, provider__in=flows
    )
    return [row for row in rows.exclude(refresh_token="") if _is_due(row, flows[row.provider], now)]


def _is_due(row: Account, oauth: OAuthSpec, now: datetime) -> bool:
    if row.expires_at is not None and (row.expires_at - now).total_seconds() <= oauth.refresh_lead_s:
        return True
    if not oauth.longest_age_s or row.last_refresh_at is None:
        return False
    return (now - row.last_refresh_at).total_seconds() >= oauth.longest_age_s


def waiting_for_sign_in() -> list[Account]:
    rows = Account.objects.filter(sign_in_needed_at__isnull=False, is_active=True)
    return list(rows.order_by("sign_in_needed_at"))
