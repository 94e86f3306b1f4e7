"""GitHub's device flow, and the minting of Copilot tokens. Source: docs/protocol-notes.md, GitHub Copilot."""

from __future__ import annotations

import time
from typing import Any

from tests.vendors.framework import Asked, Refused, on
from tests.vendors.grants import Authority

CLIENT = "Iv1.b507a08c87ecfe98"


class GitHub(Authority):
    provider = "github"
    access_prefix = "ghu_"
    life_s = 1800
    api_path = "/individual"

    def overlay_lines(self) -> dict[str, str]:
        return {
            "token_url": f'"{self.url}/login/oauth/access_token"',
            "device_url": f'"{self.url}/login/device/code"',
            "profile_url": f'"{self.url}/user"',
            "mint_url": f'"{self.url}/copilot_internal/v2/token"',
        }

    @on("POST /login/device/code")
    def device_code(self, asked: Asked) -> Any:
        if asked.form != {"client_id": CLIENT, "scope": "read:user"}:
            raise Refused(404, {"error": "Not Found"})
        code, device = self.new_device()
        return {
            "device_code": code,
            "user_code": device.user_code,
            "verification_uri": f"{self.url}/device?user_code={device.user_code}",
            "expires_in": 900,
            "interval": self.interval_s,
        }

    @on("POST /login/oauth/access_token")
    def access_token(self, asked: Asked) -> Any:
        """200, whatever it says."""
        device = self.ask_device(asked.form.get("device_code", ""))
        if device.extra["early"]:
            self.interval_s += 5
            return {"error": "slow_down", "interval": self.interval_s}
        if device.answer == "pending":
            return {"error": "authorization_pending", "error_description": "The request is pending."}
        if device.answer != "allowed":
            return {"error": {"denied": "access_denied", "expired": "expired_token"}[device.answer]}
        access = self.secret(self.access_prefix)
        self.access_tokens[access] = self.user
        return {"access_token": access, "token_type": "bearer", "scope": "read:user"}

    @on("GET /user")
    def who(self, asked: Asked) -> Any:
        self.user_of(asked)
        return {"login": "ada", "id": 1815, "email": None}

    @on("GET /copilot_internal/v2/token")
    def mint(self, asked: Asked) -> Any:
        if "editor-version" not in asked.headers or not asked.headers["authorization"].startswith("token "):
            raise Refused(403, {"message": "Resource not accessible by integration"})
        self.user_of(asked)
        token = self.secret("tid=ada;exp=1:")
        self.access_tokens[token] = self.user
        return {
            "token": token,
            "expires_at": int(time.time() + self.life_s),
            "refresh_in": self.life_s - 300,
            "sku": "copilot_pro",
            "endpoints": {"api": f"{self.url}{self.api_path}"},
        }
