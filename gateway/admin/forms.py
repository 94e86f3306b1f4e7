"""The forms of the gateway's settings."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from combos.api.routing import RoutingPatch, save_routing, shown_routing
from gateway.models import AccessSettings
from providers.choices import provider_names


class AccessForm(forms.ModelForm):  # type: ignore[type-arg]
    """With the blocked providers, which are a part of the routing."""

    blocked_providers = forms.MultipleChoiceField(
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text="Nothing is sent to these, and their models are not listed. Provider rules block single models.",
    )

    class Meta:
        model = AccessSettings
        fields = ("require_key_for_models", "fetch_private_addresses")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["blocked_providers"]
        blocked, names = shown_routing().blocked_providers, provider_names()
        gone = {id: id for id in blocked if id not in names}
        field.choices = sorted({**names, **gone}.items(), key=lambda each: each[1].lower())  # type: ignore[attr-defined]
        self.initial["blocked_providers"] = blocked

    def save_blocked(self) -> None:
        if "blocked_providers" in self.changed_data:
            save_routing(RoutingPatch(blocked_providers=self.cleaned_data["blocked_providers"]))
