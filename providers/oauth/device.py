"""Device flows: a code to enter at the vendor's page, while the gateway asks whether it was. Each vendor's own dialect.

Source: docs/protocol-notes.md, Subscriptions.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from providers.oauth import code_flow
from providers.oauth.answers import SignInError, Tokens, seconds_of, text_of
from providers.oauth.asking import DEVICE_GRANT, Asking
from providers.oauth.spec import DeviceDialect
from providers.oauth.vendors import vendor_of
from providers.oauth.vendors.kiro import BUILDER_ID, IDC, register_client

_URN = {"grant_type": DEVICE_GRANT}
SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S = 1.0, 60.0
SHORTEST_LIFE_S, LONGEST_LIFE_S, USUAL_LIFE_S = 30.0, 3600.0, 900.0
_PENDING, _SLOWER = "authorization_pending", "slow_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What a vendor answers to the question for a code."""

    user_code: str
    page: str
    """Where it is entered; with the code in the address where the vendor offers that."""
    interval_s: float
    life_s: float
    secrets: Mapping[str, Any] = field(repr=False)
    """What polling needs. None of it may be seen."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nobody has entered the code yet: ask again after so many seconds."""

    interval_s: float


class Dialect:
    """`begin` and `poll` raise `SignInError`; a transient one of `poll` means to go on asking."""

    usual_interval_s = 5.0

    async def begin(self, asking: Asking, options: Mapping[str, Any]) -> DeviceCode:
        raise NotImplementedError

    async def poll(self, asking: Asking, secrets: Mapping[str, Any], interval_s: float) -> Tokens | Waiting:
        raise NotImplementedError

    def code_in(self, asking: Asking, body: Any, secrets: Mapping[str, Any]) -> DeviceCode:
        """Of an answer in snake or camel case."""
        device = text_of(body, "device_code", "deviceCode", "device_auth_id")
        code = text_of(body, "user_code", "userCode", "usercode")
        page = text_of(body, "verification_uri_complete", "verificationUriComplete")
        page = page or text_of(body, "verification_uri", "verificationUri") or asking.oauth.device_page
        if not device or not code or not is_web_address(page):
            raise SignInError("The vendor's answer holds no code to enter", code="bad_answer")
        return DeviceCode(
            user_code=code[:40],
            page=page,
            interval_s=bounded_interval(body.get("interval"), self.usual_interval_s),
            life_s=seconds_of(
                body.get("expires_in", body.get("expiresIn")), USUAL_LIFE_S, SHORTEST_LIFE_S, LONGEST_LIFE_S
            ),
            secrets={**secrets, "deviceCode": device, "userCode": code},
        )


class GitHub(Dialect):
    """Says everything under a 200."""

    async def begin(self, asking: Asking, options: Mapping[str, Any]) -> DeviceCode:
        fields = {"client_id": asking.oauth.client_id, "scope": " ".join(asking.oauth.scopes)}
        return self.code_in(asking, await asking.post(asking.oauth.device_url, fields, "form"), {})

    async def poll(self, asking: Asking, secrets: Mapping[str, Any], interval_s: float) -> Tokens | Waiting:
        oauth = asking.oauth
        fields = {**_URN, "client_id": oauth.client_id, "device_code": str(secrets["deviceCode"])}
        try:
            body = await asking.post(oauth.device_token_url or oauth.token_url, fields, "form")
        except SignInError as error:
            if error.code == _PENDING:
                return Waiting(interval_s)
            if error.code == _SLOWER:
                return Waiting(bounded_interval(None, interval_s + 5))
            raise
        return vendor_of("github").read(body)


