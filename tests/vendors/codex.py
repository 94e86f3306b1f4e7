"""OpenAI's sign-in for Codex. Source: docs/protocol-notes.md, Codex."""

from __future__ import annotations

import time
from typing import Any

from tests.vendors.framework import Asked, Refused, challenge_of, jwt, on
from tests.vendors.grants import Authority, Code

CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann"


class Codex(Authority):
    provider = "codex"
    workspace = "ws-1"
    device_verifier = "v" * 43

    def overlay_lines(self) -> dict[str, str]:
        return {
            "authorize_url": f'"{self.url}/authorize"',
            "token_url": f'"{self.url}/oauth/token"',
            "profile_url": f'"{self.url}/backend-api/wham/usage"',
            "device_url": f'"{self.url}/api/accounts/deviceauth/usercode"',
            "device_token_url": f'"{self.url}/api/accounts/deviceauth/token"',
            "device_page": f'"{self.url}/device"',
            "device_redirect_uri": f'"{self.url}/deviceauth/callback"',
        }

    def error(self, code: str, description: str = "") -> Any:
        """Nested, as OpenAI has it."""
        return {"error": {"message": description, "type": "invalid_request_error", "code": code}}

    @on("POST /oauth/token")
    def token(self, asked: Asked) -> Any:
        """The exchange is a form, the refresh JSON, without a scope."""
        if asked.json.get("grant_type") == "refresh_token":
            if "scope" in asked.json:
                raise Refused(400, self.error("invalid_scope"))
            return self.tokens(*self.rotate(str(asked.json.get("refresh_token"))))
        if asked.form.get("client_id") != CLIENT:
            raise Refused(401, self.error("invalid_client"))
        self.redeem(asked.form)
        return self.tokens(*self.pair())

    def tokens(self, access: str, refresh: str) -> Any:
        about = {"chatgpt_account_id": self.workspace, "chatgpt_plan_type": "plus", "chatgpt_user_id": "u-1"}
        signed = jwt({"exp": int(time.time() + self.life_s), "jti": access})
        self.access_tokens[signed] = self.access_tokens.pop(access)
        identity = jwt({"email": self.user, "https://api.openai.com/auth": about})
        self.issued += [signed, identity]
        return {"access_token": signed, "refresh_token": refresh, "id_token": identity}

    @on("POST /api/accounts/deviceauth/usercode")
    def usercode(self, asked: Asked) -> Any:
        if asked.json.get("client_id") != CLIENT:
            raise Refused(404, {"detail": "not enabled"})
        code, device = self.new_device()
        return {"device_auth_id": code, "user_code": device.user_code, "interval": str(self.interval_s)}

    @on("POST /api/accounts/deviceauth/token")
    def device_token(self, asked: Asked) -> Any:
        device = self.ask_device(str(asked.json.get("device_auth_id")))
        if device.user_code != asked.json.get("user_code") or device.answer != "allowed":
            raise Refused(403 if device.polls % 2 else 404, {"detail": "pending"})
        code = self.secret("code-")
        challenge = challenge_of(self.device_verifier)
        self.codes[code] = Code(challenge, f"{self.url}/deviceauth/callback", "", self.user)
        return {
            "authorization_code": code,
            "code_challenge": challenge,
            "code_verifier": self.device_verifier,
        }
