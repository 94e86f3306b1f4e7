"""Qwen Code's tokens, each bound to the host that came with it. Source: docs/protocol-notes.md, Qwen Code."""

from __future__ import annotations

from typing import Any

from providers.oauth.answers import SignInError, Tokens, parse_tokens, text_of
from providers.oauth.asking import Asking
from providers.oauth.vendors.base import Vendor
from providers.spec import Endpoint


class Qwen(Vendor):
    fatal_statuses = frozenset({400, 401})

    def read(self, body: Any) -> Tokens:
        return parse_tokens(body).with_data(resourceUrl=text_of(body, "resource_url"))

    async def probe(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> None:
        """Of the host that the token belongs to, what every host of this kind is asked for free."""
        base = base_of(str(tokens.data.get("resourceUrl") or asking.oauth.profile_url))
        try:
            await asking.get(f"{base}/models", {"authorization": f"Bearer {tokens.access}"})
        except SignInError as error:
            if error.status in (404, 405):
                raise SignInError(f"The token cannot be tested: {error.message}", code="not_told") from error
            raise


def base_of(host: str) -> str:
    """`portal.qwen.ai` -> `https://portal.qwen.ai/v1`"""
    address = (host if "//" in host else f"https://{host}").rstrip("/")
    return address if address.endswith("/v1") else f"{address}/v1"
