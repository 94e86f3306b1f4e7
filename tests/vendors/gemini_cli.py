"""Google's sign-in for Gemini CLI. Source: docs/protocol-notes.md, Gemini CLI."""

from __future__ import annotations

from typing import Any

from tests.vendors.framework import Asked, Refused, on
from tests.vendors.grants import Authority

SECRET = "a-published-secret"


class GeminiCli(Authority):
    provider = "gemini-cli"
    rotates = False
    access_prefix, refresh_prefix = "ya29.", "1//0"

    def overlay_lines(self) -> dict[str, str]:
        return {
            "authorize_url": f'"{self.url}/authorize"',
            "token_url": f'"{self.url}/token"',
            "profile_url": f'"{self.url}/oauth2/v2/userinfo"',
        }

    @on("POST /token")
    def token(self, asked: Asked) -> Any:
        sent = asked.form
        if sent.get("client_secret") != SECRET:
            raise Refused(401, self.error("invalid_client", "The OAuth client was not found."))
        if sent.get("grant_type") == "refresh_token":
            access, _ = self.rotate(sent.get("refresh_token", ""))
            return {"access_token": access, "expires_in": self.life_s, "token_type": "Bearer"}
        self.redeem(sent)
        access, refresh = self.pair()
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": self.life_s,
            "id_token": "a.b.c",
        }

    @on("GET /oauth2/v2/userinfo")
    def userinfo(self, asked: Asked) -> Any:
        return {"id": "1234", "email": self.user_of(asked)}
