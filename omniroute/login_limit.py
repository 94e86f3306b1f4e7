"""Guessing passwords takes long: an address has a few attempts, at the admin's form and the API's login together."""

from __future__ import annotations

from django.core.cache import cache
from django.utils import timezone

from omniroute.errors import ClientError

MAX_FAILURES = 5
WINDOW_S = 300


def count_attempt(address: str) -> None:
    """Raise `ClientError` (429) with the seconds to wait. To be called before the password is looked at: attempts in
    parallel are attempts too."""
    now = timezone.now().timestamp()
    cache.add(_count_key(address), 0, timeout=WINDOW_S)
    cache.add(_start_key(address), now, timeout=WINDOW_S)
    try:
        count = cache.incr(_count_key(address))
    except ValueError:  # it expired between the lines
        return
    if count > MAX_FAILURES:
        remaining = (cache.get(_start_key(address)) or now) + WINDOW_S - now
        raise ClientError(
            "Too many failed logins from this address",
            status=429,
            code="too_many_attempts",
            retry_after=max(remaining, 1),
        )


def forgive(address: str) -> None:
    """Its attempt was right."""
    cache.delete_many([_count_key(address), _start_key(address)])


def _count_key(address: str) -> str:
    return f"login-count:{address}"


def _start_key(address: str) -> str:
    return f"login-start:{address}"
