"""What an authorization server keeps: codes that work once, families of refresh tokens, device codes."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.framework import Asked, Refused, Reply, VendorApp, challenge_of, on


@dataclass
class Code:
    challenge: str
    redirect_uri: str
    state: str
    user: str


@dataclass
class Device:
    user_code: str
    challenge: str = ""
    answer: str = "pending"
    """pending, allowed, denied or expired: what people did, or did not do."""
    polled_at: float = 0.0
    polls: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


class Authority(VendorApp):
    """`rotates`: every refresh gives another refresh token, and an old one kills the family."""

    rotates = True
    access_prefix, refresh_prefix = "at-", "rt-"
    life_s: float = 3600
    user = "ada@example.com"

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, Code] = {}
        self.devices: dict[str, Device] = {}
        self.refresh_tokens: dict[str, str] = {}
        """Token -> family."""
        self.spent: dict[str, str] = {}
        self.dead: set[str] = set()
        self.access_tokens: dict[str, str] = {}
        """Token -> user."""
        self.issued: list[str] = []
        """Every secret that was ever given out, for those who look whether one got out."""
        self.interval_s = 1

    def secret(self, prefix: str) -> str:
        token = prefix + secrets.token_urlsafe(24)
        self.issued.append(token)
        return token

    def pair(self, family: str = "", user: str = "") -> tuple[str, str]:
        """A new access and refresh token."""
        access, refresh = self.secret(self.access_prefix), self.secret(self.refresh_prefix)
        self.access_tokens[access] = user or self.user
        self.refresh_tokens[refresh] = family or secrets.token_hex(4)
        return access, refresh

    def rotate(self, refresh: str) -> tuple[str, str]:
        """For a refresh token. Raise `Refused`."""
        if refresh in self.spent:
            self.dead.add(self.spent[refresh])
            raise Refused(400, self.error("refresh_token_reused", "Your refresh token was already used."))
        family = self.refresh_tokens.get(refresh)
        if family is None or family in self.dead:
            raise Refused(400, self.error("invalid_grant", "The refresh token is not valid."))
        if not self.rotates:
            access = self.secret(self.access_prefix)
            self.access_tokens[access] = self.user
            return access, ""
        del self.refresh_tokens[refresh]
        self.spent[refresh] = family
        return self.pair(family)

    def kill_all(self) -> None:
        self.dead.update(self.refresh_tokens.values())

    def error(self, code: str, description: str = "") -> Any:
        return {"error": code, "error_description": description}

    def user_of(self, asked: Asked) -> str:
        if asked.bearer not in self.access_tokens:
            raise Refused(401, self.error("invalid_token", "Who are you?"))
        return self.access_tokens[asked.bearer]

    # ---- The browser's part

    redirect_param = "redirect_uri"

    @on("GET /authorize")
    def authorize(self, asked: Asked) -> Any:
        """A page with one button, as people see it."""
        query = asked.query
        code = self.secret("code-")
        self.codes[code] = Code(
            query.get("code_challenge", ""),
            query.get(self.redirect_param, ""),
            query.get("state", ""),
            self.user,
        )
        return (
            "<!doctype html><title>Vendor</title><h1>Allow?</h1>"
            f'<a id="allow" href="/allow/{code}">Allow</a> <a id="deny" href="/deny/{code}">Deny</a>'
        )

    @on("GET /allow/*")
    def allow(self, asked: Asked) -> Reply:
        code = asked.path.rpartition("/")[2]
        kept = self.codes[code]
        joint = "&" if "?" in kept.redirect_uri else "?"
        return Reply(302, "", {"location": f"{kept.redirect_uri}{joint}code={code}&state={kept.state}"})

    @on("GET /deny/*")
    def deny(self, asked: Asked) -> Reply:
        kept = self.codes.pop(asked.path.rpartition("/")[2])
        return Reply(302, "", {"location": f"{kept.redirect_uri}?error=access_denied&state={kept.state}"})

    def redeem(self, sent: dict[str, Any], pkce: bool = True) -> Code:
        """A code for what it stands for. Raise `Refused`."""
        kept = self.codes.pop(str(sent.get("code")), None)
        if kept is None:
            raise Refused(400, self.error("invalid_grant", "The code is not valid."))
        if sent.get("redirect_uri") != kept.redirect_uri:
            raise Refused(400, self.error("invalid_grant", "The redirect address is another one."))
        if pkce and challenge_of(str(sent.get("code_verifier"))) != kept.challenge:
            raise Refused(400, self.error("invalid_grant", "The verifier does not fit."))
        return kept

    # ---- Device codes

    def new_device(self, challenge: str = "") -> tuple[str, Device]:
        code = self.secret("device-")
        device = Device(f"{secrets.token_hex(2)}-{secrets.token_hex(2)}".upper(), challenge)
        self.devices[code] = device
        return code, device

    @on("GET /device")
    def device_page(self, asked: Asked) -> str:
        """Where people enter a code: opening it with one allows it."""
        for device in self.devices.values():
            if device.user_code == asked.query.get("user_code"):
                device.answer = "allowed"
                return "<!doctype html><title>Vendor</title><h1>Allowed</h1>"
        return "<!doctype html><title>Vendor</title><h1>Enter the code</h1>"

    def ask_device(self, code: str) -> Device:
        """Raise `Refused` for a code that is not known. Notes who asks too early in `extra`."""
        device = self.devices.get(code)
        if device is None:
            raise Refused(400, self.error("expired_token"))
        now = time.monotonic()
        device.extra["early"] = bool(device.polled_at) and now - device.polled_at < self.interval_s * 0.9
        device.polled_at, device.polls = now, device.polls + 1
        return device

    def allow_all(self) -> None:
        for device in self.devices.values():
            device.answer = "allowed"
