"""Codex' tokens: who it is stands in the id token. Source: facts/oauth_providers.md §2.4."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from providers.oauth.answers import Tokens, claims_of, expiry_of_jwt, parse_tokens, text_of
from providers.oauth.vendors.base import Vendor

_CLAIM = "https://api.openai.com/auth"


class Codex(Vendor):
    def read(self, body: Any) -> Tokens:
        return with_claims(parse_tokens(body))


def with_claims(tokens: Tokens) -> Tokens:
    """One email may own several workspaces, so the account id tells accounts apart."""
    claims = claims_of(tokens.id_token) or claims_of(tokens.access)
    about = claims.get(_CLAIM)
    plan, account = text_of(about, "chatgpt_plan_type"), text_of(about, "chatgpt_account_id")
    fedramp = isinstance(about, dict) and about.get("chatgpt_account_is_fedramp") is True
    return replace(
        tokens,
        email=text_of(claims, "email") or tokens.email,
        plan=plan.capitalize() or tokens.plan,
        external_id=account or tokens.external_id,
        expires_at=tokens.expires_at or expiry_of_jwt(tokens.access),
    ).with_data(accountId=account, fedramp=fedramp)
