"""How one signs in at a provider, as a value. Sources: docs/protocol-notes.md, Subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Flow = Literal["code", "device", "social"]
"""Authorization code in the browser; a code to enter at the vendor's page; Kiro's Google and GitHub sign-in."""
Encoding = Literal["json", "form"]
DeviceDialect = Literal["github", "qwen", "aws", "codex"]
"""How a vendor's device endpoints are asked, and how they say "not yet"."""
ClientAuth = Literal["none", "body", "basic"]
"""Where the client secret goes: nowhere, into the body, or into the body and HTTP Basic."""

LOOPBACK_REDIRECT = "http://localhost:{port}/callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthSpec:
    """`{port}` in an address is the gateway's own port, `{region}` the region of the account."""

    flows: tuple[Flow, ...]
    client_id: str = ""
    client_secret_env: str = ""
    """Environment variable that holds the published secret of the vendor's installed program; "": there is none."""
    client_auth: ClientAuth = "none"
    scopes: tuple[str, ...] = ()
    refresh_scopes: tuple[str, ...] = ()
    """Sent with a refresh; empty: none are."""

    authorize_url: str = ""
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    pkce: bool = True
    redirect_uri: str = LOOPBACK_REDIRECT
    redirect_param: str = "redirect_uri"
    listen_ports: tuple[int, ...] = ()
    """Ports that the vendor sends the browser to, where a listener waits while somebody signs in."""
    manual_redirect_uri: str = ""
    """The vendor's page that shows the code, for a browser on another machine than the gateway."""

    token_url: str = ""
    token_encoding: Encoding = "form"
    sends_state: bool = False
    """Whether the exchange repeats the state."""
    refresh_url: str = ""
    """Empty: `token_url`."""
    refresh_encoding: Encoding | None = None
    """None: `token_encoding`."""
    refresh_lead_s: float = 300.0
    """How long before the end of an access token the background job renews it."""
    longest_age_s: float = 0.0
    """How old an access token gets at most before the job renews it, whatever its end; 0: as old as it lasts."""
    rotates: bool = False
    """A refresh token works once: the answer holds the next one."""

    device_dialect: DeviceDialect | None = None
    device_url: str = ""
    device_token_url: str = ""
    """Where a device flow is polled; empty: `token_url`."""
    device_page: str = ""
    """Where the code is entered, when the vendor's answer does not say it."""
    device_redirect_uri: str = ""
    """Redirect address of the exchange that ends the device flow, where there is one."""
    register_url: str = ""
    """Where each installation gets a client of its own (AWS)."""
    start_url: str = ""
    """The portal of the AWS directory that people sign in to."""

    profile_url: str = ""
    """Tells whose account it is, or at least that the token is good; for iFlow also the key that requests are made
    with."""
    mint_url: str = ""
    """Where the sign-in's token is turned into what requests are made with: Copilot's short-lived
    token, iFlow's key for a cookie."""
    social_page: str = ""
    """Where people sign in to Kiro with Google or GitHub."""
    social_url: str = ""
    """Base address of what that page's code, and later the refresh token, are exchanged at."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers for the vendor's sign-in, profile and token endpoints."""

    expired_messages: tuple[str, ...] = ()
    """Texts of refusals other than 401 that mean the access token, in lower case: renew once, repeat once."""
    credential_files: tuple[str, ...] = ()
    """Where the vendor's own program keeps its sign-in; the first that exists is offered for import."""
