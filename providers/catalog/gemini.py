"""Google's Gemini API (AI Studio keys)."""

from __future__ import annotations

from providers.catalog.models import chat, of_kind
from providers.spec import Endpoint, ProviderSpec, Validation

SPEC = ProviderSpec(
    id="gemini",
    name="Google Gemini",
    vendor="gemini",
    pricing_id="google",
    tier="api_key",
    cost_note="Free tier, then pay per use",
    signup_url="https://aistudio.google.com/apikey",
    key_hint="AIza…",
    endpoints=(
        Endpoint(
            format="gemini",
            base_url="https://generativelanguage.googleapis.com/v1beta",
            auth="x-goog-api-key",
        ),
    ),
    models=(
        *chat(
            "gemini-4-argon gemini-3.8-flash gemini-3.7-flash gemini-3.6-flash gemini-3.5-flash"
            " gemini-3.5-flash-lite gemini-3.1-pro-preview gemini-3.1-flash-lite gemini-3-pro-preview"
            " gemini-3-flash-preview gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite"
            " gemini-2.0-flash"
        ),
        *of_kind("embedding", "gemini-embedding-001"),
        *of_kind("image", "gemini-3-pro-image-preview gemini-3.1-flash-image-preview gemini-2.5-flash-image"),
    ),
    model_aliases={
        "gemini-3-pro": "gemini-3-pro-preview",
        "gemini-3-flash": "gemini-3-flash-preview",
        "gemini-3.1-pro": "gemini-3.1-pro-preview",
    },
    validation=Validation(probe="/models?pageSize=1"),
)
