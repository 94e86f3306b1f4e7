"""Gemini CLI's tokens. The project is found by the chat adapter. Source: docs/protocol-notes.md, Gemini CLI."""

from __future__ import annotations

from dataclasses import replace

from providers.oauth.answers import SignInError, Tokens, text_of
from providers.oauth.asking import Asking
from providers.oauth.vendors.base import Vendor


class GeminiCli(Vendor):
    async def probe(self, asking: Asking, tokens: Tokens) -> None:
        await asking.get(asking.oauth.profile_url, {"authorization": f"Bearer {tokens.access}"})

    async def identify(self, asking: Asking, tokens: Tokens) -> Tokens:
        try:
            body = await asking.get(asking.oauth.profile_url, {"authorization": f"Bearer {tokens.access}"})
        except SignInError:
            return tokens
        return replace(tokens, email=text_of(body, "email"), external_id=text_of(body, "id", "sub"))
