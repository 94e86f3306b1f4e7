"""The form of the gateway's settings."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from gateway.models import GatewaySettings
from providers.selection import registry

AI_FIELDS = (
    "system_prompt_enabled",
    "system_prompt",
    "thinking_mode",
    "thinking_budget",
    "thinking_effort",
)


class GatewaySettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    account_strategy = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget, help_text="How an account is chosen when a provider has several."
    )

    class Meta:
        model = GatewaySettings
        fields = (
            "account_strategy",
            "require_key_for_models",
            "fetch_private_addresses",
            *AI_FIELDS,
            "connect_timeout_s",
            "first_event_timeout_s",
            "idle_timeout_s",
            "response_timeout_s",
            "keepalive_s",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(field := self.fields.get("account_strategy"), forms.ChoiceField):
            choices = registry.choices()
            current = self.instance.account_strategy
            if current not in dict(choices):
                choices.append((current, f"{current} (not available)"))
            field.choices = choices
