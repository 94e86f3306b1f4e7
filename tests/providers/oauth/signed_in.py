"""Accounts as a sign-in left them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from providers import catalog
from providers.models import Account
from providers.oauth import importing
from providers.oauth.answers import Tokens
from tests.vendors.grants import Authority


def signed_in(app: Authority, *, life_s: float = -10, **fields: Any) -> Account:
    """An account of this vendor whose token ends in `life_s` seconds."""
    access, refresh = app.pair()
    data: dict[str, Any] = {}
    if app.provider == "github":
        refresh = access
    if app.provider == "kiro":
        data = {"authMethod": "social"}
    values = {
        "name": f"{app.provider} account",
        "auth_type": "oauth",
        "access_token": access,
        "refresh_token": refresh,
        "provider_data": data,
        "email": app.user,
        "expires_at": timezone.now() + timedelta(seconds=life_s),
    }
    return Account.objects.create(provider=app.provider, **{**values, **fields})


def imported(app: Authority, tokens: Tokens) -> Account:
    return importing.adopt(catalog.load()[app.provider], tokens)
