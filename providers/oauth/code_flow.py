"""The authorization code flow, with PKCE (RFC 6749, RFC 7636): the browser goes to the vendor and comes back."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from providers.oauth.answers import SignInError, Tokens
from providers.oauth.asking import Asking
from providers.oauth.spec import OAuthSpec
from providers.oauth.vendors import vendor_of


def random_text() -> str:
    """256 bits: for the state and the PKCE verifier."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorize_url(oauth: OAuthSpec, *, state: str, verifier: str, redirect_uri: str) -> str:
    query = dict(oauth.authorize_params)
    query |= {"client_id": oauth.client_id, oauth.redirect_param: redirect_uri, "state": state}
    if oauth.scopes:
        query["scope"] = " ".join(oauth.scopes)
    if oauth.pkce:
        query |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    return f"{oauth.authorize_url}?{urlencode(query, quote_via=quote)}"


@dataclass(frozen=True, slots=True)
class Callback:
    """What the vendor sent the browser back with."""

    code: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    error: str = ""
    """The vendor's word for why there is no code."""
    said: str = ""
    """The same in a sentence."""
    option: str = ""
    """The way to sign in that people chose at the vendor's page (Kiro)."""


def read_callback(pasted: str) -> Callback:
    """Of an address, of its query alone, of `code#state` (Anthropic's page), or of a code alone. Raise `SignInError`
    for an address without a code."""
    text = "".join(pasted.split())
    if "://" in text or text.startswith("?") or "code=" in text or "error=" in text:
        return _of_query(_query_of(text))
    code, _, state = text.partition("#")
    return Callback(code, state)


def _query_of(text: str) -> str:
    if "://" not in text or text.startswith("?"):
        return text.lstrip("?")
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return parts.query or parts.fragment


def _of_query(query: str) -> Callback:
    values = {name: items[0] for name, items in parse_qs(query).items()}
    code, _, state = values.get("code", "").partition("#")
    error = values.get("error", "")
    if code in ("", "true") and not error:  # "true" stands in the address of Anthropic's own page
        raise SignInError(
            "There is no code in this address: copy the whole address that the vendor's page sent the browser to",
            code="no_code",
        )
    said, option = values.get("error_description", ""), values.get("login_option", "")
    return Callback(code, values.get("state") or state, error, said, option)


async def exchange(
    asking: Asking, provider: str, *, code: str, state: str, verifier: str, redirect_uri: str
) -> Tokens:
    """The code for tokens, and whose they are. Raise `SignInError`."""
    oauth = asking.oauth
    if not code:
        raise SignInError("There is nothing to end the sign-in with: paste the code", code="no_code")
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if oauth.pkce and verifier:
        fields["code_verifier"] = verifier
    if oauth.sends_state:
        fields["state"] = state
    vendor = vendor_of(provider)
    return await vendor.identify(asking, vendor.read(await asking.grant(fields)))
