"""What only the first start does: the administrator's account."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth import get_user_model

from omniroute.net import is_loopback

ADMIN_NAME = "admin"


def ensure_admin() -> str | None:
    """Make the first administrator. Returns the generated password, which nobody can read again, or None.

    `INITIAL_PASSWORD` is taken where it is set, and then not repeated on the screen.
    """
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return None
    password = settings.INITIAL_PASSWORD or secrets.token_urlsafe(12)
    users.create_superuser(ADMIN_NAME, "", password)
    return None if settings.INITIAL_PASSWORD else password


def may_bind(host: str) -> bool:
    """Is `host` as safe as what the settings were made for?"""
    return settings.REQUIRE_API_KEY or is_loopback(host)
