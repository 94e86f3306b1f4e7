"""GitHub's token, and the short-lived Copilot token that is minted from it.

The GitHub token takes the place of a refresh token, the Copilot token that of the access token.

Source: docs/protocol-notes.md, GitHub Copilot.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from omniroute.types import JSONDict
from providers.credentials import is_sendable
from providers.oauth.answers import SignInError, Tokens, moment_of, objects_of, seconds_of, text_of
from providers.oauth.asking import Asking
from providers.oauth.vendors.base import Vendor
from providers.spec import Endpoint

_LIMITED = "api rate limit exceeded"
_MARGIN_S, _LONGEST_LIFE_S = 60.0, 86_400.0
"""GitHub's own editor counts the seconds to the next token, and this margin, by its own clock: `expires_at` is told by
GitHub's."""


class GitHub(Vendor):
    async def identify(self, asking: Asking, tokens: Tokens) -> Tokens:
        github = tokens.access
        user = await asking.get(asking.oauth.profile_url, _headers(github))
        login = text_of(user, "login")
        number = user.get("id") if isinstance(user, dict) else None
        known = (
            Tokens(
                refresh=github,
                scope=tokens.scope,
                email=text_of(user, "email") or login,
                external_id=str(number) if isinstance(number, int) else login,
            )
            .with_data(login=login)
            .with_secrets(githubRefresh=tokens.refresh)
        )
        return await self.renew(asking, known)

    async def probe(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> None:
        await asking.get(asking.oauth.profile_url, _headers(tokens.refresh))

    lists_models = True

    async def list_models(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> list[JSONDict]:
        """Asked like a chat, with the minted token."""
        base = str(tokens.data.get("api") or endpoint.base_url)
        headers = {**endpoint.headers, "authorization": f"Bearer {tokens.access}"}
        body = await asking.get(f"{base}/models", headers)
        return [_described(model) for model in objects_of(body, "data")]

    async def renew(self, asking: Asking, tokens: Tokens) -> Tokens:
        """Mint. A 401 means that the GitHub token is dead; a 403 says why the account may not use Copilot."""
        try:
            body = await asking.get(asking.oauth.mint_url, _headers(tokens.refresh))
        except SignInError as error:
            error.fatal = error.status == 401 or (
                error.status == 403 and _LIMITED not in error.message.lower()
            )
            raise
        return _minted(tokens, body)


def _described(model: JSONDict) -> JSONDict:
    abilities = model.get("capabilities")
    limits = abilities.get("limits") if isinstance(abilities, dict) else None
    known = limits if isinstance(limits, dict) else {}
    return {
        "id": text_of(model, "id"),
        "name": text_of(model, "name"),
        "type": text_of(abilities, "type"),
        "context_length": known.get("max_context_window_tokens"),
        "max_output_tokens": known.get("max_output_tokens"),
    }


def _headers(github: str) -> dict[str, str]:
    return {"authorization": f"token {github}"}


def _minted(tokens: Tokens, body: Any) -> Tokens:
    token = text_of(body, "token")
    if not token or not is_sendable(token):
        raise SignInError("GitHub's answer holds no Copilot token", code="bad_answer")
    sku = text_of(body, "sku")
    lasts = seconds_of(body.get("refresh_in"), 0.0, 0.0, _LONGEST_LIFE_S)
    return replace(
        tokens,
        access=token,
        expires_at=timezone.now() + timedelta(seconds=lasts + _MARGIN_S)
        if lasts
        else moment_of(body.get("expires_at")),
        plan=sku.replace("_", " ") or tokens.plan,
    ).with_data(api=text_of(body.get("endpoints"), "api"), sku=sku)
