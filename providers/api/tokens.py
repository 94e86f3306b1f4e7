"""Management API of sign-ins' tokens: whose run out, and who has to sign in again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from omniroute.schema import CamelModel
from providers.models import Account

router = Router(tags=["Sign-in"], by_alias=True)

SOON = timedelta(minutes=10)

State = Literal["ok", "expiring", "expired", "sign_in_needed"]


class TokenHealth(CamelModel):
    connection_id: str
    provider: str
    name: str
    email: str | None
    state: State
    expires_at: datetime | None
    """None where the vendor does not tell."""
    last_refresh_at: datetime | None
    reason: str | None
    """Why somebody has to sign in again."""


class TokenSummary(CamelModel):
    total: int
    ok: int
    expiring: int
    expired: int
    sign_in_needed: int


class TokenHealthList(CamelModel):
    tokens: list[TokenHealth]
    summary: TokenSummary


@router.get("/token-health", response=TokenHealthList, summary="Token health")
def get_token_health(request: HttpRequest) -> TokenHealthList:
    """The tokens of active accounts that were signed in to. Those that are `expiring` (within ten minutes) or `expired`
    are renewed before they are used; `sign_in_needed` ones cannot be renewed any more."""
    rows = Account.objects.filter(auth_type=Account.AuthType.OAUTH, is_active=True)
    tokens = [_shown(row) for row in rows.order_by("provider", "priority", "id")]
    counts = {state: sum(token.state == state for token in tokens) for state in State.__args__}  # type: ignore[attr-defined]
    return TokenHealthList(tokens=tokens, summary=TokenSummary(total=len(tokens), **counts))


def _shown(row: Account) -> TokenHealth:
    return TokenHealth(
        connection_id=str(row.pk),
        provider=row.provider,
        name=row.name,
        email=row.email or None,
        state=_state(row),
        expires_at=row.expires_at,
        last_refresh_at=row.last_refresh_at,
        reason=row.sign_in_reason or None,
    )


def _state(row: Account) -> State:
    if row.needs_sign_in:
        return "sign_in_needed"
    left = row.expires_at - timezone.now() if row.expires_at else SOON
    return "expired" if left <= timedelta() else "expiring" if left < SOON else "ok"
