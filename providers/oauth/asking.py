"""Questions to vendors' sign-in endpoints, over httpx."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.conf import settings

from omniroute.types import JSONDict
from providers import reach
from providers.oauth.answers import FATAL, UNREACHABLE, SignInError, clean, code_of, seconds_of, text_of
from providers.oauth.spec import Encoding, OAuthSpec

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_REGION = "us-east-1"
PAUSES_S = (1.0, 2.0)
"""Before the second and the third try of what failed for a passing reason."""
SHORTEST_WAIT_S, LONGEST_WAIT_S = 5.0, 300.0
"""A vendor's Retry-After is held to this."""


def client_secret(oauth: OAuthSpec) -> str:
    """From the environment. Raise `SignInError` where it is needed and not set."""
    if not oauth.client_secret_env:
        return ""
    secret = str(getattr(settings, oauth.client_secret_env, "") or "")
    if not secret:
        raise SignInError(
            f"{oauth.client_secret_env} is not set: the vendor's sign-in needs this published secret of its program",
            code="not_configured",
        )
    return secret


@dataclass(frozen=True, slots=True)
class Asking:
    """One vendor, asked through one HTTP client. Every method raises `SignInError`."""

    oauth: OAuthSpec
    http: httpx.AsyncClient
    region: str = DEFAULT_REGION
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Secrets that must not turn up in an error's text."""

    def address(self, url: str) -> str:
        return url.replace("{region}", self.region or DEFAULT_REGION)

    async def grant(
        self, fields: Mapping[str, str], url: str = "", encoding: Encoding | None = None
    ) -> JSONDict:
        """Ask the token endpoint, as the client that the spec names."""
        oauth = self.oauth
        body = {**fields}
        if oauth.client_id:
            body.setdefault("client_id", oauth.client_id)
        auth: httpx.BasicAuth | None = None
        if oauth.client_auth != "none":
            body["client_secret"] = client_secret(oauth)
            if oauth.client_auth == "basic":
                auth = httpx.BasicAuth(oauth.client_id, body["client_secret"])
        return await self.post(url or oauth.token_url, body, encoding or oauth.token_encoding, auth=auth)

    async def post(
        self,
        url: str,
        body: Mapping[str, Any],
        encoding: Encoding = "json",
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
    ) -> JSONDict:
        content: dict[str, Any] = {"json": dict(body)} if encoding == "json" else {"data": dict(body)}
        return await self._ask("POST", url, {**content, "auth": auth}, headers)

    async def get(
        self, url: str, headers: Mapping[str, str], params: Mapping[str, str] | None = None
    ) -> JSONDict:
        return await self._ask("GET", url, {"params": params} if params else {}, headers)

    async def _ask(
        self, method: str, url: str, content: dict[str, Any], headers: Mapping[str, str] | None
    ) -> JSONDict:
        """The decoded answer. GitHub says no under a 200, so an `error` without tokens is a refusal as well; and no
        endpoint answers with anything but an object."""
        url = self.address(url)
        sent = {"accept": "application/json", **self.oauth.headers, **(headers or {})}
        if content.get("auth") is None:
            content.pop("auth", None)
        try:
            response = await self.http.request(method, url, headers=sent, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SignInError(reach.explain(error, url), code=UNREACHABLE) from error
        body = reach.body_of(response)
        refused = isinstance(body, dict) and bool(body.get("error")) and "access_token" not in body
        if response.is_success and isinstance(body, dict) and not refused:
            return body
        raise self._refusal(url, response, body)

    def _refusal(self, url: str, response: httpx.Response, body: Any) -> SignInError:
        code = code_of(body)
        said = _said(body)
        for secret in self.hidden:
            said = reach.without_secret(said, secret)
        where = reach.place(url)
        return SignInError(
            clean(f"{where} answered with {response.status_code}" + (f": {said}" if said else "")),
            code=code,
            status=response.status_code,
            fatal=code in FATAL,
            retry_after=retry_after(response),
        )


def _said(body: Any) -> str:
    """In the vendor's words; GitHub's are in its `error_details`, with the page that helps."""
    details = body.get("error_details") if isinstance(body, dict) else None
    if told := text_of(details, "message", "title"):
        return f"{told} {text_of(details, 'url')}".strip()
    return text_of(body, "error_description") or reach.message_of(body)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds, held to bounds; None where the vendor names none."""
    value = response.headers.get("retry-after", "")
    if not value:
        return None
    if not value.isdecimal():
        moment = email.utils.parsedate_tz(value)
        if moment is None:
            return None
        value = str(email.utils.mktime_tz(moment) - time.time())
    return seconds_of(value, SHORTEST_WAIT_S, SHORTEST_WAIT_S, LONGEST_WAIT_S)
