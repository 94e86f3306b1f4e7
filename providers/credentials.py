"""How a request shows who it is from."""

from __future__ import annotations

from providers.spec import Endpoint

ANTHROPIC_VERSION = "2023-06-01"


def auth_headers(endpoint: Endpoint, api_key: str) -> dict[str, str]:
    """The endpoint's own headers, the version that Anthropic's format needs, the key. Names in lower case.

    Without a key there is no authentication header: local servers ask for none.
    """
    headers = {name.lower(): text for name, text in endpoint.headers.items()}
    if endpoint.format == "anthropic_messages":
        headers.setdefault("anthropic-version", ANTHROPIC_VERSION)
    if not api_key or endpoint.auth == "none":
        return headers
    if endpoint.auth in ("x-api-key", "x-api-key+bearer"):
        headers["x-api-key"] = api_key
    if endpoint.auth in ("bearer", "x-api-key+bearer"):
        headers["authorization"] = f"Bearer {api_key}"
    if endpoint.auth == "x-goog-api-key":
        headers["x-goog-api-key"] = api_key
    return headers
