"""AWS's sign-in for Kiro, and Kiro's own. Source: docs/protocol-notes.md, Kiro."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from tests.vendors.framework import Asked, Refused, challenge_of, on
from tests.vendors.grants import Authority, Code

ARN = "arn:aws:codewhisperer:us-east-1:1234:profile/ADA"


class Kiro(Authority):
    provider = "kiro"
    access_prefix, refresh_prefix = "aoaAAAAAG", "aorAAAAAG"
    profiles: tuple[str, ...] = ()
    owner = "ada@example.com"
    """Of the account; "" where the vendor does not say."""

    def __init__(self) -> None:
        super().__init__()
        self.clients: dict[str, str] = {}

    def overlay_lines(self) -> dict[str, str]:
        return {
            "token_url": f'"{self.url}/token"',
            "register_url": f'"{self.url}/client/register"',
            "device_url": f'"{self.url}/device_authorization"',
            "profile_url": f'"{self.url}/profiles"',
            "social_page": f'"{self.url}/signin"',
            "social_url": f'"{self.url}"',
        }

    def error(self, code: str, description: str = "") -> Any:
        names = {"invalid_grant": "InvalidGrantException", "refresh_token_reused": "InvalidGrantException"}
        return {"error": code, "__type": f"com.amazonaws#{names.get(code, code)}", "message": description}

    @on("POST /client/register")
    def register(self, asked: Asked) -> Any:
        if "refresh_token" not in asked.json.get("grantTypes", []) or not asked.json.get("scopes"):
            raise Refused(400, self.error("invalid_request"))
        client = secrets.token_hex(4)
        self.clients[client] = self.secret("client-secret-")
        return {
            "clientId": client,
            "clientSecret": self.clients[client],
            "clientSecretExpiresAt": 9_999_999_999,
        }

    def check_client(self, asked: Asked) -> None:
        if self.clients.get(asked.json.get("clientId", "")) != asked.json.get("clientSecret"):
            raise Refused(401, self.error("invalid_client"))

    @on("POST /device_authorization")
    def device_authorization(self, asked: Asked) -> Any:
        self.check_client(asked)
        if not asked.json.get("startUrl", "").startswith("https://"):
            raise Refused(400, self.error("invalid_request"))
        code, device = self.new_device()
        return {
            "deviceCode": code,
            "userCode": device.user_code,
            "verificationUri": f"{self.url}/device",
            "verificationUriComplete": f"{self.url}/device?user_code={device.user_code}",
            "expiresIn": 600,
            "interval": self.interval_s,
        }

    @on("POST /token")
    def token(self, asked: Asked) -> Any:
        self.check_client(asked)
        if asked.json.get("grantType") == "refresh_token":
            return self.tokens(*self.rotate(asked.json.get("refreshToken", "")))
        device = self.ask_device(asked.json.get("deviceCode", ""))
        if device.extra["early"]:
            raise Refused(400, {"error": "slow_down"})
        if device.answer != "allowed":
            codes = {
                "pending": "authorization_pending",
                "denied": "access_denied",
                "expired": "expired_token",
            }
            raise Refused(400, {"error": codes[device.answer]})
        return self.tokens(*self.pair())

    def tokens(self, access: str, refresh: str) -> Any:
        return {
            "accessToken": access,
            "refreshToken": refresh,
            "expiresIn": self.life_s,
            "tokenType": "Bearer",
        }

    @on("POST /profiles")
    def operation(self, asked: Asked) -> Any:
        """CodeWhisperer's JSON protocol: what is asked for is in a header."""
        if asked.bearer not in self.access_tokens:
            raise Refused(403, {"message": "The bearer token included in the request is invalid."})
        match asked.headers.get("x-amz-target", "").rpartition(".")[2]:
            case "ListAvailableProfiles":
                return {"profiles": [{"arn": arn} for arn in self.profiles]}
            case "ListAvailableModels":
                model = {"modelId": "claude-sonnet-9", "modelName": "Claude Sonnet 9"}
                return {"models": [{**model, "tokenLimits": {"maxInputTokens": 200_000}}, {}]}
        raise Refused(400, self.error("UnknownOperationException"))

    @on("GET /getUsageLimits")
    def usage_limits(self, asked: Asked) -> Any:
        if asked.bearer not in self.access_tokens:
            raise Refused(403, {"message": "The bearer token included in the request is invalid."})
        return {"userInfo": {"email": self.owner}} if self.owner else {}

    # ---- Kiro's own sign-in

    @on("GET /signin")
    def signin(self, asked: Asked) -> str:
        """Adds the path, and what people chose."""
        code, query = self.secret("code-"), asked.query
        if query.get("redirect_from") != "KiroIDE" or urlsplit(query["redirect_uri"]).path:
            raise Refused(400, "<h1>Something went wrong</h1>")
        back = f"{query['redirect_uri']}/oauth/callback?login_option={query['signin_methods']}"
        self.codes[code] = Code(query["code_challenge"], back, query["state"], self.user)
        return f'<!doctype html><a href="/allow/{code}">Allow</a>'

    @on("POST /oauth/token")
    def social_token(self, asked: Asked) -> Any:
        kept = self.codes.pop(asked.json.get("code", ""), None)
        if kept is None or asked.json.get("redirect_uri") != kept.redirect_uri:
            raise Refused(400, self.error("invalid_grant"))
        if challenge_of(asked.json.get("code_verifier", "")) != kept.challenge:
            raise Refused(400, self.error("invalid_grant"))
        return {**self.tokens(*self.pair()), "profileArn": ARN}

    @on("POST /refreshToken")
    def social_refresh(self, asked: Asked) -> Any:
        return {**self.tokens(*self.rotate(asked.json.get("refreshToken", ""))), "profileArn": ARN}
