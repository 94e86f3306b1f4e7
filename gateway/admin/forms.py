"""The form of the gateway's settings."""

from __future__ import annotations

from django import forms

from gateway.models import GatewaySettings

AI_FIELDS = (
    "system_prompt_enabled",
    "system_prompt",
    "thinking_mode",
    "thinking_budget",
    "thinking_effort",
)


class GatewaySettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = GatewaySettings
        fields = (
            "require_key_for_models",
            "fetch_private_addresses",
            *AI_FIELDS,
            "connect_timeout_s",
            "first_event_timeout_s",
            "idle_timeout_s",
            "response_timeout_s",
            "keepalive_s",
        )
