"""What sign-in endpoints answer: tokens, or why there are none."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from omniroute.types import JSONDict
from providers.credentials import is_sendable

FATAL = frozenset(
    (
        *("invalid_grant", "refresh_token_reused", "refresh_token_expired", "refresh_token_invalidated"),
        *("invalid_token", "expired_token", "unauthorized_client", "access_denied", "invalid_request"),
    )
)
"""Somebody has to sign in again (docs/protocol-notes.md, Sign-in in general)."""
UNREACHABLE = "unreachable"
TRANSIENT = frozenset(("server_error", "temporarily_unavailable", "slow_down"))
_AWS = {
    "InvalidGrantException": "invalid_grant",
    "ExpiredTokenException": "expired_token",
    "AccessDeniedException": "access_denied",
    "AuthorizationPendingException": "authorization_pending",
    "SlowDownException": "slow_down",
    "InvalidClientException": "invalid_client",
    "UnauthorizedClientException": "unauthorized_client",
    "InternalServerException": "server_error",
}
_CODE_KEYS = ("error", "code", "type", "__type", "reason", "error_code")
_MAX_DEPTH = 6
_MAX_LIFE = timedelta(days=3650)


class SignInError(Exception):
    """A vendor's sign-in endpoint refused, or could not be asked. `message` is for people and holds no secret."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int = 0,
        fatal: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.status = message, code, status
        self.fatal = fatal
        """Only signing in again can help."""
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:
        if self.fatal:
            return False
        return self.vendor_is_away or self.code in TRANSIENT or self.status == 0

    @property
    def vendor_is_away(self) -> bool:
        return self.code == UNREACHABLE or self.status in (408, 429) or self.status >= 500

    @property
    def advice(self) -> str:
        """The message, and what to do where it does not say so itself."""
        return f"{self.message}. Try again in a moment." if self.vendor_is_away else self.message


def codes_of(value: Any, depth: int = 0) -> Iterator[str]:
    """Every error code in an answer, also inside of objects and of JSON that somebody put into a string."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in ("{", "["):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                return
        else:
            return
    if isinstance(value, list):
        for item in value[:20]:
            yield from codes_of(item, depth + 1)
    elif isinstance(value, Mapping):
        for name in _CODE_KEYS:
            item = value.get(name)
            if isinstance(item, str) and item[:1] not in ("{", "["):
                plain = item.rpartition("#")[2]
                yield _AWS.get(plain, plain)
        for item in value.values():
            yield from codes_of(item, depth + 1)


def code_of(body: Any) -> str:
    """The most telling code: one that needs a sign-in, else one that passes, else the first."""
    found = list(codes_of(body))
    for known in (FATAL, TRANSIENT):
        for code in found:
            if code in known:
                return code
    return found[0] if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a sign-in or a renewal yields. `repr` shows nothing of it. Empty fields: nothing new is known."""

    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    """The key that requests are made with, where that is not the access token."""
    expires_at: datetime | None = None
    scope: str = ""
    email: str = ""
    plan: str = ""
    external_id: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What everybody may see, for the account's `provider_data`."""
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def with_data(self, **entries: Any) -> Tokens:
        """Entries that are empty are left out."""
        return replace(self, data={**self.data, **{name: item for name, item in entries.items() if item}})

    def with_secrets(self, **entries: Any) -> Tokens:
        return replace(
            self, secrets={**self.secrets, **{name: item for name, item in entries.items() if item}}
        )


def parse_tokens(body: Any) -> Tokens:
    """Of a token endpoint, in snake or camel case. Raise `SignInError` where no access token is in it."""
    if not isinstance(body, Mapping):
        raise SignInError("The vendor's answer is not a JSON object", code="bad_answer")
    access = text_of(body, "access_token", "accessToken")
    if not access or not is_sendable(access):
        raise SignInError("The vendor's answer holds no access token", code="bad_answer")
    scope = body.get("scope")
    if isinstance(scope, list):
        scope = " ".join(item for item in scope if isinstance(item, str))
    return Tokens(
        access=access,
        refresh=text_of(body, "refresh_token", "refreshToken"),
        id_token=text_of(body, "id_token", "idToken"),
        expires_at=_expiry(body.get("expires_in", body.get("expiresIn"))) or expiry_of_jwt(access),
        scope=clean(scope) if isinstance(scope, str) else "",
    )


def text_of(body: Any, *names: str) -> str:
    """The first of the entries that is a text, "" where none is."""
    if isinstance(body, Mapping):
        for name in names:
            item = body.get(name)
            if isinstance(item, str) and (text := clean(item).strip()):
                return text
    return ""


def objects_of(body: Any, name: str) -> list[JSONDict]:
    """The objects of the list under `name`; [] where there is no such list."""
    found = body.get(name) if isinstance(body, Mapping) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def clean(text: str) -> str:
    """What every database takes: no NUL, no lone surrogate."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def seconds_of(value: Any, default: float, low: float, high: float) -> float:
    """A number of seconds that somebody else chose, also as a text, within bounds."""
    try:
        number = (
            float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else default
        )
    except (ValueError, OverflowError):
        number = default
    return min(max(number, low), high) if math.isfinite(number) else default


def _expiry(seconds: Any) -> datetime | None:
    life = seconds_of(seconds, 0.0, 0.0, _MAX_LIFE.total_seconds())
    return timezone.now() + timedelta(seconds=life) if life > 0 else None


def moment_of(value: Any) -> datetime | None:
    """A point in time as vendors' files write it: seconds or milliseconds since the epoch, or ISO 8601."""
    try:
        if isinstance(value, str) and not value.strip().replace(".", "", 1).isdigit():
            found = datetime.fromisoformat(value.strip())
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            number = float(value)
            return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def claims_of(token: str) -> dict[str, Any]:
    """The payload of a JWT, unverified: it came from the vendor over TLS. {} for what is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = json.loads(payload)
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def expiry_of_jwt(token: str) -> datetime | None:
    return moment_of(claims_of(token).get("exp"))