class Qwen(Dialect):
    """Polls every two seconds, half as often again with each 429, never slower than ten; 401: the code expired."""

    usual_interval_s = 2.0
    longest_s = 10.0

    async def begin(self, asking: Asking, options: Mapping[str, Any]) -> DeviceCode:
        verifier, oauth = code_flow.random_text(), asking.oauth
        fields = {
            "client_id": oauth.client_id,
            "scope": " ".join(oauth.scopes),
            "code_challenge": code_flow.challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        body = await asking.post(oauth.device_url, fields, "form", {"x-request-id": str(uuid.uuid4())})
        return self.code_in(asking, body, {"verifier": verifier})

    async def poll(self, asking: Asking, secrets: Mapping[str, Any], interval_s: float) -> Tokens | Waiting:
        oauth = asking.oauth
        fields = {
            **_URN,
            "client_id": oauth.client_id,
            "device_code": str(secrets["deviceCode"]),
            "code_verifier": str(secrets.get("verifier", "")),
        }
        try:
            body = await asking.post(oauth.device_token_url or oauth.token_url, fields, "form")
        except SignInError as error:
            if error.status == 429 or error.code == _SLOWER:
                return Waiting(min(interval_s * 1.5, self.longest_s))
            if error.code == _PENDING:
                return Waiting(interval_s)
            if error.status == 401:
                raise SignInError(
                    "The code has expired", code="expired_token", status=401, fatal=True
                ) from error
            raise
        return vendor_of("qwen").read(body)


class Aws(Dialect):
    """Each installation registers as a client first. JSON in camel case; "not yet" is a 400."""

    async def begin(self, asking: Asking, options: Mapping[str, Any]) -> DeviceCode:
        own = str(options.get("startUrl") or "")
        client = await register_client(asking, bool(own))
        fields = {**client, "startUrl": own or asking.oauth.start_url}
        body = await asking.post(asking.oauth.device_url, fields)
        return self.code_in(asking, body, {**client, "method": IDC if own else BUILDER_ID})

    async def poll(self, asking: Asking, secrets: Mapping[str, Any], interval_s: float) -> Tokens | Waiting:
        client = {name: str(secrets.get(name, "")) for name in ("clientId", "clientSecret")}
        fields = {**client, "deviceCode": secrets["deviceCode"], "grantType": DEVICE_GRANT}
        try:
            body = await asking.post(asking.oauth.device_token_url or asking.oauth.token_url, fields)
        except SignInError as error:
            if error.code == _PENDING:
                return Waiting(interval_s)
            if error.code == _SLOWER:
                return Waiting(bounded_interval(None, interval_s + 5))
            raise
        tokens = vendor_of("kiro").read(body).with_secrets(**client)
        return tokens.with_data(authMethod=secrets.get("method"), region=asking.region)


class Codex(Dialect):
    """Not the standard: 403 and 404 mean "not yet", and what comes at last is a code to exchange."""

    async def begin(self, asking: Asking, options: Mapping[str, Any]) -> DeviceCode:
        try:
            body = await asking.post(asking.oauth.device_url, {"client_id": asking.oauth.client_id})
        except SignInError as error:
            if error.status == 404:
                raise SignInError(
                    "OpenAI gives out no codes: sign in with the browser", code="no_codes"
                ) from error
            raise
        return self.code_in(asking, body, {})

    async def poll(self, asking: Asking, secrets: Mapping[str, Any], interval_s: float) -> Tokens | Waiting:
        oauth = asking.oauth
        fields = {"device_auth_id": secrets["deviceCode"], "user_code": secrets["userCode"]}
        try:
            body = await asking.post(oauth.device_token_url, fields)
        except SignInError as error:
            if error.status in (403, 404):
                return Waiting(interval_s)
            raise
        return await code_flow.exchange(
            asking,
            "codex",
            code=text_of(body, "authorization_code"),
            state="",
            verifier=text_of(body, "code_verifier"),
            redirect_uri=oauth.device_redirect_uri,
        )


DIALECTS: dict[DeviceDialect, Dialect] = {"github": GitHub(), "qwen": Qwen(), "aws": Aws(), "codex": Codex()}


def dialect_of(asking: Asking) -> Dialect:
    if asking.oauth.device_dialect is None:
        raise SignInError("This provider has no device flow", code="not_offered")
    return DIALECTS[asking.oauth.device_dialect]


def bounded_interval(value: Any, default: float) -> float:
    return seconds_of(value, min(default, LONGEST_INTERVAL_S), SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S)


def is_web_address(url: str) -> bool:
    """Fit to be a link: a vendor's answer must not put a script behind it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and len(url) <= 2000
