"""Codex' tokens: who it is stands in the id token. Source: docs/protocol-notes.md, Codex."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from omniroute.types import JSONDict
from providers.oauth.answers import (
    SignInError,
    Tokens,
    claims_of,
    expiry_of_jwt,
    objects_of,
    parse_tokens,
    text_of,
)
from providers.oauth.asking import Asking
from providers.oauth.vendors.base import Vendor
from providers.spec import Endpoint

_CLAIM = "https://api.openai.com/auth"
CLIENT_VERSION = "0.0.0"
"""The list leaves out models that demand a newer program; this one value, which no program has, gets all of them
(measured by Zed's authors, zed-industries/zed#62729, August 2026)."""


class Codex(Vendor):
    lists_models = True

    def read(self, body: Any) -> Tokens:
        return with_claims(parse_tokens(body))

    async def probe(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> None:
        """A page under a 403 is the edge's, and says nothing about the token."""
        try:
            await asking.get(asking.oauth.profile_url, _headers(tokens))
        except SignInError as error:
            if error.status == 403:
                raise SignInError(error.message, code="challenge") from error
            raise

    async def list_models(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> list[JSONDict]:
        url = f"{endpoint.base_url}/models"
        body = await asking.get(url, _headers(tokens), {"client_version": CLIENT_VERSION})
        return [
            {**model, "id": text_of(model, "slug"), "name": text_of(model, "display_name", "title")}
            for model in objects_of(body, "models")
            if text_of(model, "slug")
        ]


def _headers(tokens: Tokens) -> dict[str, str]:
    headers = {"authorization": f"Bearer {tokens.access}"}
    workspace = tokens.data.get("accountId") or tokens.external_id
    return {**headers, "chatgpt-account-id": str(workspace)} if workspace else headers


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
