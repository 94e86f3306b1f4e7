"""iFlow's tokens: requests are made with a key that the profile holds. Source: facts/oauth_providers.md §5.2."""

from __future__ import annotations

from dataclasses import replace

from providers.credentials import is_sendable
from providers.oauth.answers import SignInError, Tokens, text_of
from providers.oauth.asking import Asking
from providers.oauth.vendors.base import Vendor


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

    async def probe(self, asking: Asking, tokens: Tokens) -> None:
        await self.identify(asking, tokens)

    async def renew(self, asking: Asking, tokens: Tokens) -> Tokens:
        """The key may change with every renewal."""
        return await self.identify(asking, await super().renew(asking, tokens))
