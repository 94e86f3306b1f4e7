"""Kiro: who asks, and in which region. The conversation is the wire format's business.

Source: docs/protocol-notes.md, Kiro.
"""

from __future__ import annotations

import re
import time

from omniroute.errors import UpstreamError, UpstreamRefused, UpstreamUnreachable
from providers.adapters.base import Adapter, Draft, registry
from providers.config import AccountConfig

PROFILE_ARN = "profileArn"
REGION = "region"
AUTH_METHOD = "authMethod"
"""In an account's provider data."""
HOME = "us-east-1"
AT_AMAZON_S = 3600.0
"""How long an account that Kiro's own host did not serve is asked at Amazon's alone."""
_BY_DIRECTORY = ("idc", "external_idp", "api_key")
"""Ways to sign in that Kiro's own host does not know."""
_NOT_SERVED = re.compile(r"profileArn is required|Improperly formed request", re.IGNORECASE)
_TOKEN_TYPES = {"external_idp": "EXTERNAL_IDP", "api_key": "API_KEY"}


class Kiro(Adapter):
    def prepare(self, draft: Draft) -> None:
        data = draft.account.provider_data
        arn = str(data.get(PROFILE_ARN) or "")
        if arn:
            draft.fields["profileArn"] = arn
        region = region_of(arn, str(data.get(REGION) or ""))
        if draft.preferred_url and is_served_by_kiro(draft.account, region):
            draft.move(draft.preferred_url)
        elif region != HOME:
            draft.move(f"q.{region}.amazonaws.com")
        draft.headers |= {
            "content-type": "application/json",
            "accept": "application/vnd.amazon.eventstream",
            "amz-sdk-request": "attempt=1; max=1",
            "amz-sdk-invocation-id": draft.request_id(),
        }
        token_type = _TOKEN_TYPES.get(str(data.get(AUTH_METHOD) or "").lower())
        if token_type:
            draft.headers["tokentype"] = token_type

    def leaves(self, account: AccountConfig, error: UpstreamError) -> bool:
        """Kiro's own host for Amazon's, which serves what the other does not."""
        if not _is_not_served(error):
            return False
        _at_amazon_until[account.key] = time.monotonic() + AT_AMAZON_S
        return True


_at_amazon_until: dict[str, float] = {}
"""By account; of this process, whose own first request finds it out."""


def is_served_by_kiro(account: AccountConfig, region: str) -> bool:
    data = account.provider_data
    if not data.get(PROFILE_ARN) or region != HOME:
        return False
    if str(data.get(AUTH_METHOD) or "").lower() in _BY_DIRECTORY:
        return False
    return _at_amazon_until.get(account.key, 0.0) <= time.monotonic()


def _is_not_served(error: UpstreamError) -> bool:
    if not isinstance(error, UpstreamRefused):
        return isinstance(error, UpstreamUnreachable)
    return error.status in (401, 403, 404) or (
        error.status == 400 and bool(_NOT_SERVED.search(error.message))
    )


def region_of(arn: str, region: str) -> str:
    """An ARN's fourth field. A sign-in's region tells where the service is only if it is one of the service's two."""
    parts = arn.split(":")
    if len(parts) > 3 and parts[3]:
        return parts[3]
    return region if region in (HOME, "eu-central-1") else HOME


registry.register("kiro")(Kiro())
