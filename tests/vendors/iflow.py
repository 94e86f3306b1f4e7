"""iFlow's sign-in, as it was. Source: facts/oauth_providers.md §5.2."""

from __future__ import annotations

import base64
from typing import Any

from tests.vendors.framework import Asked, Refused, on
from tests.vendors.grants import Authority

CLIENT, SECRET = "10009311001", "a-published-secret"


class IFlow(Authority):
    provider = "iflow"
    redirect_param = "redirect"

    def overlay_lines(self) -> dict[str, str]:
        return {
            "authorize_url": f'"{self.url}/authorize"',
            "token_url": f'"{self.url}/oauth/token"',
            "profile_url": f'"{self.url}/api/oauth/getUserInfo"',
        }

    @on("POST /oauth/token")
    def token(self, asked: Asked) -> Any:
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if (
            asked.headers.get("authorization") != f"Basic {basic}"
            or asked.form.get("client_secret") != SECRET
        ):
            raise Refused(401, self.error("invalid_client"))
        if asked.form.get("grant_type") == "refresh_token":
            access, refresh = self.rotate(asked.form.get("refresh_token", ""))
        else:
            self.redeem(asked.form, pkce=False)
            access, refresh = self.pair()
        return {"access_token": access, "refresh_token": refresh, "expires_in": self.life_s}

    @on("GET /api/oauth/getUserInfo")
    def user_info(self, asked: Asked) -> Any:
        token = asked.query.get("accessToken", "")
        if token not in self.access_tokens:
            raise Refused(401, self.error("invalid_token"))
        return {"success": True, "data": {"apiKey": self.secret("iflow-key-"), "email": self.user}}
