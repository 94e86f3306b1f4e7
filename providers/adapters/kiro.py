"""Kiro: who asks, and in which region. The conversation is the wire format's business (facts/oauth_providers.md §7)."""

from __future__ import annotations

from providers.adapters.base import Adapter, Draft, registry

PROFILE_ARN = "profileArn"
REGION = "region"
AUTH_METHOD = "authMethod"
"""In an account's provider data."""
HOME = "us-east-1"
_TOKEN_TYPES = {"external_idp": "EXTERNAL_IDP", "api_key": "API_KEY"}


class Kiro(Adapter):
    def prepare(self, draft: Draft) -> None:
        data = draft.account.provider_data
        arn = str(data.get(PROFILE_ARN) or "")
        if arn:
            draft.fields["profileArn"] = arn
        region = region_of(arn, str(data.get(REGION) or ""))
        if region != HOME:
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


def region_of(arn: str, region: str) -> str:
    """An ARN's fourth field. A sign-in's region tells where the service is only if it is one of the service's two."""
    parts = arn.split(":")
    if len(parts) > 3 and parts[3]:
        return parts[3]
    return region if region in (HOME, "eu-central-1") else HOME


registry.register("kiro")(Kiro())
