"""Anthropic's sign-in for Claude Code. Source: docs/protocol-notes.md, Claude Code."""

from __future__ import annotations

from typing import Any

from tests.vendors.framework import Asked, Refused, on
from tests.vendors.grants import Authority

CLIENT = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"


class Claude(Authority):
    provider = "claude"
    access_prefix, refresh_prefix = "sk-ant-oat01-", "sk-ant-ort01-"
    organization = "0b1e-org"

    def overlay_lines(self) -> dict[str, str]:
        return {
            "authorize_url": f'"{self.url}/authorize"',
            "token_url": f'"{self.url}/v1/oauth/token"',
            "profile_url": f'"{self.url}/api/oauth/profile"',
            "manual_redirect_uri": f'"{self.url}/oauth/code/callback"',
        }

    def error(self, code: str, description: str = "") -> Any:
        return {"error": code, "error_description": description}

    @on("GET /oauth/code/callback")
    def manual_page(self, asked: Asked) -> str:
        """Shows what is to be copied."""
        return f'<!doctype html><code id="code">{asked.query["code"]}#{asked.query["state"]}</code>'

    @on("POST /v1/oauth/token")
    def token(self, asked: Asked) -> Any:
        """JSON alone, and the state is required."""
        sent = asked.json
        if sent.get("client_id") != CLIENT:
            raise Refused(400, self.error("invalid_client"))
        if sent.get("grant_type") == "refresh_token":
            if "org:create_api_key" in str(sent.get("scope")):
                raise Refused(400, self.error("invalid_scope"))
            return self.tokens(*self.rotate(str(sent.get("refresh_token"))))
        kept = self.redeem(sent)
        if sent.get("state") != kept.state:
            raise Refused(400, self.error("invalid_request", "state is required"))
        return self.tokens(*self.pair())

    def tokens(self, access: str, refresh: str) -> Any:
        return {
            "token_type": "Bearer",
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": self.life_s,
            "scope": "user:profile user:inference",
            "account": {"uuid": "acc-1", "email_address": self.user},
            "organization": {"uuid": self.organization, "name": "Ada's"},
        }

    @on("GET /api/oauth/profile")
    def profile(self, asked: Asked) -> Any:
        return {
            "account": {"uuid": "acc-1", "email": self.user_of(asked), "display_name": "Ada"},
            "organization": {
                "uuid": self.organization,
                "name": "Ada's",
                "organization_type": "claude_max",
                "rate_limit_tier": "default_claude_max_20x",
            },
        }
