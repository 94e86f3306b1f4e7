"""Qwen Code's device flow, as it was. Source: docs/protocol-notes.md, Qwen Code."""

from __future__ import annotations

from typing import Any

from tests.vendors.framework import Asked, Refused, challenge_of, on
from tests.vendors.grants import Authority

CLIENT = "f0304373b74a44d2b584a3fb70ca9e56"


class Qwen(Authority):
    provider = "qwen"
    resource_url = "portal.qwen.ai"

    def overlay_lines(self) -> dict[str, str]:
        return {
            "token_url": f'"{self.url}/api/v1/oauth2/token"',
            "profile_url": f'"{self.url}"',
            "device_url": f'"{self.url}/api/v1/oauth2/device/code"',
        }

    @on("POST /api/v1/oauth2/device/code")
    def device_code(self, asked: Asked) -> Any:
        if asked.form.get("client_id") != CLIENT or not asked.headers.get("x-request-id"):
            raise Refused(400, self.error("invalid_client"))
        code, device = self.new_device(asked.form["code_challenge"])
        page = f"{self.url}/device"
        return {
            "device_code": code,
            "user_code": device.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={device.user_code}",
            "expires_in": 900,
        }

    @on("POST /api/v1/oauth2/token")
    def token(self, asked: Asked) -> Any:
        if asked.form.get("grant_type") == "refresh_token":
            return self.tokens(*self.rotate(asked.form.get("refresh_token", "")))
        device = self.ask_device(asked.form.get("device_code", ""))
        if challenge_of(asked.form.get("code_verifier", "")) != device.challenge:
            raise Refused(400, self.error("invalid_grant"))
        if device.extra["early"]:
            raise Refused(429, self.error("slow_down"))
        if device.answer == "pending":
            raise Refused(400, self.error("authorization_pending"))
        if device.answer != "allowed":
            raise Refused(401, self.error("expired_token" if device.answer == "expired" else "access_denied"))
        return self.tokens(*self.pair())

    def tokens(self, access: str, refresh: str) -> Any:
        return {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": self.life_s,
            "resource_url": self.resource_url,
            "status": "success",
        }
