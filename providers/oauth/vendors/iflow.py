"""iFlow's tokens: requests are made with a key that the profile holds, or that its console gives for a cookie.

Source: docs/protocol-notes.md, iFlow.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from providers.credentials import is_sendable
from providers.oauth.answers import SignInError, Tokens, text_of
from providers.oauth.asking import Asking
from providers.oauth.vendors.base import Vendor
from providers.spec import Endpoint

COOKIE = "cookie"
"""`authMethod` of an account whose refresh token is the console's cookie `BXAuth`."""
_BEIJING = timezone(timedelta(hours=8))


class IFlow(Vendor):
    fatal_codes = frozenset({"invalid_client"})

    async def identify(self, asking: Asking, tokens: Tokens) -> Tokens:
        body = await asking.get(asking.oauth.profile_url, {}, {"accessToken": tokens.access})
        user = body.get("data") if isinstance(body, dict) else None
        key = text_of(user, "apiKey")
        if not key or not is_sendable(key):
            raise SignInError("iFlow gave no API key for this account", code="no_api_key", status=403)
        name = text_of(user, "email", "phone", "nickname", "name")
        return replace(tokens, api_key=key, email=name, external_id=name)

    async def probe(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> None:
        if tokens.data.get("authMethod") == COOKIE:
            await asking.get(asking.oauth.mint_url, _cookie(tokens))
        else:
            await self.identify(asking, tokens)

    async def _by_cookie(self, asking: Asking, tokens: Tokens) -> Tokens:
        """The console knows keys by name, and shows one whole when it is asked for it anew."""
        try:
            known = await asking.get(asking.oauth.mint_url, _cookie(tokens))
            name = text_of(known.get("data"), "name")
            body = await asking.post(asking.oauth.mint_url, {"name": name}, headers=_cookie(tokens))
        except SignInError as error:
            error.fatal = error.fatal or error.status in (401, 403)
            raise
        given = body.get("data")
        key = text_of(given, "apiKey")
        if not key or not is_sendable(key):
            raise SignInError(
                "iFlow gave no API key for this cookie", code="no_api_key", status=403, fatal=True
            )
        name = text_of(given, "name") or name
        return replace(
            tokens,
            api_key=key,
            email=name,
            external_id=name,
            expires_at=_expiry(text_of(given, "expireTime")),
        )

    async def renew(self, asking: Asking, tokens: Tokens) -> Tokens:
        """The key may change with every renewal."""
        if tokens.data.get("authMethod") == COOKIE:
            return await self._by_cookie(asking, tokens)
        return await self.identify(asking, await super().renew(asking, tokens))


def _cookie(tokens: Tokens) -> dict[str, str]:
    return {"cookie": f"BXAuth={tokens.refresh}"}


def _expiry(text: str) -> datetime | None:
    """`2026-04-20 18:00`, which is taken for Beijing's time. A day early: such a key is renewed two days ahead."""
    try:
        ends = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=_BEIJING)
    except ValueError:
        return None
    return ends.astimezone(UTC) - timedelta(days=1)
