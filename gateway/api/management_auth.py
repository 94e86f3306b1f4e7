"""Who may use the management API: an administrator's session (with CSRF token), or a key of scope `manage`.

A key that is present decides alone: a wrong one is refused even beside a valid session.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import APIKeyCookie, APIKeyHeader, HttpBearer
from ninja.utils import check_csrf

from billing.keys import hash_key
from billing.models import ApiKey
from gateway.edge.auth import count_wrong_key
from omniroute.errors import Forbidden, Unauthorized

_LAST_USED_STEP = timedelta(minutes=1)


def usable_key(secret: str, address: str) -> ApiKey:
    """The key with this secret. Raise `Unauthorized`; 429 for an address that tried too many wrong ones."""
    key = ApiKey.objects.filter(key_hash=hash_key(secret.strip()), is_active=True).first()
    moment = timezone.now()
    if key is None or (key.expires_at and key.expires_at <= moment):
        raise count_wrong_key(Unauthorized("The API key is unknown, disabled or expired"), address)
    if key.last_used_at is None or moment - key.last_used_at > _LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=moment)
    return key


def manage_key(secret: str, address: str) -> ApiKey:
    """The key of scope `manage` with this secret. Raise `Unauthorized`, or `Forbidden` for another scope."""
    key = usable_key(secret, address)
    if key.scope != ApiKey.Scope.MANAGE:
        raise Forbidden("This API key may not manage the gateway: it needs the scope 'manage'")
    return key


class BearerKey(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        return manage_key(token, request.META.get("REMOTE_ADDR", ""))


class HeaderKey(APIKeyHeader):
    param_name = "x-api-key"

    def authenticate(self, request: HttpRequest, key: str | None) -> ApiKey | None:
        return manage_key(key, request.META.get("REMOTE_ADDR", "")) if key else None


class AdminSession(APIKeyCookie):
    """Superusers alone: the API knows no finer permissions, and hands out keys that may do everything."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> AbstractBaseUser | None:
        return self.authenticate(request, None)

    def authenticate(self, request: HttpRequest, key: str | None) -> AbstractBaseUser | None:
        user = request.user
        if not user.is_authenticated:
            return None
        if not (user.is_staff and user.is_superuser):
            raise Forbidden("The management API is for administrators")
        if check_csrf(request):
            raise Forbidden(
                f"CSRF token missing or wrong: send the cookie {settings.CSRF_COOKIE_NAME} as X-CSRFToken",
                code="csrf_failed",
            )
        return user


MANAGEMENT_AUTH = [BearerKey(), HeaderKey(), AdminSession()]
