"""What only the first start does: the administrator's account."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth import get_user_model

from omniroute.net import is_loopback

ADMIN_NAME = "admin"


def ensure_admin() -> str | None:
    """Make the first administrator. Returns how to log in, for the screen; None where there is one already.

    A generated password is told this once. `INITIAL_PASSWORD` is taken where it is set, and not repeated.
    """
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return None
    password = settings.INITIAL_PASSWORD or secrets.token_urlsafe(12)
    users.create_superuser(ADMIN_NAME, "", password)
    shown = (
        "the password of INITIAL_PASSWORD" if settings.INITIAL_PASSWORD else f"{password}   (shown this once)"
    )
    return f"{ADMIN_NAME} / {shown}"


def may_bind(host: str) -> bool:
    """Is `host` as safe as what the settings were made for?"""
    return settings.REQUIRE_API_KEY or is_loopback(host)
