"""iFlow's sign-in, as it was. Source: docs/protocol-notes.md, iFlow."""

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
            "mint_url": f'"{self.url}/api/openapi/apikey"',
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
        return {"success": True, "data": {"apiKey": self.new_key(), "email": self.user}}

    def new_key(self) -> str:
        key = self.secret("iflow-key-")
        self.access_tokens[key] = self.user
        return key

    # ---- The console, for who has its cookie

    cookie = "console-cookie-1234567890"
    key_ends = "2026-12-24 18:00"

    @on("GET /api/openapi/apikey")
    def shown_key(self, asked: Asked) -> Any:
        self.check_cookie(asked)
        return {"success": True, "data": {"apiKeyMask": "sk-…", "name": "ada", "expireTime": self.key_ends}}

    @on("POST /api/openapi/apikey")
    def whole_key(self, asked: Asked) -> Any:
        self.check_cookie(asked)
        if asked.json != {"name": "ada"}:
            raise Refused(400, {"success": False, "message": "name"})
        data = {"apiKey": self.new_key(), "name": "ada", "expireTime": self.key_ends, "hasExpired": False}
        return {"success": True, "data": data}

    def check_cookie(self, asked: Asked) -> None:
        if asked.headers.get("cookie") != f"BXAuth={self.cookie}":
            raise Refused(401, {"success": False, "message": "not logged in"})
