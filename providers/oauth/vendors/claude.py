"""Claude Code's tokens. Source: docs/protocol-notes.md, Claude Code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from providers.oauth.answers import SignInError, Tokens, parse_tokens, text_of
from providers.oauth.asking import Asking
from providers.oauth.vendors.base import Vendor
from providers.spec import Endpoint

_PLANS = {
    "claude_pro": "Pro",
    "claude_max": "Max",
    "claude_team": "Team",
    "claude_enterprise": "Enterprise",
}


class Claude(Vendor):
    def read(self, body: Any) -> Tokens:
        tokens = parse_tokens(body)
        account, organization = body.get("account"), body.get("organization")
        return replace(
            tokens,
            email=text_of(account, "email_address", "email"),
            external_id=text_of(organization, "uuid") or text_of(account, "uuid"),
        ).with_data(accountUuid=text_of(account, "uuid"), organization=text_of(organization, "name"))

    async def probe(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> None:
        """Tokens of `claude setup-token` may not ask for the profile, which is answered with 403."""
        try:
            await asking.get(asking.oauth.profile_url, _headers(tokens))
        except SignInError as error:
            if error.status != 403:
                raise

    async def identify(self, asking: Asking, tokens: Tokens) -> Tokens:
        """Adds the plan. Tokens of `claude setup-token` may not ask for the profile: that is no error."""
        try:
            body = await asking.get(asking.oauth.profile_url, _headers(tokens))
        except SignInError:
            return tokens
        account, organization = body.get("account"), body.get("organization")
        kind = text_of(organization, "organization_type")
        return replace(
            tokens,
            email=text_of(account, "email", "email_address") or tokens.email,
            external_id=text_of(organization, "uuid") or tokens.external_id,
            plan=_PLANS.get(kind, kind),
        ).with_data(
            accountUuid=text_of(account, "uuid"),
            organization=text_of(organization, "name"),
            rateLimitTier=text_of(organization, "rate_limit_tier"),
        )


def _headers(tokens: Tokens) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens.access}", "anthropic-beta": "oauth-2025-04-20"}
